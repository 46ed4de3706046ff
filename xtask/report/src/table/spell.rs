//! Numbers and names as tables and figures spell them.

use crate::cells::{Cell, DENSE, Grid, MeanSd, Summary};
use jackpot_results::{Outline, Results, RunOutcome as Outcome};
use std::collections::BTreeSet;

/// The longest reason that a table quotes; the whole of it is in `runs.csv`.
const REASON: usize = 120;

/// `98 %` of `0.98`; the text itself if it is no number.
pub(crate) fn percent(sparsity: &str) -> String {
    match sparsity.parse::<f64>() {
        Ok(x) => format!("{} %", (x * 1e8).round() / 1e6),
        Err(_) => sparsity.into(),
    }
}

/// A heading for one sparsity.
pub(crate) fn sparsity(text: &str) -> String {
    match text {
        DENSE => "Dense".into(),
        _ => format!("Sparsity {}", percent(text)),
    }
}

/// A number with `digits` decimals and, if it is negative, a true minus sign; never `−0.00`.
pub(crate) fn number(x: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", x.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if x < 0.0 && !zero {
        format!("−{text}")
    } else {
        text
    }
}

/// As [`number`], with a plus sign where it is positive.
pub(crate) fn signed(x: f64, digits: usize) -> String {
    let text = number(x, digits);
    let positive = text.chars().any(|c| matches!(c, '1'..='9')) && x > 0.0;
    if positive { format!("+{text}") } else { text }
}

/// A number with as many decimals as it was written with.
pub(crate) fn shortest(x: f64) -> super::Entry {
    let text = format!("{x}");
    let digits = text.split_once('.').map_or(0, |(_, after)| after.len());
    super::Value::Number(x, digits).into()
}

/// `87.12 ± 0.31`, or the mean alone where there is no deviation.
pub(crate) fn mean_sd(value: Option<MeanSd>, digits: usize) -> String {
    match value {
        None => "–".into(),
        Some(MeanSd { mean, sd: None }) => number(mean, digits),
        Some(MeanSd { mean, sd: Some(sd) }) => {
            format!("{} ± {}", number(mean, digits), number(sd, digits))
        }
    }
}

/// Kept shares run over decades: three significant digits, but never more than 100.
pub(crate) fn share(percent: f64) -> String {
    if percent == 0.0 {
        return "0".into();
    }
    // Rounded first, so that 9.999 is given the digits of 10.0.
    let rounded: f64 = format!("{percent:.2e}").parse().unwrap_or(percent);
    let digits = (2.0 - rounded.log10().floor()).max(0.0) as usize;
    number(rounded, digits)
}

/// `+0.12 [−0.40, +0.64]`, or the mean alone where nothing says how it varies.
pub(crate) fn interval(mean: f64, bounds: Option<(f64, f64)>, digits: usize) -> String {
    let mean = signed(mean, digits);
    match bounds {
        None => mean,
        Some((low, high)) => {
            format!("{mean} [{}, {}]", signed(low, digits), signed(high, digits))
        }
    }
}

/// `3`, or `2 of 3` where a seed that was asked for is not there.
pub(crate) fn of(n: usize, asked: usize) -> String {
    if n == asked {
        n.to_string()
    } else {
        format!("{n} of {asked}")
    }
}

/// Text on one line.
pub(crate) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text as a Markdown table's cell: one line, no bar, and nothing that Markdown takes for markup.
pub(crate) fn cell(text: &str) -> String {
    let line = line(text);
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '|' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '<' => out += "&lt;",
            _ => out.push(c),
        }
    }
    out
}

/// The start of a long reason, on one line.
pub(crate) fn reason(text: &str) -> String {
    let line = line(text);
    if line.chars().count() <= REASON {
        return line;
    }
    line.chars().take(REASON).chain(['…']).collect()
}

/// The study's one-line facts: names and values, code between backticks.
pub(crate) fn fact_list(outline: &Outline, results: &Results) -> Vec<(String, String)> {
    let seeds: Vec<_> = outline.seeds.iter().map(u64::to_string).collect();
    let run = [
        ("seeds", seeds.join(", ")),
        ("device class", results.device_class.clone()),
        ("libtorch", results.libtorch.clone()),
        ("study.toml", format!("sha256 `{}`", outline.digest)),
    ];
    let study = outline.facts.iter();
    let study = study.filter(|(name, _)| !run.iter().any(|(known, _)| known == name));
    let run = run
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()));
    study.cloned().chain(run).collect()
}

/// The study's one-line facts as a list in Markdown.
pub(crate) fn facts(outline: &Outline, results: &Results) -> String {
    let lines = fact_list(outline, results)
        .into_iter()
        .map(|(name, value)| {
            let value = if value.contains('`') {
                value
            } else {
                cell(&value)
            };
            format!("- **{}**: {value}\n", cell(&name))
        });
    lines.collect()
}

/// What a cell is called that has no number of its own, and is not to have one; none: it is measured.
pub(crate) fn not_measured(grid: &Grid<'_>, cell: &Cell<'_>) -> Option<&'static str> {
    let not_applicable = cell.not_applicable().map(|_| "not applicable");
    not_applicable.or_else(|| grid.identical(cell).then_some("identical"))
}

/// What is to be said of a cell's seeds besides their mean.
pub(crate) fn notes(grid: &Grid<'_>, cell: &Cell<'_>, summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(because) = cell.identical() {
        return vec![format!("not run: {}", reason(because))];
    }
    if let Some(because) = cell.not_applicable() {
        return vec![because.to_owned()];
    }
    if summary.shared > 0 {
        let which = match summary.shared == summary.asked {
            true => String::new(),
            false => format!("in {} of {} seeds ", summary.shared, summary.asked),
        };
        notes.push(format!(
            "{which}the unmodified ticket's own training (one recipe)"
        ));
    }
    let others = grid.one_recipe(cell);
    if !others.is_empty() {
        notes.push(format!("one recipe with {}", others.join(" and ")));
    }
    if summary.not_run > 0 {
        notes.push(format!(
            "{} identical by construction, not run",
            summary.not_run
        ));
    }
    if let Some(collapsed @ 1..) = summary.collapsed {
        let chance = grid.chance.map(|c| number(c, 1)).unwrap_or_default();
        let share = of(collapsed, summary.n);
        notes.push(format!(
            "{share} collapsed (accuracy at chance, {chance} %)"
        ));
    }
    if summary.skipped > 0 {
        notes.push(format!(
            "{} not run: the mask is certain to collapse",
            of(summary.skipped, summary.asked)
        ));
    }
    if summary.diverged > 0 {
        notes.push(format!(
            "{} diverged (loss not finite)",
            of(summary.diverged, summary.n)
        ));
    }
    if summary.failed > 0 {
        let outcomes = cell
            .runs
            .iter()
            .filter_map(|(_, run)| run.map(|r| &r.outcome));
        let reasons: BTreeSet<String> = outcomes
            .filter_map(|outcome| match outcome {
                Outcome::Failed { why, .. } => Some(reason(why)),
                _ => None,
            })
            .collect();
        let reasons: Vec<_> = reasons.into_iter().collect();
        notes.push(format!("{} failed: {}", summary.failed, reasons.join("; ")));
    }
    if summary.missing > 0 {
        notes.push(format!("{} missing", summary.missing));
    }
    notes
}
