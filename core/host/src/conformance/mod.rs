//! The conformance kit: what an author runs on a plugin before anybody else does.
//!
//! Every case runs an item of the plugin in a worker process of its own, on data and weights
//! that the kit makes, and ends in a verdict with a reason. Gradients are those of
//! [`Practice`](crate::guest::services::mock::Practice): the server must be one that serves it.
mod bench;
mod cases;

use crate::{Server, describe};
use jackpot_protocol::{Failure, Item, Plugin};
use serde::Serialize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How the kit runs a plugin.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Describes plugins and serves practice jobs (see [`serve_practice`](crate::serve_practice)).
    pub server: Server,
    /// Seconds that one case may take of the plugin's own time.
    pub seconds: f64,
    /// Cases at the same time.
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
pub enum Verdict {
    /// It holds; what there is to say about it, or nothing.
    Passed(String),
    /// It does not.
    Failed(String),
    /// Nothing of this item can be held to it.
    NotApplicable(String),
}

/// One case of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The item's id; empty of the library as a whole.
    pub item: String,
    /// What was tried.
    pub case: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
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
    /// Cases that failed.
    pub fn failed(&self) -> usize {
        let failed = |case: &&Case| matches!(case.verdict, Verdict::Failed(_));
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
                cases: vec![loads(Verdict::Failed(failure.message))],
            });
        }
    };
    let all = chosen(kit, &described)?;
    let bench = bench::Bench::new(kit, &described);
    let found: Vec<Mutex<Option<Verdict>>> = all.iter().map(|_| Mutex::new(None)).collect();
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
    let cases = std::iter::once(loads(Verdict::Passed(String::new()))).chain(cases);
    Ok(Report {
        cases: cases.collect(),
        plugin: Some(described),
    })
}

/// Every case of every item that the kit is to try.
fn chosen<'a>(
    kit: &Kit,
    plugin: &'a Plugin,
) -> Result<Vec<(&'a Item, &'static cases::Attempt)>, Failure> {
    let unknown = |what: &str, asked: &str, known: Vec<&str>| {
        let distance = |name: &&str| strsim::damerau_levenshtein(asked, name);
        let nearest = known.into_iter().min_by_key(distance).unwrap_or_default();
        let message = format!("no {what} `{asked}`: did you mean `{nearest}`?");
        Failure::new("invalid", message)
    };
    let mut items: Vec<&Item> = plugin.items.iter().collect();
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
