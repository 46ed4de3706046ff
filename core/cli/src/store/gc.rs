//! `jackpot gc`
use crate::{Places, study};
use anyhow::Result;
use jackpot_results::EVIDENCE;
use jackpot_store::{Garbage, Root, Store, canonical, digests};
use jackpot_study::{LOCK, Lock};
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// Remove it; without this, only say what would go
    #[arg(long)]
    apply: bool,
    /// Remove also what processes of this machine left half written; say so only of a machine
    /// that is down
    #[arg(long, value_name = "MACHINE", requires = "apply")]
    dead: Option<String>,
}

/// Exit 0: done, or nothing to do. 2: the store is in use, or could not be read.
pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let store = study::store(places)?;
    let roots = reports(&store)?;
    if let Some(machine) = &arguments.dead {
        store.forget_machine(machine)?;
    }
    let garbage = if arguments.apply {
        store.collect_garbage(&roots)?
    } else {
        store.garbage(&roots)?
    };
    say(&store, &garbage, arguments.apply);
    for stranger in store.strangers() {
        println!(
            "in `tmp/`: {stranger} is at work, or died; if that machine is down: `jackpot gc --apply --dead {}`",
            stranger.machine
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What the reports beside the store were drawn from is kept with them: what their evidence
/// pins, and what their locks list.
fn reports(store: &Store) -> Result<Vec<Root>> {
    let mut roots = Vec::new();
    let Some(beside) = store.root().parent() else {
        return Ok(roots);
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(beside.join("reports"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    let named = |file: PathBuf| {
        let inside = file.strip_prefix(beside).unwrap_or(&file);
        inside.display().to_string()
    };
    for folder in folders {
        let file = folder.join(EVIDENCE);
        if file.is_file() {
            for pin in Store::verify_bundle(&file)?.pins.values() {
                roots.push(Root {
                    name: named(file.clone()),
                    digests: digests(&canonical::parse(pin)?),
                });
            }
        }
        if let Some(lock) = Lock::read(&folder)?.filter(|lock| !lock.results.is_empty()) {
            roots.push(Root {
                name: named(folder.join(LOCK)),
                digests: lock.results.into_iter().collect(),
            });
        }
    }
    Ok(roots)
}

fn say(store: &Store, garbage: &Garbage, applied: bool) {
    for kept in &garbage.kept {
        println!(
            "stays: {} actions, {} objects, {} for {}",
            kept.actions,
            kept.objects,
            study::bytes(kept.bytes),
            kept.root
        );
    }
    if garbage.kept.is_empty() {
        println!("nothing is pinned: `jackpot run` pins a study, `jackpot pin add` anything");
    }
    let mut recipes: std::collections::BTreeMap<String, usize> = Default::default();
    for key in garbage.actions.iter().filter(|_| !applied) {
        let kind = store.recipe(key).ok();
        let kind = kind.and_then(|recipe| recipe["kind"].as_str().map(str::to_owned));
        *recipes
            .entry(kind.unwrap_or_else(|| "unknown".into()))
            .or_default() += 1;
    }
    let kinds: Vec<String> = recipes
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    let kinds = if kinds.is_empty() {
        String::new()
    } else {
        format!(" ({})", kinds.join(", "))
    };
    let verb = if applied { "removed" } else { "would go" };
    println!(
        "{verb}: {} actions{kinds}, {} objects, {}, {} other files",
        garbage.actions.len(),
        garbage.objects.len(),
        study::bytes(garbage.bytes()),
        garbage.others.len()
    );
    if !applied && !garbage.objects.is_empty() {
        println!(
            "finish a study that was interrupted first: what it made is held once it is pinned; then `jackpot gc --apply`"
        );
    }
}
