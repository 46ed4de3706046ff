//! What the study's declared analysis says of its runs, and the same in words.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::Error;
use crate::cells::Grid;
use crate::table::spell;
use jackpot_stats::{Direction, Outcome, Verdict};
use jackpot_study::{
    Arm, Contrast, Finding, LEVEL, Margin, PlanChanges, Role, Scope, Table, plan_changes,
};
use std::collections::BTreeSet;

/// Everything that tables and the page say of contrasts.
#[derive(Default)]
pub(crate) struct Findings {
    pub found: jackpot_study::Findings,
    /// How the analysis came to be.
    pub changes: PlanChanges,
    /// In words, the claims first and the controls last.
    pub headlines: Vec<Headline>,
}

/// One sentence or a few, made from verdicts.
pub(crate) struct Headline {
    /// What it is about: `Corrupted data`.
    pub title: String,
    /// Without markup.
    pub text: String,
}

/// Evaluates the analysis of the grid's study.
///
/// # Errors
/// When the plans in the lock cannot be read.
pub(crate) fn findings(grid: &Grid<'_>) -> Result<Findings, Error> {
    let outline = grid.outline;
    let table = Table {
        runs: grid.results.runs.iter().collect(),
        sparsities: &outline.sparsities,
        seeds: &outline.seeds,
        collapsed: &|trained| grid.collapsed(trained),
    };
    let found = jackpot_study::findings(&outline.analysis, &table);
    let changes = plan_changes(&outline.declared, &outline.analysis, &outline.seeds)
        .map_err(|e| Error::Study(e.to_string()))?;
    let headlines = headlines(grid, &found, &changes);
    Ok(Findings {
        found,
        changes,
        headlines,
    })
}

/// What a family of contrasts asks, for headings.
pub(crate) fn family_title(family: &str) -> String {
    let known = match family {
        "data" => "does the ticket depend on the data it was made with?",
        "kept-weights" => "does it matter which weights of a layer are kept?",
        "start-weights" => "do the weights that training starts from matter?",
        "several-at-once" => "several changes at once",
        "random-tickets" => "random tickets against initial tickets",
        "partially-trained" => "partially trained tickets under checks",
        "hybrid" => "hybrid tickets against what they are made of",
        "positive-control" => "positive control",
        "same-law" => "A/A control: arms of the same law",
        "noise-floor" => "noise floor: the same ticket, other draws in training",
        other => other,
    };
    known.to_owned()
}

/// With a capital at the front.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The title of an arm.
pub(crate) fn arm_title(grid: &Grid<'_>, arm: &Arm) -> String {
    let outline = grid.outline;
    let ticket = outline.tickets.iter().find(|t| t.name == arm.ticket);
    let ticket = ticket.map_or(arm.ticket.as_str(), |t| t.title.as_str());
    match &arm.check {
        None => ticket.to_owned(),
        Some(check) => {
            let found = outline.checks.iter().find(|c| c.name == *check);
            let title = found.map_or(check.as_str(), |c| c.title.as_str());
            format!("{ticket} ({title})")
        }
    }
}

/// `98 %`, or `average`.
pub(crate) fn scope_title(scope: &Scope) -> String {
    match scope {
        Scope::Sparsity(text) if text == "0" => "dense".into(),
        Scope::Sparsity(text) => spell::percent(text),
        Scope::Average => "average".into(),
        Scope::AverageUncollapsed => "average without collapse".into(),
    }
}

/// The verdict, with the direction of a directional claim.
pub(crate) fn verdict_title(outcome: &Outcome) -> String {
    match outcome.direction {
        None | Some(Direction::Open) => outcome.verdict.to_string(),
        Some(direction) => format!("{}; {}", direction.word(), outcome.verdict),
    }
}

/// A margin with its unit.
pub(crate) fn margin_title(grid: &Grid<'_>, margin: &Margin, unit: &str) -> String {
    match margin {
        Margin::Fixed(x) => format!("{x} {unit}"),
        Margin::Share { share, plus, minus } => format!(
            "{} % of {} − {}",
            spell::number(share * 100.0, 0),
            arm_title(grid, plus),
            arm_title(grid, minus)
        ),
    }
}

