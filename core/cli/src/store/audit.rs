//! `jackpot audit`: the whole store, or the provenance of one thing.
mod rerun;
mod tree;

use crate::{Places, progress::bar, study};
use anyhow::{Context, Result, bail};
use jackpot_results::{EVIDENCE, RunName, Tracer, report_of, results_of};
use jackpot_store::{Audit, Fault, Found, ProducerIndex, Store};
use jackpot_study::{LOCK, Lock};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// Whose derivation to print and verify: the first digits of a hash, a run
    /// (`quick/snip/none/0.98/1`), or a file of a report; without any, the whole store
    what: Vec<String>,
    /// Hash every object again, not only follow what refers to what
    #[arg(long, conflicts_with_all = ["what", "rerun"])]
    deep: bool,
    /// Do N finished actions again in a store that is thrown away, and compare their digests:
    /// those that are named, then others behind them; without names, any of the store
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rerun: Option<u32>,
    /// What chooses the actions of `--rerun`: 32 hexadecimal digits, as a run before printed them
    #[arg(long, value_name = "KEY", requires = "rerun")]
    key: Option<String>,
    /// Move damaged files to `quarantine/`, so that the next run makes them anew
    #[arg(long, conflicts_with_all = ["what", "rerun"])]
    quarantine: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exit 0: everything is what its name says. 1: something is not. 2: could not look.
pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    if let Some(n) = arguments.rerun {
        return rerun::run(places, &study::store(places)?, arguments, n as usize);
    }
    if arguments.what.is_empty() {
        return whole(&study::store(places)?, arguments);
    }
    let store = match evidence(places, &arguments.what)? {
        Some(evidence) => evidence,
        None => study::store(places)?,
    };
    let producers = ProducerIndex::read(&store)?;
    let mut tracer = Tracer::new(&store, &producers)?;
    let mut trees = Vec::new();
    for what in &arguments.what {
        let link = match subject(&store, what)? {
            Subject::Store(Found::Action(key)) => tracer.action(&key)?,
            Subject::Store(Found::Object(digest)) => tracer.object(&digest)?,
            Subject::Report(folder, path) => tracer.report_file(&folder, &path)?,
        };
        trees.push((what, link));
    }
    let (objects, bytes) = tracer.hashed();
    let problems: usize = trees.iter().map(|(_, link)| link.problems().len()).sum();
    let not_kept: BTreeSet<_> = trees.iter().flat_map(|(_, link)| link.not_kept()).collect();
    let not_kept = not_kept.len();
    if arguments.json {
        let trees: Vec<Value> = trees
            .iter()
            .map(|(what, link)| tree::in_json(what, link))
            .collect();
        println!(
            "{:#}",
            json!({ "derivations": trees, "hashed": objects, "bytes": bytes, "not_kept": not_kept, "problems": problems })
        );
    } else {
        for (_, link) in &trees {
            tree::print(link);
        }
        println!(
            "{objects} objects hashed, {}; {not_kept} named by their hash and not kept; {}",
            study::bytes(bytes),
            counted(problems, "problem")
        );
    }
    Ok(code(problems == 0))
}

/// The evidence of the report whose files are asked for, where it is what there is to read: in a
/// clone that has run nothing.
fn evidence(places: &Places, what: &[String]) -> Result<Option<Store>> {
    if places.store.is_some() {
        return Ok(None);
    }
    let file = |what: &String| {
        let path = Path::new(what);
        Some(report_of(path).filter(|_| path.is_file())?.0)
    };
    let folders: Option<BTreeSet<PathBuf>> = what.iter().map(file).collect();
    let folders = folders.unwrap_or_default();
    let (Some(folder), 1) = (folders.first(), folders.len()) else {
        return Ok(None);
    };
    let path = folder.join(EVIDENCE);
    let Some(name) = folder.file_name().filter(|_| path.is_file()) else {
        return Ok(None);
    };
    let here = std::env::current_dir().context("the current folder")?;
    let store = results_of(folder, &name.to_string_lossy(), None, &here)?;
    if store.place() != path {
        return Ok(None);
    }
    eprintln!(
        "read from {}: nothing of this study was run on the store at hand",
        path.display()
    );
    Ok(Some(store))
}

/// What an argument names.
pub enum Subject {
    /// An action or object of the store.
    Store(Found),
    /// A file of the report in this folder, as its lock spells it.
    Report(PathBuf, String),
}

/// A hash's first digits, a run, or a file of a report, by its path or by a digest in its lock.
pub fn subject(store: &Store, what: &str) -> Result<Subject> {
    if let Some((folder, path)) = report_of(Path::new(what)).filter(|_| Path::new(what).is_file()) {
        return Ok(Subject::Report(folder, path));
    }
    if let Some(name) = RunName::parse(what) {
        return Ok(Subject::Store(Found::Action(trained(store, &name)?)));
    }
    let digits = what.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !digits || !(4..=64).contains(&what.len()) {
        bail!(
            "`{what}`: expected the first 4 to 64 digits of a sha256, a run ({}), or a file of a report, found none of these",
            jackpot_results::RUN_NAME
        );
    }
    if store.find(what)?.is_empty()
        && let Some((folder, path)) = reported(what)?
    {
        return Ok(Subject::Report(folder, path));
    }
    Ok(Subject::Store(study::one(store, what)?))
}

