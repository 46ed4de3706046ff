//! Headlines: the verdicts in sentences, in which each number refers to its runs.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::model::analysis::titles::{
    arm_title, capital, contrast_title, family_title, pilot_words, plan_change_words, scope_title,
    signs_words,
};
use crate::model::format;
use jackpot_results::{ContrastScope, Finding, Findings, Outline, PlanChanges};
use jackpot_stats::{Direction, Verdict};
use jackpot_store::Digest;
use jackpot_study::{Contrast, ControlOf, LEVEL, Role};
use std::collections::BTreeSet;

/// The contrasts of a study's plan that are evaluated together: those within a setting, or those
/// that compare settings.
#[derive(Clone, Copy)]
pub(crate) struct Compared<'o> {
    pub outline: &'o Outline,
    pub across_settings: bool,
}

/// A few sentences about one subject, made from verdicts.
pub(crate) struct Headline {
    /// The subject, such as `Corrupted data`.
    pub title: String,
    /// The parts of its text, in order.
    pub pieces: Vec<HeadlinePart>,
}

/// A part of a sentence.
pub(crate) struct HeadlinePart {
    /// The text without markup.
    pub text: String,
    /// What its numbers describe, such as `SNIP`. Empty for text without numbers.
    pub subject: String,
    /// The keys of the trainings from which its numbers were computed. Empty for text without
    /// numbers.
    pub sources: Vec<Digest>,
}

impl<'o> Compared<'o> {
    fn contrasts(self) -> impl Iterator<Item = &'o Contrast> {
        let all = self.outline.analysis.contrasts.iter();
        all.filter(move |c| c.is_across_settings() == self.across_settings)
    }
}

impl Headline {
    fn plain(title: String, text: String) -> Headline {
        let pieces = vec![HeadlinePart::words(text)];
        Headline { title, pieces }
    }

    /// The whole text without markup.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|p| p.text.as_str()).collect()
    }
}

impl HeadlinePart {
    fn words(text: impl Into<String>) -> HeadlinePart {
        HeadlinePart {
            text: text.into(),
            subject: String::new(),
            sources: Vec::new(),
        }
    }
}

/// The finding that represents a contrast: its average over sparsities, or its only sparsity.
fn main_finding<'f>(found: &'f Findings, contrast: &Contrast) -> Option<&'f Finding> {
    let mine = || found.findings.iter().filter(|f| f.contrast == *contrast);
    mine()
        .find(|f| f.scope == ContrastScope::Average)
        .or_else(|| {
            let measured = mine().find(|f| f.accuracy.verdict != Verdict::Identical);
            measured.or_else(|| mine().next())
        })
}

/// The title of the headline about pilot results.
pub(crate) const PILOT: &str = "Pilot";

/// All headlines: first the claims, then the controls, the pilot results, and the changes of the
/// plan.
pub(crate) fn headlines(
    compared: Compared<'_>,
    found: &Findings,
    changes: &PlanChanges,
) -> Vec<Headline> {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    for contrast in compared.contrasts() {
        let Some(finding) = main_finding(found, contrast) else {
            continue;
        };
        if contrast.role != Role::Question {
            continue;
        }
        let title = group_title(compared, contrast);
        match groups.iter_mut().find(|(t, _)| *t == title) {
            Some((_, list)) => list.push(finding),
            None => groups.push((title, vec![finding])),
        }
    }
    let mut all: Vec<Headline> = groups
        .into_iter()
        .map(|(title, list)| headline(compared, changes, title, &list))
        .collect();
    if !all.is_empty() {
        all.extend(controls(compared, found));
    }
    all.extend(pilot_words(compared.outline).map(|words| Headline::plain(PILOT.into(), words)));
    let changes = changes.changes.iter().enumerate();
    all.extend(changes.map(|(i, change)| {
        let title = format!("Plan change {}", i + 1);
        Headline::plain(title, format!("{}.", capital(&change.what)))
    }));
    all
}

