//! Verdicts: what the declared analysis says of each contrast.

use super::{Column, Data, Entry, Kind, Section, Table, Value, spell};
use crate::cells::{Grid, metrics};
use crate::digest::of_inputs;
use crate::verdict::{
    Findings, capital, family_title, margin_title, pilot_words, plan_change_words, scope_title,
    sides, signs_words, verdict_title,
};
use jackpot_results::{ContrastScope as Scope, Finding};
use jackpot_stats::{Claim, Direction, LEAST_SEEDS, Outcome, POWER, Variance, Verdict};
use jackpot_study::{CollapsedRuns, Contrast, ControlOf, Role};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let findings = &grid.findings;
    let mut families: Vec<&str> = Vec::new();
    for f in &findings.found.findings {
        if !families.contains(&f.contrast.family.as_str()) {
            families.push(&f.contrast.family);
        }
    }
    let section = |family: &str| {
        let rows = findings.found.findings.iter();
        let rows = rows.filter(|f| f.contrast.family == family);
        section(grid, family, rows.collect())
    };
    Table {
        name: "verdicts",
        title: "verdicts",
        about: about(grid),
        sections: families.into_iter().map(section).collect(),
        data: Data::Rows,
        keys: &["family", "plus", "minus", "scope"],
        inputs: of_inputs(metrics(&grid.cells)),
    }
}

fn about(grid: &Grid<'_>) -> Vec<String> {
    let analysis = &grid.outline.analysis;
    let findings = &grid.findings;
    let margin = margin_title(grid, &analysis.margins.accuracy, "points");
    let loss = margin_title(grid, &analysis.margins.test_loss, "nats");
    let mut about = vec![
        format!(
            "Each row is one arm minus another, seed by seed. *insensitive*: the difference lies within \
             the margin ({margin} of accuracy, {loss} of test loss) by two one-sided tests; *sensitive*: there is a \
             difference; *undecided*: neither is known; *identical*: one run by construction; \
             *uninformative*: within the margin, but nothing says that a difference could have \
             shown, because the 95 % interval of the positive control at this sparsity does not lie \
             wholly beyond the margin, or there is no control. An average over sparsities is \
             insensitive only where every sparsity is. Dependence is a property of a ticket, and no \
             verdict is a judgement of it."
        ),
        format!(
            "p-values are Holm's over the cells of one question, difference and equivalence apart, and \
             are held against {}. A verdict needs {LEAST_SEEDS} seeds. The interval is Student's 95 % interval, uncorrected. \
             *smallest margin*: what this many seeds settle with {:.0} % power. *r*: correlation between the arms over seeds.",
            level(findings.found.level),
            POWER * 100.0
        ),
        variance(grid),
    ];
    let looks: Vec<String> = analysis.looks.iter().map(u32::to_string).collect();
    if looks.len() > 1 {
        about.push(format!(
            "Verdicts are planned at {} seeds; each look spends its part of the level ({}).",
            looks.join(", "),
            match analysis.spending {
                jackpot_stats::Spending::ObrienFleming => "after O'Brien and Fleming",
                jackpot_stats::Spending::Pocock => "after Pocock",
            }
        ));
    }
    about.extend(composed(&findings.found.findings));
    about.extend(declared(findings));
    about.extend(pilot_words(grid));
    about
}

/// How rows of more than two arms are read, where there are any.
fn composed(findings: &[Finding]) -> Vec<String> {
    let any = |is: fn(&Contrast) -> bool| findings.iter().any(|f| is(&f.contrast));
    let differences = "Where both sides are differences, what is compared is one difference less \
                       the other, seed by seed, of four runs.";
    let trends = "A *line* is that of least squares through the accuracies at all its places, seed \
                  by seed; what is compared are its values at both ends.";
    let of_settings = "Where settings are compared, both sides name theirs; such a comparison has \
                       the controls and the families of its own kind alone.";
    let said = [
        (any(|c| c.less.is_some()), differences),
        (any(|c| !c.trend.is_empty()), trends),
        (any(Contrast::is_across_settings), of_settings),
    ];
    let said = said.iter().filter(|(is_there, _)| *is_there);
    said.map(|(_, words)| (*words).to_owned()).collect()
}

