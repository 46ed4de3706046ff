//! Damaged bytes thrown at every reader of what others wrote: it says no, it never panics, and
//! never asks for more memory than the bytes can be worth.
//!
//! Seeds lie in `corpus/NAME`, one file each; what once broke a reader stays there. Every run
//! makes the same executions; `JACKPOT_FUZZ=N` makes N times as many from a key of its own,
//! which it prints.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod mutate;
mod targets;

use jackpot_test_cli::support::root;
use jackpot_test_faults::{Draws, count, say};
use mutate::Mutator;
use peak_alloc::PeakAlloc;
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};
use targets::{TARGETS, Target};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn readers_withstand_damaged_bytes() {
    let times: Option<usize> = std::env::var("JACKPOT_FUZZ")
        .ok()
        .map(|n| n.parse().unwrap());
    let draws = match times {
        Some(_) => Draws::printed("fuzz"),
        None => Draws::fixed(4),
    };
    // A panic is caught, and told once, below.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut executions, mut broken) = (0, Vec::new());
    for (number, target) in TARGETS.iter().enumerate() {
        let runs = target.runs * times.unwrap_or(1);
        let found = attack(target, draws.fork(number as u64), runs);
        say(&format!(
            "fuzz {}: {} seeds, {} executions, {} accepted, at most {} kB asked for",
            target.name,
            found.seeds,
            found.executions,
            found.accepted,
            found.most >> 10
        ));
        executions += found.executions;
        broken.extend(found.broken);
    }
    let _ = std::panic::take_hook();
    count("fuzz executions", executions - broken.len(), executions);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

struct Found {
    seeds: usize,
    executions: usize,
    accepted: usize,
    most: usize,
    broken: Vec<String>,
}

fn attack(target: &Target, draws: Draws, runs: usize) -> Found {
    let seeds = seeds(target);
    let mut found = Found {
        seeds: seeds.len(),
        executions: 0,
        accepted: 0,
        most: 0,
        broken: Vec::new(),
    };
    let mut meet = (target.reader)();
    let mut accepted = 0;
    for (name, seed) in &seeds {
        accepted += usize::from(execute(target, &mut *meet, seed, name, &mut found));
    }
    assert!(accepted > 0, "`{}` accepts none of its seeds", target.name);
    let mut mutator = Mutator::new(draws, seeds.into_iter().map(|(_, seed)| seed).collect());
    for _ in 0..runs {
        let input = mutator.next();
        execute(target, &mut *meet, &input, "mutated", &mut found);
        if found.broken.len() > 3 {
            break;
        }
    }
    found
}

/// One input; whether it was accepted.
fn execute(
    target: &Target,
    meet: &mut dyn FnMut(&[u8]) -> bool,
    input: &[u8],
    name: &str,
    found: &mut Found,
) -> bool {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let outcome = catch_unwind(AssertUnwindSafe(|| meet(input)));
    let asked = MEMORY.peak_usage().saturating_sub(before);
    found.executions += 1;
    found.most = found.most.max(asked);
    let limit = target.memory + 16 * input.len();
    let trouble = match &outcome {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
            format!("panicked: {}", text.unwrap_or_default())
        }
        Ok(_) if asked > limit => format!("asked for {asked} bytes of memory"),
        Ok(accepted) => {
            found.accepted += usize::from(*accepted);
            return *accepted;
        }
    };
    let kept =
        std::env::temp_dir().join(format!("jackpot-fuzz-{}-{}", target.name, found.executions));
    fs::write(&kept, input).unwrap();
    found.broken.push(format!(
        "{}: {name}: {trouble}; the {} bytes are kept in {}: mend the reader, put them into corpus/{}",
        target.name,
        input.len(),
        kept.display(),
        target.name
    ));
    false
}

/// The committed corpus, and files of the repository that are as good.
fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let corpus = root().join("tests/faults/corpus").join(target.name);
    let listed = fs::read_dir(&corpus).unwrap_or_else(|e| panic!("{}: {e}", corpus.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.extend(target.more.iter().map(|path| root().join(path)));
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.display().to_string(), bytes)
    };
    paths.into_iter().map(read).collect()
}
