//! Headlines: what the verdicts say, in sentences whose numbers lead to their runs.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::cells::Grid;
use crate::table::spell;
use crate::verdict::{
    arm_title, capital, contrast_title, family_title, pilot_words, plan_change_words, scope_title,
    signs_words,
};
use jackpot_results::{ContrastScope as Scope, Finding, Findings, PlanChanges};
use jackpot_stats::{Direction, Verdict};
use jackpot_store::Digest;
use jackpot_study::{Contrast, ControlOf, LEVEL, Role};
use std::collections::BTreeSet;

/// One sentence or a few, made from verdicts.
pub(crate) struct Headline {
    /// What it is about: `Corrupted data`.
    pub title: String,
    /// What it says, in order.
    pub pieces: Vec<Piece>,
}

/// A part of a sentence.
pub(crate) struct Piece {
    /// Without markup.
    pub text: String,
    /// What its numbers are of: `SNIP`; empty for plain words.
    pub of: String,
    /// The keys of the trainings that its numbers were computed from; empty for plain words.
    pub from: Vec<Digest>,
}

impl Headline {
    fn plain(title: String, text: String) -> Headline {
        let pieces = vec![Piece::words(text)];
        Headline { title, pieces }
    }

    /// All that it says, without markup.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|p| p.text.as_str()).collect()
    }
}

impl Piece {
    fn words(text: impl Into<String>) -> Piece {
        Piece {
            text: text.into(),
            of: String::new(),
            from: Vec::new(),
        }
    }
}

/// The contrast's headline: its average, or the one sparsity that it has.
fn main_finding<'f>(found: &'f Findings, contrast: &Contrast) -> Option<&'f Finding> {
    let mine = || found.findings.iter().filter(|f| f.contrast == *contrast);
    mine().find(|f| f.scope == Scope::Average).or_else(|| {
        let measured = mine().find(|f| f.accuracy.verdict != Verdict::Identical);
        measured.or_else(|| mine().next())
    })
}

/// The title of what was seen before the plan was declared.
pub(crate) const PILOT: &str = "Pilot";

/// The claims first and the controls last, then what was seen before the plan and what was changed
/// after it.
pub(crate) fn headlines(grid: &Grid<'_>, found: &Findings, changes: &PlanChanges) -> Vec<Headline> {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    for contrast in contrasts(grid) {
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
    all.extend(pilot_words(grid).map(|words| Headline::plain(PILOT.into(), words)));
    let changes = changes.changes.iter().enumerate();
    all.extend(changes.map(|(i, change)| {
        let title = format!("Plan change {}", i + 1);
        Headline::plain(title, format!("{}.", capital(&change.what)))
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
    let mut sentences: Vec<(String, Vec<Vec<Piece>>)> = Vec::new();
    for finding in list {
        let said = said_of(finding);
        let mut item = item(grid, finding);
        if common.is_none()
            && let Some(words) = plan_change_words(&changes.touching(&finding.contrast))
        {
            item.push(Piece::words(format!(" ({words})")));
        }
        match sentences.iter_mut().find(|(s, _)| *s == said) {
            Some((_, items)) => items.push(item),
            None => sentences.push((said, vec![item])),
        }
    }
    let mut pieces = Vec::new();
    for (i, (said, items)) in sentences.into_iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        pieces.push(Piece::words(format!("{space}{said}: ")));
        for (j, item) in items.into_iter().enumerate() {
            pieces.extend((j > 0).then(|| Piece::words("; ")));
            pieces.extend(item);
        }
        pieces.push(Piece::words("."));
    }
    let words = common.and_then(|numbers| plan_change_words(&numbers));
    pieces.extend(words.map(|words| Piece::words(format!(" ({words}.)"))));
    Headline { title, pieces }
}

/// The sentence that a finding stands in.
fn said_of(finding: &Finding) -> String {
    if let Some(because) = &finding.not_applicable {
        return format!("Not applicable ({because})");
    }
    let outcome = &finding.accuracy;
    let [more, not_less, less] = direction_words(&finding.contrast);
    let direction = match outcome.direction {
        Some(Direction::Superior) => Some(more.to_owned()),
        Some(Direction::NotInferior) => Some(match outcome.uncontrolled {
            Some(why) => format!("{not_less}, uninformative ({why})"),
            None => not_less.to_owned(),
        }),
        Some(Direction::Inferior) => Some(less.to_owned()),
        Some(Direction::Open) | None => None,
    };
    let within = finding.contrast.is_within_ticket();
    match (&outcome.verdict, direction) {
        (Verdict::Identical, _) => "Identical by construction".into(),
        (_, Some(words)) if !within => words,
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
        (Verdict::Uninformative(why), _) => format!("Uninformative ({why})"),
        (Verdict::Undecided(why), _) => format!("Undecided ({why})"),
    }
}

/// What it is called to be superior, not inferior and inferior.
fn direction_words(contrast: &Contrast) -> [&'static str; 3] {
    if !contrast.trend.is_empty() {
        return [
            "Accuracy rises",
            "Accuracy does not fall by the margin",
            "Accuracy falls",
        ];
    }
    if contrast.less.is_some() {
        return [
            "The first difference is greater",
            "The first difference is not smaller by the margin",
            "The first difference is smaller",
        ];
    }
    [
        "More accurate",
        "Not less accurate by the margin",
        "Less accurate",
    ]
}

/// `SNIP −0.12 [−0.40, +0.16] points, average over sparsities, within the margin at every sparsity`.
fn item(grid: &Grid<'_>, finding: &Finding) -> Vec<Piece> {
    let contrast = &finding.contrast;
    let name = match contrast.is_within_ticket() {
        true => arm_title(grid, &contrast.plus),
        false => contrast_title(grid, contrast),
    };
    let mut pieces = vec![Piece::words(name.clone())];
    let estimate = &finding.accuracy.estimate;
    if let Some(mean) = estimate.mean
        && finding.accuracy.verdict != Verdict::Identical
    {
        let bounds = estimate.interval95.map(|[low, high]| (low, high));
        let mut text = format!("{} points", spell::interval(mean, bounds, 2));
        let scope = scope_title(&finding.scope);
        text += &match finding.scope {
            Scope::Sparsity(_) => format!(" at {scope}"),
            Scope::Average | Scope::AverageUncollapsed => format!(", {scope}"),
        };
        text += &signs_words(finding).map_or(String::new(), |words| format!(" {words}"));
        if finding.collapsed && !matches!(finding.scope, Scope::Sparsity(_)) {
            text += ", collapsed or diverged runs in it";
        }
        pieces.push(Piece::words(" "));
        pieces.push(Piece {
            text,
            of: name,
            from: finding.keys.clone(),
        });
    }
    if finding.everywhere == Some(true) {
        pieces.push(Piece::words(", within the margin at every sparsity"));
    }
    pieces
}

/// The contrasts of the plan that are evaluated on the grid.
fn contrasts<'g>(grid: &Grid<'g>) -> impl Iterator<Item = &'g Contrast> {
    let (all, across) = (&grid.outline.analysis.contrasts, grid.across_settings);
    all.iter().filter(move |c| c.is_across_settings() == across)
}