fn level(level: Option<f64>) -> String {
    match level {
        // The first of looks that lie far apart spends nearly nothing, which is not 0.
        Some(level) if level < 0.0001 => format!("{level:.1e}"),
        Some(level) => spell::number(level, 4).trim_end_matches('0').to_owned(),
        None => "no level: no look is planned at this number of seeds".into(),
    }
}

/// How the deviations were had, and whether the cells share them.
fn variance(grid: &Grid<'_>) -> String {
    let analysis = &grid.outline.analysis;
    if analysis.variance == Variance::Cell {
        return "Every cell uses the standard deviation of its own differences, with one degree of \
                freedom less than it has seeds."
            .into();
    }
    let pools = grid.findings.found.pools.iter().filter_map(|p| {
        let test = p.homogeneity?;
        let kind = if p.within_tickets {
            "checks"
        } else {
            "tickets"
        };
        Some(format!(
            "{kind}, {}: F({}, {}) = {}, p = {}",
            scope_title(&p.scope),
            test.df[0],
            test.df[1],
            spell::number(test.f, 2),
            spell::number(test.p, 3)
        ))
    });
    let pools: Vec<String> = pools.collect();
    let collapsed = match analysis.collapsed {
        CollapsedRuns::Apart => "cells with a collapsed or diverged run use their own",
        CollapsedRuns::Excluded => "seeds with a collapsed or diverged run are left out",
    };
    let tests = match pools.is_empty() {
        true => String::new(),
        false => format!(
            " Whether those cells vary alike (Brown–Forsythe): {}.",
            pools.join("; ")
        ),
    };
    format!(
        "The standard deviation is pooled over the cells of one sparsity; {collapsed}. Degrees of \
         freedom count what cells share an arm.{tests}"
    )
}

/// When the analysis was declared, and what was changed since.
fn declared(findings: &Findings) -> Vec<String> {
    let changes = &findings.changes;
    let first = changes.first.as_ref().map(|d| {
        format!(
            "The analysis plan (sha256 `{}` in `study.lock`) was declared {}.",
            d.sha256,
            d.when()
        )
    });
    let changed = changes.changes.iter().enumerate();
    let changed = changed.map(|(i, c)| format!("*Plan change {}*: {}.", i + 1, c.what));
    first.into_iter().chain(changed).collect()
}

fn section(grid: &Grid<'_>, family: &str, rows: Vec<&Finding>) -> Section {
    let words = |name: &str, title: &str| Column::new(Kind::Words, name, title);
    let columns = vec![
        Column::hidden(Kind::Words, "family"),
        Column::hidden(Kind::Words, "claim"),
        Column::hidden(Kind::Words, "role"),
        words("plus", "arm"),
        words("minus", "minus"),
        words("scope", "sparsity"),
        words("verdict", "verdict"),
        Column::hidden(Kind::Words, "direction"),
        Column::new(Kind::Interval, "accuracy", "accuracy, points"),
        Column::hidden(Kind::Number, "accuracy_low90"),
        Column::hidden(Kind::Number, "accuracy_high90"),
        Column::hidden(Kind::Number, "margin"),
        Column::new(Kind::Number, "p_difference", "p of a difference"),
        Column::new(Kind::Number, "p_equivalence", "p within margin"),
        Column::hidden(Kind::Number, "p_noninferior"),
        Column::new(Kind::Number, "smallest_margin", "smallest margin"),
        Column::new(Kind::Number, "correlation", "r"),
        Column::new(Kind::Of, "n", "n"),
        Column::hidden(Kind::Number, "df"),
        words("loss_verdict", "by test loss"),
        Column::new(Kind::Interval, "test_loss", "test loss"),
        Column::hidden(Kind::Number, "loss_p_difference"),
        Column::hidden(Kind::Number, "loss_p_equivalence"),
        Column::new(Kind::Notes, "notes", "notes"),
    ];
    Section {
        heading: capital(&family_title(family)),
        columns,
        rows: rows.into_iter().map(|f| row(grid, f)).collect(),
    }
}

