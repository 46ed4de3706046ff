//! The numbers that the suite is for. A test that tries many things says how many held:
//!
//! ```text
//! jackpot-count: hostile modes contained = 120 / 120
//! ```
//!
//! on a line of its own, written straight to standard output (`print!` is swallowed by the
//! test harness). Lines of one name add up; the suite fails where fewer held than were
//! tried, where nothing was tried, and where a name of [`EXPECTED`] is missing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What marks a line.
const MARK: &str = "jackpot-count: ";
/// Names that every run of the suite prints.
const EXPECTED: &[&str] = &["corruptions of the store caught", "hostile modes contained"];

/// How many held, and how many were tried.
type Counts = BTreeMap<String, (u64, u64)>;

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
    judge(&counts, EXPECTED)
}

/// The counts of a text; a marked line that cannot be read is an error, not a line less.
fn read(printed: &str) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in printed.lines() {
        // The harness may have printed its dots before.
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
        let sum = counts.entry(name.to_owned()).or_default();
        *sum = (sum.0 + done, sum.1 + tried);
    }
    Ok(counts)
}

/// One line a name, numbers under one another.
fn table(counts: &Counts) -> String {
    let wide = counts.keys().map(String::len).max().unwrap_or(0);
    let line = |(name, (done, tried)): (&String, &(u64, u64))| {
        format!("   {name:wide$}  {done:>12} of {tried}")
    };
    let lines: Vec<String> = counts.iter().map(line).collect();
    lines.join("\n")
}

/// Whether everything that was to be tried was, and held.
fn judge(counts: &Counts, expected: &[&str]) -> Result<()> {
    for name in expected {
        if !counts.contains_key(*name) {
            bail!("no test printed `{MARK}{name} = DONE / TRIED`: did it run?");
        }
    }
    for (name, (done, tried)) in counts {
        if done < tried || *tried == 0 {
            bail!("{name}: {done} of {tried}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "running 2 tests\n..jackpot-count: kills survived = 200 / 200\n\
                           test result: ok\njackpot-count: fuzz executions = 10 / 10\n\
                           jackpot-count: fuzz executions = 5 / 5\n";

    #[test]
    fn lines_are_found_behind_dots_and_add_up() {
        let counts = read(PRINTED).unwrap();
        assert_eq!(counts["kills survived"], (200, 200));
        assert_eq!(counts["fuzz executions"], (15, 15));
        assert_eq!(
            table(&counts),
            "   fuzz executions            15 of 15\n   kills survived            200 of 200"
        );
        judge(&counts, &["kills survived", "fuzz executions"]).unwrap();
    }

    #[test]
    fn what_did_not_hold_or_did_not_run_fails() {
        let fails = |printed: &str, says: &str| {
            let judged = read(printed).and_then(|counts| judge(&counts, &["kills survived"]));
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
    }
}
