//! Headlines: what the verdicts say, in sentences whose numbers lead to their runs.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::cells::Grid;
use crate::table::spell;
use crate::verdict::{arm_title, capital, family_title, plan_change_words, scope_title};
use jackpot_stats::{Direction, Verdict};
use jackpot_store::Digest;
use jackpot_study::{Contrast, Finding, Findings, LEVEL, PlanChanges, Role, Scope};
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

/// The claims first and the controls last, then what was changed after the fact.
pub(crate) fn headlines(grid: &Grid<'_>, found: &Findings, changes: &PlanChanges) -> Vec<Headline> {
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
    let direction = match outcome.direction {
        Some(Direction::Superior) => Some("More accurate"),
        Some(Direction::NotInferior) if outcome.informative == Some(false) => Some(
            "Not less accurate by the margin, where the positive control shows no effect either",
        ),
        Some(Direction::NotInferior) => Some("Not less accurate by the margin"),
        Some(Direction::Inferior) => Some("Less accurate"),
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
fn item(grid: &Grid<'_>, finding: &Finding) -> Vec<Piece> {
    let contrast = &finding.contrast;
    let name = match contrast.is_within_ticket() {
        true => arm_title(grid, &contrast.plus),
        false => format!(
            "{} − {}",
            arm_title(grid, &contrast.plus),
            arm_title(grid, &contrast.minus)
        ),
    };
    let mut pieces = vec![Piece::words(name.clone())];
    let estimate = &finding.accuracy.estimate;
    if let Some(mean) = estimate.mean
        && finding.accuracy.verdict != Verdict::Identical
    {
        let bounds = estimate.interval95.map(|[low, high]| (low, high));
        let mut text = format!("{} points", spell::interval(mean, bounds, 2));
        if let Scope::Sparsity(_) = finding.scope {
            text += &format!(" at {}", scope_title(&finding.scope));
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

/// What the controls show, for the reader of everything above.
fn controls(grid: &Grid<'_>, found: &Findings) -> Vec<Headline> {
    let asked = |role| {
        grid.outline
            .analysis
            .contrasts
            .iter()
            .any(|c| c.role == role)
    };
    let [tested, shown] = found.controls.same_law;
    let percent = format!("{:.0} %", LEVEL * 100.0);
    let title = "A/A control";
    let same_law = match (asked(Role::SameLaw), tested) {
        (false, _) => {
            let none = "This study has none: no random ticket under a check that keeps its law.";
            Headline::plain(title.into(), none.into())
        }
        (true, 0) => Headline::plain(
            title.into(),
            "No cell of it can be judged with these seeds.".into(),
        ),
        (true, _) => {
            let share = spell::number(100.0 * shown as f64 / tested as f64, 0);
            control(
                found,
                title,
                Role::SameLaw,
                format!("{shown} of {tested} cells"),
                format!(
                    " whose arms have the same law show a difference, uncorrected ({share} %; at most {percent} are expected by chance)."
                ),
            )
        }
    };
    let [judged, effect] = found.controls.positive;
    let title = "Positive control";
    let positive = match (asked(Role::Positive), judged) {
        (false, _) => {
            let none =
                "This study has none: nothing says that its cells could have shown a difference.";
            Headline::plain(title.into(), none.into())
        }
        (true, 0) => Headline::plain(title.into(), "It cannot be judged with these seeds.".into()),
        (true, _) => {
            let mut positive = control(
                found,
                title,
                Role::Positive,
                format!("{effect} of {judged} sparsities"),
                "; cells of the others are uninformative where they show nothing.".into(),
            );
            let before = "Another allocation (uniform in place of smart ratios) shows in ";
            positive.pieces.insert(0, Piece::words(before));
            positive
        }
    };
    vec![same_law, positive]
}

/// A count of cells of one role, with the runs of all of them, and what is said of it.
fn control(found: &Findings, title: &str, role: Role, count: String, said: String) -> Headline {
    let cells = found.findings.iter().filter(|f| f.contrast.role == role);
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
