//! What a run leaves beside its results: which action fills which cell, and where it ran.
use crate::{
    actions::recipe::ActionInput,
    plan::{
        assess::{ActionState, Assessment},
        graph::{CellContent, GridCell, Plan},
        origins::Origins,
    },
    run::manifest::{IDENTICAL_TO, ManifestCell},
    spec::names::NO_CHECK,
};
use jackpot_store::Digest;
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
        ActionInput::Node(r) => blame(plan, failed, r.node),
        ActionInput::Object(_) => None,
    })
}

/// The cell as it is written into the pin.
pub(crate) fn pinned(plan: &Plan, end: &Ended, origins: &Origins, cell: &GridCell) -> ManifestCell {
    let a = &end.assessment;
    let mut pinned = ManifestCell {
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
            CellContent::Run {
                before: Some(node), ..
            } if a.states[node] == ActionState::Cached => a.keys[node],
            _ => None,
        },
        lineage: plan.lineage(cell),
        identical: None,
        not_applicable: None,
        failed: None,
        collapsed: None,
    };
    if let CellContent::Run {
        mask: Some(mask), ..
    } = &cell.content
    {
        pinned.mask = a.object(mask);
        let outputs = a.outputs[mask.node].as_ref();
        pinned.selection = outputs.and_then(|o| o.get("selection")).copied();
    }
    match &cell.content {
        CellContent::NotApplicable { field, weights } => {
            pinned.not_applicable = Some(origins.because(field, weights));
        }
        CellContent::Identical { because } => {
            // No run stands behind a cell whose ticket has none.
            let of = |why: String| format!("{IDENTICAL_TO}: {why}");
            match unmodified(plan, cell).map(|train| end.of(plan, train)) {
                Some(End::Done(_)) => pinned.identical = Some(because.clone()),
                Some(End::Failed(why)) => pinned.failed = Some(of(why)),
                Some(End::Collapsed(why)) => pinned.collapsed = Some(of(why)),
                Some(End::Missing) | None => {}
            }
        }
        CellContent::Run { train, .. } => match end.of(plan, *train) {
            End::Done(key) => pinned.action = key,
            End::Failed(why) => pinned.failed = Some(why),
            End::Collapsed(why) => pinned.collapsed = Some(why),
            End::Missing => {}
        },
    }
    pinned
}

/// The training of the ticket that a cell is a check of.
fn unmodified(plan: &Plan, cell: &GridCell) -> Option<usize> {
    let twin = plan.cells.iter().find(|c| {
        let same = (c.setting, &c.ticket, &c.sparsity, c.seed)
            == (cell.setting, &cell.ticket, &cell.sparsity, cell.seed);
        same && c.check == NO_CHECK
    });
    match twin?.content {
        CellContent::Run { train, .. } => Some(train),
        _ => None,
    }
}

/// How a plan ended.
pub(crate) struct Ended<'a> {
    pub assessment: &'a Assessment,
    pub failed: &'a Failed,
    /// The trainings that were skipped.
    pub collapsed: &'a Failed,
}

/// How one training ended.
enum End {
    Done(Option<Digest>),
    Failed(String),
    Collapsed(String),
    Missing,
}

impl Ended<'_> {
    fn of(&self, plan: &Plan, train: usize) -> End {
        if self.assessment.states[train] == ActionState::Cached {
            return End::Done(self.assessment.keys[train]);
        }
        let why = |causes: &Failed| {
            let n = blame(plan, causes, train)?;
            Some(format!("{}: {}", plan.nodes[n].title, causes[&n]))
        };
        let failed = why(self.failed).map(End::Failed);
        let ended = failed.or_else(|| why(self.collapsed).map(End::Collapsed));
        ended.unwrap_or(End::Missing)
    }
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
