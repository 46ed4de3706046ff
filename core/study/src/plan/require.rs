//! What a plan needs that no action of it makes: looked at before anything runs.
use crate::{
    Error,
    actions::{recipe::ActionInput, validate},
    plan::graph::Plan,
    spec::ticket::stage::WeightsSource,
};
use jackpot_store::{Digest, Store};
use std::collections::BTreeSet;

/// Refuses weights that a study names by their hash and that are not in the store, or are not
/// its network's.
///
/// # Errors
/// The field that names them; a store that cannot be read.
pub fn require(plan: &Plan, store: &Store) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for node in &plan.nodes {
        for input in node.recipe.inputs() {
            let ActionInput::Object(digest) = input else {
                continue;
            };
            if !seen.insert((node.setting, digest)) {
                continue;
            }
            let refuse = |why: String| {
                let setting = plan.study.settings[node.setting].of();
                let field = field(plan, node.setting, digest).unwrap_or(node.title.clone());
                Error(format!("{field}{setting}: the object {digest} {why}"))
            };
            if !store.has(&digest) {
                return Err(refuse(
                    "is not in the store; `jackpot import` puts weights there and prints their name".into(),
                ));
            }
            let bytes = store.get(&digest).map_err(Error::from_store)?;
            validate::weights(&bytes, &plan.networks[node.setting])
                .map_err(|e| refuse(format!("is not weights of this network: {}", e.message)))?;
        }
    }
    Ok(())
}

/// Where the study names an object.
fn field(plan: &Plan, setting: usize, digest: Digest) -> Option<String> {
    let named = |stage: WeightsSource| stage.object() == Some(digest);
    let of_tickets = plan.study.settings[setting].tickets.iter().filter_map(|t| {
        let sparse = t.sparse.as_ref()?;
        let rewind = sparse.rounds.as_ref().map(|r| r.rewind);
        let field = match () {
            () if named(sparse.of) => "scores.of",
            () if rewind.is_some_and(named) => "rounds.rewind",
            () if named(sparse.start) => "start",
            () => return None,
        };
        Some(format!("ticket `{}`: `{field}`", t.name))
    });
    let of_checks = plan.study.checks.iter().filter_map(|c| {
        let start = c.start.filter(|s| named(*s));
        start.map(|_| format!("check `{}`: `start`", c.name))
    });
    of_tickets.chain(of_checks).next()
}