/// The contrast's headline: its average, or the one sparsity that it has.
fn main_finding<'f>(
    found: &'f jackpot_study::Findings,
    contrast: &Contrast,
) -> Option<&'f Finding> {
    let mine = || found.findings.iter().filter(|f| f.contrast == *contrast);
    mine().find(|f| f.scope == Scope::Average).or_else(|| {
        let measured = mine().find(|f| f.accuracy.verdict != Verdict::Identical);
        measured.or_else(|| mine().next())
    })
}

fn headlines(
    grid: &Grid<'_>,
    found: &jackpot_study::Findings,
    changes: &PlanChanges,
) -> Vec<Headline> {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    for contrast in &grid.outline.analysis.contrasts {
        let Some(finding) = main_finding(found, contrast) else {
            continue;
        };
        if contrast.role != Role::Question {
            continue;
        }
        let title = group_title(grid, contrast);
        match groups.iter_mut().find(|(t, _)| *t == title) {
            Some((_, list)) => list.push(finding),
            None => groups.push((title, vec![finding])),
        }
    }
    let mut all: Vec<Headline> = groups
        .into_iter()
        .map(|(title, list)| headline(grid, changes, title, &list))
        .collect();
    if !all.is_empty() {
        all.extend(controls(grid, found));
    }
    let changes = changes.changes.iter().enumerate();
    all.extend(changes.map(|(i, change)| Headline {
        title: format!("Plan change {}", i + 1),
        text: format!("{}.", capital(&change.what)),
    }));
    all
}

/// What a reader looks for: the check, or the family where tickets are compared.
fn group_title(grid: &Grid<'_>, contrast: &Contrast) -> String {
    let check = contrast
        .minus
        .check
        .as_ref()
        .or(contrast.plus.check.as_ref());
    match check.filter(|_| contrast.is_within_ticket()) {
        Some(name) => {
            let found = grid.outline.checks.iter().find(|c| c.name == *name);
            let title = found.map_or(name.as_str(), |c| c.title.as_str());
            match contrast.family.as_str() {
                "partially-trained" => format!("{title}, partially trained tickets"),
                _ => title.to_owned(),
            }
        }
        None => {
            let title = capital(&family_title(&contrast.family));
            title.trim_end_matches('?').to_owned()
        }
    }
}

fn headline(grid: &Grid<'_>, changes: &PlanChanges, title: String, list: &[&Finding]) -> Headline {
    let touching: BTreeSet<Vec<usize>> =
        list.iter().map(|f| changes.touching(&f.contrast)).collect();
    // Said once where it holds for all, else beside each.
    let common = touching.first().filter(|_| touching.len() == 1).cloned();
    let mut sentences: Vec<(String, Vec<String>)> = Vec::new();
    for finding in list {
        let said = said_of(finding);
        let mut item = item(grid, finding);
        if common.is_none()
            && let Some(words) = plan_change_words(&changes.touching(&finding.contrast))
        {
            item += &format!(" ({words})");
        }
        match sentences.iter_mut().find(|(s, _)| *s == said) {
            Some((_, items)) => items.push(item),
            None => sentences.push((said, vec![item])),
        }
    }
    let sentences: Vec<String> = sentences
        .into_iter()
        .map(|(said, items)| format!("{said}: {}.", items.join("; ")))
        .collect();
    let mut text = sentences.join(" ");
    if let Some(numbers) = common {
        text += &plan_change_words(&numbers).map_or(String::new(), |w| format!(" ({w}.)"));
    }
    Headline { title, text }
}

