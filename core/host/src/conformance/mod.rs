//! The conformance kit: what an author runs on a plugin before anybody else does.
//!
//! Every case runs an item of the plugin in a worker process of its own, on data and weights
//! that the kit makes, and ends in a verdict with a reason. Gradients are those of
//! [`MockAutodiff`](crate::mock_autodiff::MockAutodiff): the server must be one that serves it.
mod bench;
mod cases;

use crate::{Server, describe};
use jackpot_protocol::{Failure, Plugin, PluginItem};
use serde::Serialize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How the kit runs a plugin.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Describes plugins and serves jobs with the mock autodiff, as
    /// [`serve_mock_autodiff`](crate::serve_mock_autodiff) does.
    pub server: Server,
    /// Seconds that one case may take of the plugin's own time.
    pub seconds: f64,
    /// How many cases are run at the same time.
    pub workers: usize,
    /// The sha256 of the plugins that come with Jackpot, in hex: theirs are the ids without a dot.
    pub of_jackpot: Vec<String>,
    /// Only this item; else all.
    pub item: Option<String>,
    /// Only cases whose name holds this; else all.
    pub case: Option<String>,
}

/// What became of one case, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "kebab-case")]
pub enum CaseOutcome {
    /// It holds; what there is to say about it, or nothing.
    Passed(String),
    /// The case does not hold, for this reason.
    Failed(String),
    /// The case asks for what this item does not do, for this reason.
    NotApplicable(String),
}

/// One case of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The item's id; empty of the library as a whole.
    pub item: String,
    /// The name of the case.
    pub case: &'static str,
    /// Whether it holds, with the reason.
    #[serde(flatten)]
    pub verdict: CaseOutcome,
}

/// Everything that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the library says of itself; `None`: it cannot be loaded.
    pub plugin: Option<Plugin>,
    /// Loading, then each item's cases in order.
    pub cases: Vec<Case>,
}

impl Report {
    /// How many cases failed.
    pub fn failed(&self) -> usize {
        let failed = |case: &&Case| matches!(case.verdict, CaseOutcome::Failed(_));
        self.cases.iter().filter(failed).count()
    }
}

/// Tries every case on every item of a plugin. `observe` hears how many cases are done, of how
/// many. An error is that the kit itself could not look.
pub fn conform(
    kit: &Kit,
    plugin: &Path,
    observe: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report, Failure> {
    let loads = |verdict| Case {
        item: String::new(),
        case: "loads, with a table that can be read",
        verdict,
    };
    let described = match describe(&kit.server, plugin) {
        Ok(described) => described,
        Err(failure) if failure.kind == "error" => return Err(failure),
        Err(failure) => {
            return Ok(Report {
                plugin: None,
                cases: vec![loads(CaseOutcome::Failed(failure.message))],
            });
        }
    };
    let all = chosen(kit, &described)?;
    let bench = bench::Bench::new(kit, &described);
    let found: Vec<Mutex<Option<CaseOutcome>>> = all.iter().map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..kit.workers.clamp(1, all.len().max(1)) {
            scope.spawn(|| {
                while let Some(i) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).filter(|i| *i < all.len())
                {
                    let (item, case) = all[i];
                    let verdict = (case.run)(&bench, item);
                    *found[i].lock().expect("no holder of the lock panics") = Some(verdict);
                    observe(done.fetch_add(1, Ordering::SeqCst) + 1, all.len());
                }
            });
        }
    });
    let cases = all.iter().zip(found).map(|((item, case), verdict)| {
        let verdict = verdict.into_inner().expect("no holder of the lock panics");
        Case {
            item: item.id.clone(),
            case: case.name,
            verdict: verdict.expect("every case was run"),
        }
    });
    let cases = std::iter::once(loads(CaseOutcome::Passed(String::new()))).chain(cases);
    Ok(Report {
        cases: cases.collect(),
        plugin: Some(described),
    })
}

/// Every case of every item that the kit is to try.
fn chosen<'a>(
    kit: &Kit,
    plugin: &'a Plugin,
) -> Result<Vec<(&'a PluginItem, &'static cases::Attempt)>, Failure> {
    let unknown = |what: &str, asked: &str, known: Vec<&str>| {
        let distance = |name: &&str| strsim::damerau_levenshtein(asked, name);
        let nearest = known.into_iter().min_by_key(distance).unwrap_or_default();
        let message = format!("no {what} `{asked}`: did you mean `{nearest}`?");
        Failure::new("invalid", message)
    };
    let mut items: Vec<&PluginItem> = plugin.items.iter().collect();
    if let Some(id) = &kit.item {
        items.retain(|item| item.id == *id);
        if items.is_empty() {
            let ids = plugin.items.iter().map(|i| i.id.as_str()).collect();
            return Err(unknown("item", id, ids));
        }
    }
    let mut attempts: Vec<&cases::Attempt> = cases::ALL.iter().collect();
    if let Some(part) = &kit.case {
        attempts.retain(|case| case.name.contains(part));
        if attempts.is_empty() {
            let names = cases::ALL.iter().map(|case| case.name).collect();
            return Err(unknown("case", part, names));
        }
    }
    let each = |item| attempts.iter().map(move |case| (item, *case));
    Ok(items.into_iter().flat_map(each).collect())
}
