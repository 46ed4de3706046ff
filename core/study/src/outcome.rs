//! What a run leaves beside its results: which action fills which cell, and where it ran.
use crate::{
    assess::{Assessment, State},
    pin::PinnedCell,
    plan::{Cell, Content, Plan},
    recipe::Input,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why actions failed or were not started, by node.
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

/// The cell as it is written into the pin; `collapsed` are the trainings that were skipped.
pub(crate) fn pinned(
    plan: &Plan,
    a: &Assessment,
    failed: &Failed,
    collapsed: &Failed,
    cell: &Cell,
) -> PinnedCell {
    let mut pinned = PinnedCell {
        setting: plan.study.settings[cell.setting].name.clone(),
        ticket: cell.ticket.clone(),
        check: cell.check.clone(),
        sparsity: cell.sparsity.clone(),
        seed: cell.seed.to_string(),
        action: None,
        mask: None,
        selection: None,
        pretraining: plan.pretraining(cell).and_then(|node| a.keys[node]),
        before: match cell.content {
            Content::Run {
                before: Some(node), ..
            } if a.states[node] == State::Cached => a.keys[node],
            _ => None,
        },
        lineage: plan.lineage(cell),
        identical: None,
        failed: None,
        collapsed: None,
    };
    if let Content::Run {
        mask: Some(mask), ..
    } = &cell.content
    {
        pinned.mask = a.object(mask);
        let outputs = a.outputs[mask.node].as_ref();
        pinned.selection = outputs.and_then(|o| o.get("selection")).copied();
    }
    match &cell.content {
        Content::Identical { because } => pinned.identical = Some(because.clone()),
        Content::Run { train, .. } if a.states[*train] == State::Cached => {
            pinned.action = a.keys[*train];
        }
        Content::Run { train, .. } => {
            let why = |causes: &Failed| {
                let n = blame(plan, causes, *train)?;
                Some(format!("{}: {}", plan.nodes[n].title, causes[&n]))
            };
            pinned.failed = why(failed);
            if pinned.failed.is_none() {
                pinned.collapsed = why(collapsed);
            }
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