/// What a pair of arms is called that is not measured; none: it is, or is to be.
pub(super) fn not_measured(f: &Finding) -> Option<&'static str> {
    let not_applicable = f.not_applicable.as_ref().map(|_| "not applicable");
    let identical = f.accuracy.verdict == Verdict::Identical;
    not_applicable.or(identical.then_some("identical"))
}

fn row(grid: &Grid<'_>, f: &Finding) -> Vec<Entry> {
    let absent = not_measured(f);
    let from = |value| match absent {
        Some(_) => Value::Blank.into(),
        None => Entry::from(value, f.keys.iter().copied()),
    };
    let number = |of: Option<f64>, digits| from(Value::number(of, digits));
    let accuracy = &f.accuracy.estimate;
    let bound = |i: usize| accuracy.interval90.map(|b| b[i]);
    let [plus, minus] = arms(grid, &f.contrast);
    vec![
        Entry::text(f.contrast.family.clone()),
        Entry::text(f.contrast.claim.word()),
        Entry::text(part(&f.contrast)),
        plus,
        minus,
        Value::Named {
            name: f.scope.word().into(),
            title: scope_title(&f.scope),
        }
        .into(),
        verdict_of(f),
        Entry::text(f.accuracy.direction.map_or("", |d| d.word())),
        from(Value::difference(accuracy, 2)),
        number(bound(0), 4),
        number(bound(1), 4),
        number(accuracy.margin, 4),
        number(f.accuracy.adjusted_difference, 3),
        number(f.accuracy.adjusted_equivalence, 3),
        number(f.accuracy.adjusted_noninferior, 3),
        number(accuracy.smallest_margin, 2),
        number(accuracy.correlation, 2),
        match absent {
            Some(_) => Value::Of(0, 0).into(),
            None => Value::Of(f.seeds.len(), f.asked).into(),
        },
        number(accuracy.spread.map(|s| s.df), 1),
        from(verdict(&f.test_loss)),
        from(Value::difference(&f.test_loss.estimate, 4)),
        number(f.test_loss.adjusted_difference, 3),
        number(f.test_loss.adjusted_equivalence, 3),
        Entry::text(notes(grid, f).join("; ")),
    ]
}

/// Both sides of a contrast by their titles.
pub(super) fn arms(grid: &Grid<'_>, contrast: &Contrast) -> [Entry; 2] {
    sides(grid, contrast).map(|(name, title)| Value::Named { name, title }.into())
}

/// The part that a contrast plays, for programs.
pub(super) fn part(contrast: &Contrast) -> &'static str {
    match (contrast.role, contrast.control) {
        (Role::Question, _) => "question",
        (Role::Positive, ControlOf::Allocation) => "positive control",
        (Role::Positive, ControlOf::Placement) => "positive control of placement",
        (Role::SameLaw, _) => "a/a control",
        (Role::NoiseFloor, _) => "noise floor",
    }
}

/// The verdict on test accuracy, or that there is none to be had.
pub(super) fn verdict_of(f: &Finding) -> Entry {
    match &f.not_applicable {
        Some(_) => Value::Verdict {
            word: "not applicable".into(),
            whole: "not applicable".into(),
        }
        .into(),
        None => Entry::from(verdict(&f.accuracy), f.keys.iter().copied()),
    }
}

pub(super) fn verdict(outcome: &Outcome) -> Value {
    Value::Verdict {
        word: outcome.verdict.word().into(),
        whole: verdict_title(outcome),
    }
}