/// The training of a run, by its pin.
pub fn trained(store: &Store, name: &RunName) -> Result<jackpot_store::Digest> {
    let cell = name.pinned(store)?;
    cell.action.with_context(|| {
        let not_run = cell.identical.or(cell.not_applicable);
        let why = not_run.or(cell.failed).or(cell.collapsed);
        let why = why.unwrap_or_else(|| "it has not run".to_owned());
        format!("this run of `{}` has no training: {why}", name.study)
    })
}

/// The file of a report under `reports/` of this or a parent folder whose digest starts so.
fn reported(start: &str) -> Result<Option<(PathBuf, String)>> {
    let here = std::env::current_dir().context("the current folder")?;
    for folder in here.ancestors() {
        let listing = std::fs::read_dir(folder.join("reports"));
        let mut reports: Vec<PathBuf> = listing
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        reports.sort();
        for report in reports.iter().filter(|r| r.join(LOCK).is_file()) {
            let lock = Lock::read(report)?;
            if let Some(path) = lock.as_ref().and_then(|lock| lock.find(start)) {
                return Ok(Some((report.clone(), path.to_owned())));
            }
        }
    }
    Ok(None)
}

fn whole(store: &Store, arguments: &Arguments) -> Result<ExitCode> {
    let start = Instant::now();
    let bar = bar("{bar:26} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    let progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let audit = if arguments.deep {
        store.audit(&progress)?
    } else {
        store.audit_structure(&progress)?
    };
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    let moved = if arguments.quarantine {
        store.quarantine_damaged(&audit)?
    } else {
        Vec::new()
    };
    let divergences = store.divergences()?;
    if arguments.json {
        let moved: Vec<Value> = moved
            .iter()
            .map(|(from, to)| json!({ "from": from, "to": to }))
            .collect();
        let diverged: Vec<Value> = divergences.iter().map(|d| json!(d.key)).collect();
        println!(
            "{:#}",
            in_json(store, &audit, arguments.deep, &diverged, &moved)
        );
    } else {
        for problem in &audit.problems {
            println!("problem {}: {}", problem.path.display(), problem.what);
        }
        for diverged in divergences {
            println!(
                "divergence of action {}: another run gave other bytes",
                diverged.key
            );
        }
        for (from, to) in &moved {
            println!("moved {} to {}", from.display(), to.display());
        }
        println!("{}", summary(store, &audit));
        advise(&audit, arguments);
    }
    if arguments.deep {
        eprintln!(
            "{} in {seconds:.1} s, {}/s",
            study::bytes(audit.bytes),
            study::bytes((audit.bytes as f64 / seconds.max(1e-9)) as u64)
        );
    }
    Ok(code(audit.problems.is_empty()))
}

fn summary(store: &Store, audit: &Audit) -> String {
    format!(
        "{}: {} objects, {} actions, {} of {} objects hashed, {}, {} divergences, {} problems",
        store.place().display(),
        audit.objects,
        audit.actions,
        audit.hashed,
        audit.objects,
        study::bytes(audit.bytes),
        audit.divergences,
        audit.problems.len()
    )
}

/// What to do next, where there is something to do.
fn advise(audit: &Audit, arguments: &Arguments) {
    let damaged = |f: Fault| matches!(f, Fault::Damaged | Fault::Incomplete);
    let damaged = audit.problems.iter().filter(|p| damaged(p.fault)).count();
    if damaged > 0 && !arguments.quarantine {
        println!(
            "`jackpot audit{} --quarantine` moves {} away; the next run makes them anew",
            if arguments.deep { " --deep" } else { "" },
            counted(damaged, "damaged file")
        );
    }
    if audit.problems.is_empty() && !arguments.deep {
        println!("structure and references are sound; `--deep` hashes every object again");
    }
}

fn in_json(store: &Store, audit: &Audit, deep: bool, diverged: &[Value], moved: &[Value]) -> Value {
    let problems: Vec<Value> = audit
        .problems
        .iter()
        .map(|p| {
            let fault = match p.fault {
                Fault::Damaged => "damaged",
                Fault::Incomplete => "incomplete",
                Fault::Missing => "missing",
                Fault::Stranger => "stranger",
            };
            json!({ "path": p.path, "fault": fault, "what": p.what })
        })
        .collect();
    json!({
        "store": store.place(), "deep": deep, "objects": audit.objects, "actions": audit.actions,
        "hashed": audit.hashed, "bytes": audit.bytes, "divergences": diverged,
        "failures": audit.failures, "quarantined": audit.quarantined,
        "problems": problems, "moved": moved,
    })
}

fn code(sound: bool) -> ExitCode {
    if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

/// "1 problem", "2 problems".
fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
