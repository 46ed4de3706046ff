//! Actions that are functions of bytes alone: no process, no plugin, no store.
use crate::{
    actions::recipe::{By, Input, Recipe},
    actions::validate,
};
use jackpot_net::{Architecture, Network};
use jackpot_protocol::Failure;
use jackpot_prune::{Scores, SelectionOptions};
use jackpot_rng::Key;
use jackpot_store::canonical;
use serde_json::json;

/// Output names and what they hold.
pub type Outputs = Vec<(&'static str, Vec<u8>)>;

/// What is about `what` is not as it must be.
pub(crate) fn invalid(what: &str) -> impl Fn(&dyn std::fmt::Display) -> Failure {
    move |why| Failure::new("invalid", format!("{what}: {why}"))
}

/// The first weights of a network.
pub fn init(architecture: &Architecture, key: &str) -> Result<Outputs, Failure> {
    let fail = invalid("init");
    let network = architecture.build().map_err(|e| fail(&e))?;
    let key = Key::from_hex(key).ok_or_else(|| fail(&format!("`{key}` is not a key")))?;
    let weights = jackpot_net::init::initial_weights(&network, key).map_err(|e| fail(&e))?;
    Ok(vec![("weights", weights)])
}

/// The mask of a selection, and how sharp it was. `read` gives the bytes of an input.
pub fn select(
    recipe: &Recipe,
    network: &Network,
    read: &dyn Fn(&Input) -> Result<Vec<u8>, Failure>,
) -> Result<Outputs, Failure> {
    let Recipe::Select {
        scores,
        by,
        within,
        reserve,
        unit,
        ..
    } = recipe
    else {
        return Err(Failure::new("invalid", "not a selection"));
    };
    let scores = Scores::from_safetensors(&read(scores)?, network)?;
    let within = within.as_ref().map(|i| validate::mask(&read(i)?, network));
    let within = within.transpose()?;
    let counts = match by {
        By::Global { .. } => Vec::new(),
        By::Counts(input) => validate::counts(&read(input)?, network)?,
        By::Mask(input) => validate::mask(&read(input)?, network)?.counts(),
        By::Table {
            densities,
            sparsity,
        } => jackpot_prune::counts_of_densities(network, densities, sparsity)?,
    };
    let by = match by {
        By::Global {
            scope,
            sparsity,
            rule,
        } => jackpot_prune::PruningBudget::Sparsity {
            sparsity,
            scope: *scope,
            rule: *rule,
        },
        _ => jackpot_prune::PruningBudget::Counts(&counts),
    };
    let choice = SelectionOptions {
        budget: by,
        within: within.as_ref(),
        constraints: *reserve,
        granularity: *unit,
    };
    let (mask, selected) = jackpot_prune::select(network, &scores, &choice)?;
    if mask.kept() == mask.total() {
        return Err(Failure::new(
            "invalid",
            "the selection pruned nothing although sparsity was asked for",
        ));
    }
    let selection =
        canonical::to_bytes(&json!(selected)).map_err(|e| Failure::new("store", e.to_string()))?;
    Ok(vec![("mask", mask.to_bytes()), ("selection", selection)])
}
