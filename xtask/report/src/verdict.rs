//! What the study's declared analysis says of its runs, and the same in words.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::Error;
use crate::cells::{Cell, Grid};
use crate::headline::{Headline, headlines};
use crate::sweep::with_gap;
use crate::table::spell;
use jackpot_results::{
    ContrastScope as Scope, Finding, FoundEffects, Named, PlanChanges, RunTable as Table,
    TrainedRun as Trained, plan_changes,
};
use jackpot_stats::{Direction, Outcome};
use jackpot_store::Digest;
use jackpot_study::{Arm, Contrast, Dose, Margin};
use std::collections::BTreeSet;

/// Everything that tables and the page say of contrasts.
#[derive(Default)]
pub(crate) struct Findings {
    pub found: jackpot_results::Findings,
    /// What the declared factors explain.
    pub effects: Vec<FoundEffects>,
    /// How the analysis came to be.
    pub changes: PlanChanges,
    /// In words, the claims first and the controls last.
    pub headlines: Vec<Headline>,
}

impl Findings {
    /// What is said of `plus − minus` there; none where the analysis does not compare them, but in
    /// something that is made of more.
    pub fn of(&self, plus: &Arm, minus: &Arm, scope: &Scope) -> Option<&Finding> {
        let is = |f: &&Finding| {
            let contrast = &f.contrast;
            let arms = (&contrast.plus, &contrast.minus) == (plus, minus);
            f.scope == *scope && contrast.is_pair() && arms
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
    evaluated(grid, &|trained| grid.collapsed(trained))
}

/// What compares the settings of a study: `grid` holds the cells of all, `parts` those of each.
///
/// # Errors
/// When the plans in the lock cannot be read.
pub(crate) fn findings_across(grid: &Grid<'_>, parts: &[Grid<'_>]) -> Result<Findings, Error> {
    // Each setting has its own chance; one training has one recipe, and so one data set.
    let at_chance = parts.iter().flat_map(|part| {
        let trained = part.cells.iter().flat_map(Cell::trained).map(|(_, t)| t);
        trained.filter(|t| part.collapsed(t))
    });
    let at_chance: BTreeSet<Digest> = at_chance.map(|t| t.key).collect();
    evaluated(grid, &|trained| at_chance.contains(&trained.key))
}

fn evaluated(grid: &Grid<'_>, collapsed: &dyn Fn(&Trained) -> bool) -> Result<Findings, Error> {
    let outline = grid.outline;
    let table = Table {
        runs: grid.results.runs.iter().collect(),
        across_settings: grid.across_settings,
        sparsities: &outline.sparsities,
        seeds: &outline.seeds,
        collapsed,
    };
    let found = jackpot_results::findings(&outline.analysis, &table);
    let changes = plan_changes(&outline.declared, &outline.analysis, &outline.seeds)
        .map_err(|e| Error::Study(e.to_string()))?;
    let headlines = headlines(grid, &found, &changes);
    Ok(Findings {
        found,
        effects: jackpot_results::effects(&outline.analysis, &table),
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
    let ticket = title_of(&outline.tickets, &arm.ticket);
    let cell = match &arm.check {
        None => ticket.to_owned(),
        Some(check) => format!("{ticket} ({})", title_of(&outline.checks, check)),
    };
    cell + &of_setting(grid, arm)
}

/// ` in ResNet-8`, or nothing of an arm that names no setting.
fn of_setting(grid: &Grid<'_>, arm: &Arm) -> String {
    let Some(name) = &arm.setting else {
        return String::new();
    };
    let mut settings = grid.outline.settings.iter().map(|s| &s.named);
    let title = settings.find(|s| s.name == *name).map(|s| &s.title);
    format!(" in {}", title.unwrap_or(name))
}

fn title_of<'g>(all: &'g [Named], name: &'g str) -> &'g str {
    let found = all.iter().find(|n| n.name == name);
    found.map_or(name, |n| n.title.as_str())
}

/// Both sides of a contrast, each by its name for programs and by its title.
pub(crate) fn sides(grid: &Grid<'_>, contrast: &Contrast) -> [(String, String); 2] {
    let two = |one: &Arm, other: &Arm| {
        let [a, b] = [one, other].map(|arm| arm_title(grid, arm));
        (format!("{one} − {other}"), format!("{a} − {b}"))
    };
    if let Some(less) = &contrast.less {
        return [
            two(&contrast.plus, &contrast.minus),
            two(&less.plus, &less.minus),
        ];
    }
    match contrast.trend.as_slice() {
        [first, .., last] => {
            let (name, title, axis) = line(grid, last);
            [(last, format!("{title}: ")), (first, String::new())].map(|(dose, before)| {
                (
                    format!("{name} at {}", dose.at),
                    format!("{before}line at {axis} {}", dose.at),
                )
            })
        }
        _ => [&contrast.plus, &contrast.minus].map(|arm| (arm.to_string(), arm_title(grid, arm))),
    }
}

/// What is compared, by its title.
pub(crate) fn contrast_title(grid: &Grid<'_>, contrast: &Contrast) -> String {
    if let [first, .., last] = contrast.trend.as_slice() {
        let (_, title, axis) = line(grid, last);
        return format!("{title}, line from {axis} {} to {}", first.at, last.at);
    }
    let [plus, minus] = sides(grid, contrast).map(|(_, title)| title);
    match contrast.less {
        Some(_) => format!("({plus}) − ({minus})"),
        None => format!("{plus} − {minus}"),
    }
}

/// The arms along a number by their name and title as they were written, and what the number is.
fn line(grid: &Grid<'_>, dose: &Dose) -> (String, String, String) {
    let outline = grid.outline;
    let (all, name) = match &dose.arm.check {
        Some(check) => (&outline.checks, check),
        None => (&outline.tickets, &dose.arm.ticket),
    };
    let named = all.iter().find(|n| n.name == *name);
    let block = named.and_then(|named| Some((named, named.series.as_ref()?)));
    let Some((named, series)) = block else {
        let title = arm_title(grid, &dose.arm);
        return (dose.arm.to_string(), title, "place".into());
    };
    let axis = series.levels.first().map_or("place", |l| l.axis.as_str());
    let gap = with_gap(named, axis);
    let ticket = || title_of(&outline.tickets, &dose.arm.ticket);
    let mut arm = dose.arm.clone();
    let title = match arm.check {
        Some(_) => {
            arm.check = Some(series.name.clone());
            format!("{} ({gap})", ticket())
        }
        None => {
            arm.ticket = series.name.clone();
            gap
        }
    };
    let title = title + &of_setting(grid, &arm);
    (arm.to_string(), title, axis.to_owned())
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

/// What was seen before the plan was declared, in its author's words.
pub(crate) fn pilot_words(grid: &Grid<'_>) -> Option<String> {
    let pilot = grid.outline.analysis.pilot.as_ref()?;
    let pilot = spell::line(pilot);
    let pilot = pilot.trim_end_matches('.');
    Some(format!(
        "Seen before the plan was declared, and not pooled: {pilot}."
    ))
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