/// The title under which a contrast is listed: the title of its check, or of its family if it
/// compares tickets.
fn group_title(compared: Compared<'_>, contrast: &Contrast) -> String {
    let check = contrast
        .minus
        .check
        .as_ref()
        .or(contrast.plus.check.as_ref());
    match check.filter(|_| contrast.is_within_ticket()) {
        Some(name) => {
            let found = compared.outline.checks.iter().find(|c| c.name == *name);
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

fn headline(
    compared: Compared<'_>,
    changes: &PlanChanges,
    title: String,
    list: &[&Finding],
) -> Headline {
    let touching: BTreeSet<Vec<usize>> =
        list.iter().map(|f| changes.touching(&f.contrast)).collect();
    // Said once if it holds for all, otherwise beside each.
    let common = touching.first().filter(|_| touching.len() == 1).cloned();
    let mut sentences: Vec<(String, Vec<Vec<HeadlinePart>>)> = Vec::new();
    for finding in list {
        let said = statement_of(finding);
        let mut item = item(compared, finding);
        if common.is_none()
            && let Some(words) = plan_change_words(&changes.touching(&finding.contrast))
        {
            item.push(HeadlinePart::words(format!(" ({words})")));
        }
        match sentences.iter_mut().find(|(s, _)| *s == said) {
            Some((_, items)) => items.push(item),
            None => sentences.push((said, vec![item])),
        }
    }
    let mut pieces = Vec::new();
    for (i, (said, items)) in sentences.into_iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        pieces.push(HeadlinePart::words(format!("{space}{said}: ")));
        for (j, item) in items.into_iter().enumerate() {
            pieces.extend((j > 0).then(|| HeadlinePart::words("; ")));
            pieces.extend(item);
        }
        pieces.push(HeadlinePart::words("."));
    }
    let words = common.and_then(|numbers| plan_change_words(&numbers));
    pieces.extend(words.map(|words| HeadlinePart::words(format!(" ({words}.)"))));
    Headline { title, pieces }
}

/// The statement under which a finding is listed.
fn statement_of(finding: &Finding) -> String {
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

/// The phrases for superior, not inferior and inferior.
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
fn item(compared: Compared<'_>, finding: &Finding) -> Vec<HeadlinePart> {
    let contrast = &finding.contrast;
    let name = if contrast.is_within_ticket() {
        arm_title(compared.outline, &contrast.plus)
    } else {
        contrast_title(compared.outline, contrast)
    };
    let mut pieces = vec![HeadlinePart::words(name.clone())];
    let estimate = &finding.accuracy.estimate;
    if let Some(mean) = estimate.mean
        && finding.accuracy.verdict != Verdict::Identical
    {
        let bounds = estimate.interval95.map(|[low, high]| (low, high));
        let mut text = format!("{} points", format::interval(mean, bounds, 2));
        let scope = scope_title(&finding.scope);
        text += &match finding.scope {
            ContrastScope::Sparsity(_) => format!(" at {scope}"),
            ContrastScope::Average | ContrastScope::AverageUncollapsed => format!(", {scope}"),
        };
        text += &signs_words(finding).map_or(String::new(), |words| format!(" {words}"));
        if finding.collapsed && !matches!(finding.scope, ContrastScope::Sparsity(_)) {
            text += ", collapsed or diverged runs in it";
        }
        pieces.push(HeadlinePart::words(" "));
        pieces.push(HeadlinePart {
            text,
            subject: name,
            sources: finding.keys.clone(),
        });
    }
    if finding.everywhere == Some(true) {
        pieces.push(HeadlinePart::words(", within the margin at every sparsity"));
    }
    pieces
}

/// The headlines of the controls.
fn controls(compared: Compared<'_>, found: &Findings) -> Vec<Headline> {
    let asked = |role| compared.contrasts().any(|c| c.role == role);
    let [tested, shown] = found.controls.same_distribution;
    let percent = format!("{:.0} %", LEVEL * 100.0);
    let title = "A/A control";
    let same_law = match (asked(Role::SameDistribution), tested) {
        (false, _) => {
            let none = if compared.across_settings {
                "No comparison of settings is one; each setting has its own."
            } else {
                "This study has none: no random ticket under a check that keeps its distribution."
            };
            Headline::plain(title.into(), none.into())
        }
        (true, 0) => Headline::plain(
            title.into(),
            "No cell of it can be judged with these seeds.".into(),
        ),
        (true, _) => {
            let share = format::number(100.0 * shown as f64 / tested as f64, 0);
            let same_law = |f: &&Finding| f.contrast.role == Role::SameDistribution;
            control(
                found.findings.iter().filter(same_law),
                title,
                format!("{shown} of {tested} cells"),
                format!(
                    " whose arms have the same distribution show a difference, uncorrected ({share} %; at most {percent} are expected by chance)."
                ),
            )
        }
    };
    let mut all = vec![same_law];
    all.push(positive_control(compared, found, ControlOf::Allocation));
    // Only some studies have a control of placement. In the others the control of allocation stands
    // for it.
    let of_placement = |f: &Finding| is_control(&f.contrast, ControlOf::Placement);
    if found.findings.iter().any(of_placement) {
        all.push(positive_control(compared, found, ControlOf::Placement));
    }
    all
}

fn is_control(contrast: &Contrast, of: ControlOf) -> bool {
    contrast.role == Role::Positive && contrast.control == of
}

/// The headline of a positive control: what is expected to differ, and whether it does.
fn positive_control(compared: Compared<'_>, found: &Findings, of: ControlOf) -> Headline {
    let title = match of {
        ControlOf::Allocation => "Positive control",
        ControlOf::Placement => "Positive control of placement",
    };
    let arms: Vec<String> = compared
        .contrasts()
        .filter(|c| is_control(c, of))
        .map(|c| contrast_title(compared.outline, c))
        .collect();
    let [judged, beyond] = found.controls.of(of);
    let words = match (arms.is_empty(), judged) {
        (true, _) if compared.across_settings => {
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
            control.pieces.insert(0, HeadlinePart::words(before));
            return control;
        }
    };
    Headline::plain(title.into(), words.into())
}

/// A headline that begins with a count of cells, which refers to the runs of all these cells.
fn control<'f>(
    cells: impl Iterator<Item = &'f Finding>,
    title: &str,
    count: String,
    said: String,
) -> Headline {
    let sources: BTreeSet<Digest> = cells.flat_map(|f| f.keys.iter().copied()).collect();
    let counted = HeadlinePart {
        text: count,
        subject: "controls".into(),
        sources: sources.into_iter().collect(),
    };
    Headline {
        title: title.into(),
        pieces: vec![counted, HeadlinePart::words(said)],
    }
}
