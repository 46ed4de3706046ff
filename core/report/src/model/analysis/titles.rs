//! The titles of arms, contrasts, scopes and verdicts, in words.
//!
//! Dependence is a property of a method, so the words are neutral: nothing here succeeds or fails.

use crate::model::format;
use jackpot_results::{ContrastScope, Finding, Named, Outline};
use jackpot_stats::{Direction, Outcome};
use jackpot_study::{Arm, Contrast, Dose, Margin, SweepLevel};

/// The question that a family of contrasts answers, for headings.
pub(crate) fn family_title(family: &str) -> String {
    let known = match family {
        "data" => "does the ticket depend on the data it was made with?",
        "kept-weights" => "does it matter which weights of a layer are kept?",
        "start-weights" => "do the weights that training starts from matter?",
        "several-at-once" => "several changes at once",
        "random-tickets" => "random tickets against initial tickets",
        "partially-trained" => "partially trained tickets under checks",
        "hybrid" => "hybrid tickets against their two ingredients",
        "positive-control" => "positive control",
        "same-law" => "A/A control: arms of the same distribution",
        "noise-floor" => "noise floor: the same ticket, other draws in training",
        other => other,
    };
    known.to_owned()
}

/// The text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The title of an arm.
pub(crate) fn arm_title(outline: &Outline, arm: &Arm) -> String {
    let ticket = title_of(&outline.tickets, &arm.ticket);
    let cell = match &arm.check {
        None => ticket.to_owned(),
        Some(check) => format!("{ticket} ({})", title_of(&outline.checks, check)),
    };
    cell + &of_setting(outline, arm)
}

/// ` in ResNet-8`, or nothing if the arm names no setting.
fn of_setting(outline: &Outline, arm: &Arm) -> String {
    let Some(name) = &arm.setting else {
        return String::new();
    };
    let mut settings = outline.settings.iter().map(|s| &s.named);
    let title = settings.find(|s| s.name == *name).map(|s| &s.title);
    format!(" in {}", title.unwrap_or(name))
}

fn title_of<'g>(all: &'g [Named], name: &'g str) -> &'g str {
    let found = all.iter().find(|n| n.name == name);
    found.map_or(name, |n| n.title.as_str())
}

/// Both sides of a contrast. Each is a name for programs and a title for people.
pub(crate) fn sides(outline: &Outline, contrast: &Contrast) -> [(String, String); 2] {
    let two = |one: &Arm, other: &Arm| {
        let [a, b] = [one, other].map(|arm| arm_title(outline, arm));
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
            let (name, title, axis) = line(outline, last);
            [(last, format!("{title}: ")), (first, String::new())].map(|(dose, before)| {
                (
                    format!("{name} at {}", dose.at),
                    format!("{before}line at {axis} {}", dose.at),
                )
            })
        }
        _ => {
            [&contrast.plus, &contrast.minus].map(|arm| (arm.to_string(), arm_title(outline, arm)))
        }
    }
}

/// The title of a contrast.
pub(crate) fn contrast_title(outline: &Outline, contrast: &Contrast) -> String {
    if let [first, .., last] = contrast.trend.as_slice() {
        let (_, title, axis) = line(outline, last);
        return format!("{title}, line from {axis} {} to {}", first.at, last.at);
    }
    let [plus, minus] = sides(outline, contrast).map(|(_, title)| title);
    match contrast.less {
        Some(_) => format!("({plus}) − ({minus})"),
        None => format!("{plus} − {minus}"),
    }
}

/// The name and the title of the arms of a trend, and the name of the number along which they lie.
fn line(outline: &Outline, dose: &Dose) -> (String, String, String) {
    let (all, name) = match &dose.arm.check {
        Some(check) => (&outline.checks, check),
        None => (&outline.tickets, &dose.arm.ticket),
    };
    let named = all.iter().find(|n| n.name == *name);
    let block = named.and_then(|named| Some((named, named.series.as_ref()?)));
    let Some((named, series)) = block else {
        let title = arm_title(outline, &dose.arm);
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
    let title = title + &of_setting(outline, &arm);
    (arm.to_string(), title, axis.to_owned())
}

/// `98 %`, or `average over sparsities`.
pub(crate) fn scope_title(scope: &ContrastScope) -> String {
    match scope {
        ContrastScope::Sparsity(text) if text == "0" => "dense".into(),
        ContrastScope::Sparsity(text) => format::percent(text),
        ContrastScope::Average => "average over sparsities".into(),
        ContrastScope::AverageUncollapsed => "average over sparsities without collapse".into(),
    }
}

/// The pilot results that were known before the plan was declared, in the words of the study's
/// author.
pub(crate) fn pilot_words(outline: &Outline) -> Option<String> {
    let pilot = outline.analysis.pilot.as_ref()?;
    let pilot = format::one_line(pilot);
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

/// The differences of an average by sparsity, in points, if their signs differ.
pub(crate) fn signs_words(finding: &Finding) -> Option<String> {
    let part = |(at, mean): &(String, f64)| {
        let at = scope_title(&ContrastScope::Sparsity(at.clone()));
        format!("{} at {at}", format::signed(*mean, 2))
    };
    let parts: Vec<String> = finding.parts.iter().map(part).collect();
    let differ = finding.signs_differ();
    differ.then(|| format!("whose signs differ ({})", parts.join(", ")))
}

/// A margin with its unit.
pub(crate) fn margin_title(outline: &Outline, margin: &Margin, unit: &str) -> String {
    match margin {
        Margin::Fixed(x) => format!("{x} {unit}"),
        Margin::Share { share, plus, minus } => format!(
            "{} % of {} − {}",
            format::number(share * 100.0, 0),
            arm_title(outline, plus),
            arm_title(outline, minus)
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

/// A title with `…` in place of the axis's value, so that it is the same for all points of a line.
pub(crate) fn with_gap(named: &Named, axis: &str) -> String {
    let Some(series) = named.series.as_ref() else {
        return named.title.clone();
    };
    let fill = |text: String, level: &SweepLevel| {
        let word = if level.axis == axis {
            "…"
        } else {
            level.title.as_str()
        };
        text.replace(&format!("{{{}}}", level.axis), word)
    };
    series.levels.iter().fold(series.title.clone(), fill)
}