/// What became of the runs that a finding is made of, and whose deviation it uses.
pub(super) fn runs(grid: &Grid<'_>, f: &Finding) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(because) = &f.not_applicable {
        notes.push(because.clone());
    } else if let Some(because) = &f.because {
        notes.push(format!("not run: {}", spell::reason(because)));
    } else if f.same > 0 {
        let arms = if f.contrast.is_pair() { "both" } else { "all" };
        let seeds = seeds(f.same, f.asked);
        notes.push(format!("{seeds} one training for {arms} arms"));
    }
    if f.lost > 0 {
        notes.push(format!(
            "{} without a run to compare",
            seeds(f.lost, f.asked)
        ));
    }
    if f.collapsed {
        let pooled = grid.outline.analysis.variance == Variance::Pooled;
        let average = !matches!(f.scope, Scope::Sparsity(_));
        notes.push(match (average, pooled) {
            (false, false) => "collapsed or diverged runs".into(),
            (false, true) => "collapsed or diverged runs: own standard deviation".into(),
            (true, false) => "collapsed or diverged runs in the average".into(),
            (true, true) => {
                "collapsed or diverged runs in the average: own standard deviation".into()
            }
        });
    }
    if let Some(p) = f.unlike_pool {
        notes.push(format!(
            "the cells that it shares its deviation with vary unlike (Brown–Forsythe p = {})",
            spell::number(p, 3)
        ));
    }
    notes
}

fn notes(grid: &Grid<'_>, f: &Finding) -> Vec<String> {
    let mut notes = runs(grid, f);
    notes.extend(signs_words(f).map(|words| format!("an average {words}")));
    match f.accuracy.verdict {
        _ if f.not_applicable.is_some() => {}
        Verdict::Undecided(why) => notes.push(why.to_string()),
        Verdict::Uninformative(why) => notes.push(why.to_string()),
        _ if f.accuracy.direction == Some(Direction::NotInferior) => {
            notes.extend(f.accuracy.uncontrolled.map(|why| why.to_string()));
        }
        _ => {}
    }
    match f.everywhere {
        Some(true) => notes.push("within the margin at every sparsity".into()),
        Some(false) if f.contrast.claim == Claim::Equivalence => {
            notes.push("not within the margin at every sparsity".into());
        }
        _ => {}
    }
    if f.contrast.margins.is_some() {
        let margins = grid.outline.analysis.margins(&f.contrast);
        notes.push(format!(
            "margin {}",
            margin_title(grid, &margins.accuracy, "points")
        ));
    }
    if let Some(images) = &f.images {
        notes.push(images_words(images));
    }
    notes.extend(plan_change_words(
        &grid.findings.changes.touching(&f.contrast),
    ));
    notes
}

/// `2 of 3 seeds`; of an average seeds and sparsities are counted together.
fn seeds(n: usize, asked: usize) -> String {
    match n <= asked {
        true => format!("{n} of {asked} seeds"),
        false => format!("{n} runs"),
    }
}

/// What the test images alone say.
fn images_words(images: &jackpot_results::ImageComparison) -> String {
    let pair = &images.pair;
    let half = 1.96 * pair.error;
    let interval = spell::interval(pair.mean, Some((pair.mean - half, pair.mean + half)), 2);
    let seeds = images.churn_of_seeds.map_or(String::new(), |churn| {
        format!(", between seeds of one arm {} %", spell::number(churn, 1))
    });
    format!(
        "over test images {interval}; {} % of images change between the arms{seeds}; noise of one pair foreseen from them {} points",
        spell::number(pair.churn, 1),
        spell::number(pair.predicted, 2)
    )
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_level_is_never_spelled_as_nothing() {
        assert_eq!(level(Some(0.05)), "0.05");
        assert_eq!(level(Some(0.0056)), "0.0056");
        assert_eq!(level(Some(4.2e-7)), "4.2e-7");
        assert!(level(None).starts_with("no level"));
    }
}
