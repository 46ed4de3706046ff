//! The numbers that the suite is for. A test that tries many things says how many held:
//!
//! ```text
//! jackpot-count: hostile modes contained = 120 / 120
//! ```
//!
//! on a line of its own, written straight to standard output (`print!` is swallowed by the
//! test harness). Lines of one name add up; the suite fails where fewer held than were
//! tried, where nothing was tried, and where a name of [`EXPECTED`] is missing. What depends on
//! the machine is shown and not judged, but it must be there ([`MEASURED`]):
//!
//! ```text
//! jackpot-measured: bytes audited a second = 812 MB
//! ```

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What marks a line.
const MARK: &str = "jackpot-count: ";
/// What marks a line with a measurement.
const MEASURE: &str = "jackpot-measured: ";
/// Names that every run of the suite prints.
const EXPECTED: &[&str] = &[
    "collections of garbage withstood",
    "corruptions of a study caught",
    "corruptions of the store caught",
    "fuzz executions",
    "hostile modes contained",
    "kills survived",
    "kills survived: in a commit",
    "kills survived: in a plugin",
    "kills survived: in a report",
    "kills survived: in a training",
    "kills survived: beside a rename",
    "write errors survived",
];
/// The same of measurements.
const MEASURED: &[&str] = &["bytes audited a second"];

/// What the tests said.
#[derive(Default)]
struct Counts {
    /// How many held, and how many were tried, by name.
    held: BTreeMap<String, (u64, u64)>,
    /// In words, by name; the last of each.
    measured: BTreeMap<String, String>,
}

/// Runs the tests, showing all that they print, and then the table of what they counted.
pub fn gather(tests: &mut Command) -> Result<()> {
    let mut child = tests
        .stdout(Stdio::piped())
        .spawn()
        .context("tests: cannot start cargo")?;
    let mut from = child.stdout.take().context("its output was piped")?;
    let (mut printed, mut chunk) = (Vec::new(), [0; 1 << 12]);
    loop {
        let n = from.read(&mut chunk).context("what the tests print")?;
        if n == 0 {
            break;
        }
        std::io::stdout().write_all(&chunk[..n])?;
        std::io::stdout().flush()?;
        printed.extend_from_slice(&chunk[..n]);
    }
    let status = child.wait().context("waiting for the tests")?;
    let counts = read(&String::from_utf8_lossy(&printed))?;
    println!("{}", table(&counts));
    if !status.success() {
        bail!("tests: cargo ended with {status}");
    }
    judge(&counts, EXPECTED, MEASURED)
}

/// The counts of a text; a marked line that cannot be read is an error, not a line less.
fn read(printed: &str) -> Result<Counts> {
    let mut counts = Counts::default();
    for line in printed.lines() {
        // The harness may have printed its dots before.
        if let Some((_, measured)) = line.split_once(MEASURE) {
            let (name, value) = measured
                .split_once(" = ")
                .with_context(|| format!("expected `NAME = VALUE`, found `{measured}`"))?;
            counts.measured.insert(name.into(), value.into());
        }
        let Some((_, count)) = line.split_once(MARK) else {
            continue;
        };
        let read = || {
            let (name, numbers) = count.rsplit_once(" = ")?;
            let (done, tried) = numbers.split_once(" / ")?;
            Some((
                name.trim(),
                done.trim().parse().ok()?,
                tried.trim().parse().ok()?,
            ))
        };
        let (name, done, tried): (&str, u64, u64) =
            read().with_context(|| format!("expected `NAME = DONE / TRIED`, found `{count}`"))?;
        let sum = counts.held.entry(name.to_owned()).or_default();
        *sum = (sum.0 + done, sum.1 + tried);
    }
    Ok(counts)
}

/// One line a name, numbers under one another.
fn table(counts: &Counts) -> String {
    let names = counts.held.keys().chain(counts.measured.keys());
    let wide = names.map(String::len).max().unwrap_or(0);
    let held = counts.held.iter();
    let held = held.map(|(name, (done, tried))| format!("   {name:wide$}  {done:>12} of {tried}"));
    let measured = counts.measured.iter();
    let measured = measured.map(|(name, value)| format!("   {name:wide$}  {value}"));
    let lines: Vec<String> = held.chain(measured).collect();
    lines.join("\n")
}

/// Whether everything that was to be tried was, and held, and what was to be measured was.
fn judge(counts: &Counts, expected: &[&str], measured: &[&str]) -> Result<()> {
    for name in expected {
        if !counts.held.contains_key(*name) {
            bail!("no test printed `{MARK}{name} = DONE / TRIED`: did it run?");
        }
    }
    for (name, (done, tried)) in &counts.held {
        if done < tried || *tried == 0 {
            bail!("{name}: {done} of {tried}");
        }
    }
    for name in measured {
        if !counts.measured.contains_key(*name) {
            bail!("no test printed `{MEASURE}{name} = VALUE`: did it run?");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "running 2 tests\n..jackpot-count: kills survived = 200 / 200\n\
                           test result: ok\njackpot-count: fuzz executions = 10 / 10\n\
                           jackpot-count: fuzz executions = 5 / 5\n\
                           .jackpot-measured: speed = 5 MB\n";

    #[test]
    fn lines_are_found_behind_dots_and_add_up() {
        let counts = read(PRINTED).unwrap();
        assert_eq!(counts.held["kills survived"], (200, 200));
        assert_eq!(counts.held["fuzz executions"], (15, 15));
        assert_eq!(
            table(&counts),
            "   fuzz executions            15 of 15\n   kills survived            200 of 200\n   speed            5 MB"
        );
        judge(&counts, &["kills survived", "fuzz executions"], &["speed"]).unwrap();
    }

    #[test]
    fn what_did_not_hold_or_did_not_run_fails() {
        let fails = |printed: &str, says: &str| {
            let judged =
                read(printed).and_then(|counts| judge(&counts, &["kills survived"], &["speed"]));
            let why = judged.unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        };
        fails("", "no test printed `jackpot-count: kills survived");
        fails("jackpot-count: kills survived = 199 / 200", "199 of 200");
        fails("jackpot-count: kills survived = 0 / 0", "0 of 0");
        fails(
            "jackpot-count: kills survived = many / 200",
            "expected `NAME",
        );
        fails(
            "jackpot-count: kills survived = 1 / 1",
            "no test printed `jackpot-measured: speed",
        );
        fails("jackpot-measured: speed 5", "expected `NAME = VALUE`");
    }
}
