//! What a run leaves beside its results: which action fills which cell, and where it ran.
use crate::{
    assess::{Assessment, State},
    pin::PinnedCell,
    plan::{Cell, Content, Plan},
    recipe::Input,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why actions failed, by node.
pub(crate) type Failed = BTreeMap<usize, String>;

/// The failed action that keeps `node` from running, itself included.
pub(crate) fn blame(plan: &Plan, failed: &Failed, node: usize) -> Option<usize> {
    if failed.contains_key(&node) {
        return Some(node);
    }
    let inputs = plan.nodes[node].recipe.inputs();
    inputs.into_iter().find_map(|input| match input {
        Input::Node(r) => blame(plan, failed, r.node),
        Input::Object(_) => None,
    })
}

/// The cell as it is written into the pin.
pub(crate) fn pinned(plan: &Plan, a: &Assessment, failed: &Failed, cell: &Cell) -> PinnedCell {
    let mut pinned = PinnedCell {
        ticket: cell.ticket.clone(),
        check: cell.check.clone(),
        sparsity: cell.sparsity.clone(),
        seed: cell.seed.to_string(),
        action: None,
        mask: None,
        identical: None,
        failed: None,
    };
    match &cell.content {
        Content::Identical { because } => pinned.identical = Some(because.clone()),
        Content::Run { train, mask } if a.states[*train] == State::Cached => {
            pinned.action = a.keys[*train];
            pinned.mask = mask.as_ref().and_then(|m| a.object(m));
        }
        Content::Run { train, .. } => {
            pinned.failed = blame(plan, failed, *train).map(|n| {
                let title = &plan.nodes[n].title;
                format!("{title}: {}", failed[&n])
            });
        }
    }
    pinned
}

/// Machine, program and commit, as far as they are known.
pub(crate) fn place(plan: &Plan) -> Value {
    let system = rustix::system::uname();
    let head = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(&plan.study.folder)
        .output();
    let commit = head
        .ok()
        .filter(|o| o.status.success())
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    json!({
        "machine": system.nodename().to_string_lossy(),
        "jackpot": env!("CARGO_PKG_VERSION"),
        "git_commit": commit,
    })
}