/// The sentence that a finding stands in.
fn said_of(finding: &Finding) -> String {
    let outcome = &finding.accuracy;
    let direction = match outcome.direction {
        Some(Direction::Superior) => Some("Better"),
        Some(Direction::NotInferior) if outcome.informative == Some(false) => {
            Some("Not worse by the margin, where the positive control shows no effect either")
        }
        Some(Direction::NotInferior) => Some("Not worse by the margin"),
        Some(Direction::Inferior) => Some("Worse"),
        Some(Direction::Open) | None => None,
    };
    let within = finding.contrast.is_within_ticket();
    match (&outcome.verdict, direction) {
        (Verdict::Identical, _) => "Identical by construction".into(),
        (_, Some(words)) if !within => words.into(),
        (
            Verdict::Insensitive {
                small_but_real: true,
            },
            _,
        ) => "Insensitive (a small difference that is real)".into(),
        (Verdict::Insensitive { .. }, _) => "Insensitive".into(),
        (
            Verdict::Sensitive {
                beyond_margin: true,
            },
            _,
        ) => "Sensitive, beyond the margin".into(),
        (Verdict::Sensitive { .. }, _) => "Sensitive".into(),
        (Verdict::Uninformative, _) => {
            "Uninformative (the positive control shows no effect either)".into()
        }
        (Verdict::Undecided(why), _) => format!("Undecided ({why})"),
    }
}

/// `SNIP −0.12 [−0.40, +0.16] points, within the margin at every sparsity`.
fn item(grid: &Grid<'_>, finding: &Finding) -> String {
    let contrast = &finding.contrast;
    let mut text = match contrast.is_within_ticket() {
        true => arm_title(grid, &contrast.plus),
        false => format!(
            "{} − {}",
            arm_title(grid, &contrast.plus),
            arm_title(grid, &contrast.minus)
        ),
    };
    let estimate = &finding.accuracy.estimate;
    if let (Some(mean), Some([low, high])) = (estimate.mean, estimate.interval95)
        && finding.accuracy.verdict != Verdict::Identical
    {
        let interval = spell::interval(mean, Some((low, high)), 2);
        text += &format!(" {interval} points");
        if let Scope::Sparsity(_) = finding.scope {
            text += &format!(" at {}", scope_title(&finding.scope));
        }
    }
    if finding.everywhere == Some(true) {
        text += ", within the margin at every sparsity";
    }
    text
}

/// `plan change 1`, or nothing.
pub(crate) fn plan_change_words(numbers: &[usize]) -> Option<String> {
    let all: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match all.len() {
        0 => None,
        1 => Some(format!("plan change {}", all[0])),
        _ => Some(format!("plan changes {}", all.join(", "))),
    }
}

/// What the controls show, for the reader of everything above.
fn controls(grid: &Grid<'_>, found: &jackpot_study::Findings) -> Vec<Headline> {
    let asked = |role| {
        grid.outline
            .analysis
            .contrasts
            .iter()
            .any(|c| c.role == role)
    };
    let [tested, shown] = found.controls.same_law;
    let percent = format!("{:.0} %", LEVEL * 100.0);
    let same_law = match (asked(Role::SameLaw), tested) {
        (false, _) => {
            "This study has none: no random ticket under a check that keeps its law.".into()
        }
        (true, 0) => "No cell of it can be judged with these seeds.".into(),
        (true, _) => format!(
            "{shown} of {tested} cells whose arms have the same law show a difference, uncorrected ({} %; at most {percent} are expected by chance).",
            spell::number(100.0 * shown as f64 / tested as f64, 0)
        ),
    };
    let [judged, effect] = found.controls.positive;
    let positive = match (asked(Role::Positive), judged) {
        (false, _) => {
            "This study has none: nothing says that its cells could have shown a difference.".into()
        }
        (true, 0) => "It cannot be judged with these seeds.".into(),
        (true, _) => format!(
            "Another allocation (uniform in place of smart ratios) shows in {effect} of {judged} sparsities; cells of the others are uninformative where they show nothing."
        ),
    };
    let control = |title: &str, text: String| Headline {
        title: title.into(),
        text,
    };
    vec![
        control("A/A control", same_law),
        control("Positive control", positive),
    ]
}
