//! What the study's declared analysis says of its runs, and the same in words.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::Error;
use crate::cells::{Cell, Grid};
use crate::headline::{Headline, headlines};
use crate::table::spell;
use jackpot_stats::{Direction, Outcome};
use jackpot_study::{Arm, Finding, Margin, PlanChanges, Scope, Table, plan_changes};

/// Everything that tables and the page say of contrasts.
#[derive(Default)]
pub(crate) struct Findings {
    pub found: jackpot_study::Findings,
    /// How the analysis came to be.
    pub changes: PlanChanges,
    /// In words, the claims first and the controls last.
    pub headlines: Vec<Headline>,
}

impl Findings {
    /// What is said of `plus − minus` there; none where the analysis does not compare them.
    pub fn of(&self, plus: &Arm, minus: &Arm, scope: &Scope) -> Option<&Finding> {
        let is = |f: &&Finding| {
            f.scope == *scope && f.contrast.plus == *plus && f.contrast.minus == *minus
        };
        self.found.findings.iter().find(is)
    }

    /// The ticket − the ticket under the check that `cell` is of; none for unmodified tickets.
    pub fn of_check(&self, cell: &Cell<'_>) -> Option<&Finding> {
        let ticket = &cell.ticket.name;
        let (plus, minus) = (Arm::of(ticket), Arm::under(ticket, &cell.check?.name));
        self.of(&plus, &minus, &Scope::Sparsity(cell.sparsity.to_owned()))
    }
}

/// Evaluates the analysis of the grid's study.
///
/// # Errors
/// When the plans in the lock cannot be read.
pub(crate) fn findings(grid: &Grid<'_>) -> Result<Findings, Error> {
    let outline = grid.outline;
    let table = Table {
        runs: grid.results.runs.iter().collect(),
        across_settings: false,
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

/// `98 %`, or `average over sparsities`.
pub(crate) fn scope_title(scope: &Scope) -> String {
    match scope {
        Scope::Sparsity(text) if text == "0" => "dense".into(),
        Scope::Sparsity(text) => spell::percent(text),
        Scope::Average => "average over sparsities".into(),
        Scope::AverageUncollapsed => "average over sparsities without collapse".into(),
    }
}

/// The verdict, with the direction of a directional claim.
pub(crate) fn verdict_title(outcome: &Outcome) -> String {
    match outcome.direction {
        None | Some(Direction::Open) => outcome.verdict.to_string(),
        Some(direction) => format!("{}; {}", direction.word(), outcome.verdict),
    }
}

/// The sparsities of an average whose signs differ, with their differences in points.
pub(crate) fn signs_words(finding: &Finding) -> Option<String> {
    let part = |(at, mean): &(String, f64)| {
        let at = scope_title(&Scope::Sparsity(at.clone()));
        format!("{} at {at}", spell::signed(*mean, 2))
    };
    let parts: Vec<String> = finding.parts.iter().map(part).collect();
    let differ = finding.signs_differ();
    differ.then(|| format!("whose signs differ ({})", parts.join(", ")))
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

/// `plan change 1`, or nothing.
pub(crate) fn plan_change_words(numbers: &[usize]) -> Option<String> {
    let all: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match all.len() {
        0 => None,
        1 => Some(format!("plan change {}", all[0])),
        _ => Some(format!("plan changes {}", all.join(", "))),
    }
}