/// What the controls show, for the reader of everything above.
fn controls(grid: &Grid<'_>, found: &Findings) -> Vec<Headline> {
    let asked = |role| contrasts(grid).any(|c| c.role == role);
    let [tested, shown] = found.controls.same_law;
    let percent = format!("{:.0} %", LEVEL * 100.0);
    let title = "A/A control";
    let same_law = match (asked(Role::SameLaw), tested) {
        (false, _) => {
            let none = match grid.across_settings {
                true => "No comparison of settings is one; each setting has its own.",
                false => "This study has none: no random ticket under a check that keeps its law.",
            };
            Headline::plain(title.into(), none.into())
        }
        (true, 0) => Headline::plain(
            title.into(),
            "No cell of it can be judged with these seeds.".into(),
        ),
        (true, _) => {
            let share = spell::number(100.0 * shown as f64 / tested as f64, 0);
            let same_law = |f: &&Finding| f.contrast.role == Role::SameLaw;
            control(
                found.findings.iter().filter(same_law),
                title,
                format!("{shown} of {tested} cells"),
                format!(
                    " whose arms have the same law show a difference, uncorrected ({share} %; at most {percent} are expected by chance)."
                ),
            )
        }
    };
    let mut all = vec![same_law];
    all.push(positive_control(grid, found, ControlOf::Allocation));
    // The placement has a control in some studies alone: where none is, that of the allocation
    // stands for it.
    let of_placement = |f: &Finding| is_control(&f.contrast, ControlOf::Placement);
    if found.findings.iter().any(of_placement) {
        all.push(positive_control(grid, found, ControlOf::Placement));
    }
    all
}

fn is_control(contrast: &Contrast, of: ControlOf) -> bool {
    contrast.role == Role::Positive && contrast.control == of
}

/// What is expected to differ, and whether it does.
fn positive_control(grid: &Grid<'_>, found: &Findings, of: ControlOf) -> Headline {
    let title = match of {
        ControlOf::Allocation => "Positive control",
        ControlOf::Placement => "Positive control of placement",
    };
    let arms: Vec<String> = contrasts(grid)
        .filter(|c| is_control(c, of))
        .map(|c| contrast_title(grid, c))
        .collect();
    let [judged, beyond] = found.controls.of(of);
    let words = match (arms.is_empty(), judged) {
        (true, _) if grid.across_settings => {
            "No comparison of settings is one: nothing says that they could have shown a difference."
        }
        (true, _) => {
            "This study has none: nothing says that its cells could have shown a difference."
        }
        (false, 0) => "It cannot be judged with these seeds.",
        (false, _) => {
            let mine = |f: &&Finding| is_control(&f.contrast, of);
            let mut control = control(
                found.findings.iter().filter(mine),
                title,
                format!("{beyond} of {judged} cells"),
                "; where it does not, what lies within the margin is uninformative.".into(),
            );
            let before = format!(
                "The 95 % interval of {} lies wholly beyond the margin in ",
                arms.join(", ")
            );
            control.pieces.insert(0, Piece::words(before));
            return control;
        }
    };
    Headline::plain(title.into(), words.into())
}

/// A count of the cells of a control, with the runs of all of them, and what is said of it.
fn control<'f>(
    cells: impl Iterator<Item = &'f Finding>,
    title: &str,
    count: String,
    said: String,
) -> Headline {
    let from: BTreeSet<Digest> = cells.flat_map(|f| f.keys.iter().copied()).collect();
    let counted = Piece {
        text: count,
        of: "controls".into(),
        from: from.into_iter().collect(),
    };
    Headline {
        title: title.into(),
        pieces: vec![counted, Piece::words(said)],
    }
}
