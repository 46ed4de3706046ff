//! Damaged bytes thrown at every reader of what others wrote: it says no, it never panics, and
//! never asks for more memory than the bytes can be worth.
//!
//! Seeds lie in `corpus/NAME/good` and `corpus/NAME/bad`, one file each; what once broke a
//! reader stays there. A reader that refuses a good seed, or takes a bad one or nothing at all
//! for good, fails: damage to good bytes would test nothing. Every run makes the same executions; `JACKPOT_FUZZ=N` makes N times as many from a key of its own,
//! which it prints.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod bundle;
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
    for seed in &seeds {
        let before = found.broken.len();
        let accepted = execute(target, &mut *meet, seed, &mut found);
        if accepted != seed.good && found.broken.len() == before {
            let said = if accepted { "accepted" } else { "refused" };
            found
                .broken
                .push(format!("{}: {} is {said}", target.name, seed.name));
        }
    }
    let good = seeds.into_iter().filter(|seed| seed.good);
    let mut mutator = Mutator::new(draws, good.map(|seed| seed.bytes).collect());
    for _ in 0..runs {
        let input = Seed {
            name: "mutated".into(),
            bytes: mutator.next(),
            good: false,
        };
        execute(target, &mut *meet, &input, &mut found);
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
    seed: &Seed,
    found: &mut Found,
) -> bool {
    let (name, input) = (&seed.name, &seed.bytes[..]);
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

/// Bytes to begin with.
struct Seed {
    name: String,
    bytes: Vec<u8>,
    /// Whether the reader must accept them.
    good: bool,
}

/// The committed corpus, files of the repository that are as good, and nothing at all.
fn seeds(target: &Target) -> Vec<Seed> {
    let corpus = root().join("tests/faults/corpus").join(target.name);
    let mut paths: Vec<(PathBuf, bool)> = target
        .more
        .iter()
        .map(|path| (root().join(path), true))
        .collect();
    for (folder, good) in [("good", true), ("bad", false)] {
        // Git keeps no empty folder: a corpus without bad seeds has none.
        let listed = fs::read_dir(corpus.join(folder)).into_iter().flatten();
        paths.extend(listed.map(|entry| (entry.unwrap().path(), good)));
    }
    assert!(paths.iter().any(|(_, good)| *good), "{}", corpus.display());
    paths.sort();
    let read = |(path, good): (PathBuf, bool)| Seed {
        bytes: fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
        name: path.display().to_string(),
        good,
    };
    let nothing = Seed {
        name: "nothing".into(),
        bytes: Vec::new(),
        good: false,
    };
    paths.into_iter().map(read).chain([nothing]).collect()
}
