//! Table `verdicts`: the verdict of the declared analysis on each contrast.

use crate::model::analysis::findings::Findings;
use crate::model::analysis::titles::{
    capital, family_title, margin_title, pilot_words, plan_change_words, scope_title, signs_words,
};
use crate::model::cells::metrics;
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::columns::Columns;
use crate::tables::comparison::finding::{FindingRow, role_word, run_notes, verdict};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::Finding;
use jackpot_stats::{Claim, Direction, LEAST_SEEDS, POWER, Variance, Verdict};
use jackpot_study::{CollapsedRuns, Contrast};

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
        let rows = rows.map(|finding| FindingRow { grid, finding });
        columns().section(capital(&family_title(family)), rows)
    };
    Table {
        name: "verdicts",
        title: "verdicts",
        about: about(grid),
        sections: families.into_iter().map(section).collect(),
        data: Data::Rows,
        keys: &["family", "plus", "minus", "scope"],
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

fn about(grid: &Grid<'_>) -> Vec<String> {
    let analysis = &grid.outline.analysis;
    let findings = &grid.findings;
    let margin = margin_title(grid.outline, &analysis.margins.accuracy, "points");
    let loss = margin_title(grid.outline, &analysis.margins.test_loss, "nats");
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
    about.extend(pilot_words(grid.outline));
    about
}

/// How to read rows that compare more than two arms, if there are any.
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
        // An early look spends a very small part of the level, which must not be shown as 0.
        Some(level) if level < 0.0001 => format!("{level:.1e}"),
        Some(level) => format::number(level, 4).trim_end_matches('0').to_owned(),
        None => "no level: no look is planned at this number of seeds".into(),
    }
}

/// How the standard deviations were estimated, and whether cells share them.
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
            format::number(test.f, 2),
            format::number(test.p, 3)
        ))
    });
    let pools: Vec<String> = pools.collect();
    let collapsed = match analysis.collapsed {
        CollapsedRuns::Apart => "cells with a collapsed or diverged run use their own",
        CollapsedRuns::Excluded => "seeds with a collapsed or diverged run are left out",
    };
    let tests = if pools.is_empty() {
        String::new()
    } else {
        format!(
            " Whether those cells vary alike (Brown–Forsythe): {}.",
            pools.join("; ")
        )
    };
    format!(
        "The standard deviation is pooled over the cells of one sparsity; {collapsed}. Degrees of \
         freedom count what cells share an arm.{tests}"
    )
}

/// When the analysis was declared, and what has changed since then.
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

fn columns<'g, 'a: 'g>() -> Columns<'static, FindingRow<'g, 'a>> {
    let columns: Columns<'static, FindingRow<'g, 'a>> = Columns::new();
    columns
        .text("family", None, |row| {
            Entry::text(&row.finding.contrast.family)
        })
        .text("claim", None, |row| {
            Entry::text(row.finding.contrast.claim.word())
        })
        .text("role", None, |row| {
            Entry::text(role_word(&row.finding.contrast))
        })
        .text("plus", "arm", FindingRow::plus)
        .text("minus", "minus", FindingRow::minus)
        .text("scope", "sparsity", |row| {
            let (name, title) = (
                row.finding.scope.word().into(),
                scope_title(&row.finding.scope),
            );
            Value::Named { name, title }.into()
        })
        .text("verdict", "verdict", FindingRow::verdict)
        .text("direction", None, |row| {
            let direction = row.finding.accuracy.direction;
            Entry::text(direction.map_or("", |d| d.word()))
        })
        .interval("accuracy", "accuracy, points", |row| {
            row.measured(Value::difference(&row.finding.accuracy.estimate, 2))
        })
        .number("accuracy_low90", None, |row| {
            number(row, |f| Some(f.accuracy.estimate.interval90?[0]), 4)
        })
        .number("accuracy_high90", None, |row| {
            number(row, |f| Some(f.accuracy.estimate.interval90?[1]), 4)
        })
        .number("margin", None, |row| {
            number(row, |f| f.accuracy.estimate.margin, 4)
        })
        .number("p_difference", "p of a difference", |row| {
            number(row, |f| f.accuracy.adjusted_difference, 3)
        })
        .number("p_equivalence", "p within margin", |row| {
            number(row, |f| f.accuracy.adjusted_equivalence, 3)
        })
        .number("p_noninferior", None, |row| {
            number(row, |f| f.accuracy.adjusted_noninferior, 3)
        })
        .number("smallest_margin", "smallest margin", |row| {
            number(row, |f| f.accuracy.estimate.smallest_margin, 2)
        })
        .number("correlation", "r", |row| {
            number(row, |f| f.accuracy.estimate.correlation, 2)
        })
        .n(|row| row.n().into())
        .number("df", None, |row| {
            number(row, |f| Some(f.accuracy.estimate.spread?.df), 1)
        })
        .text("loss_verdict", "by test loss", |row| {
            row.measured(verdict(&row.finding.test_loss))
        })
        .interval("test_loss", "test loss", |row| {
            row.measured(Value::difference(&row.finding.test_loss.estimate, 4))
        })
        .number("loss_p_difference", None, |row| {
            number(row, |f| f.test_loss.adjusted_difference, 3)
        })
        .number("loss_p_equivalence", None, |row| {
            number(row, |f| f.test_loss.adjusted_equivalence, 3)
        })
        .notes(|row| notes(row.grid, row.finding))
}

fn number(row: &FindingRow<'_, '_>, of: fn(&Finding) -> Option<f64>, digits: usize) -> Entry {
    row.measured(Value::number(of(row.finding), digits))
}

fn notes(grid: &Grid<'_>, f: &Finding) -> Vec<String> {
    let mut notes = run_notes(grid, f);
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
            margin_title(grid.outline, &margins.accuracy, "points")
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

/// What the paired predictions on single test images say.
fn images_words(images: &jackpot_results::ImageComparison) -> String {
    let pair = &images.pair;
    let half = 1.96 * pair.error;
    let interval = format::interval(pair.mean, Some((pair.mean - half, pair.mean + half)), 2);
    let seeds = images.churn_of_seeds.map_or(String::new(), |churn| {
        format!(", between seeds of one arm {} %", format::number(churn, 1))
    });
    format!(
        "over test images {interval}; {} % of images change between the arms{seeds}; noise of one pair predicted from them {} points",
        format::number(pair.churn, 1),
        format::number(pair.predicted, 2)
    )
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_level_is_never_written_as_nothing() {
        assert_eq!(level(Some(0.05)), "0.05");
        assert_eq!(level(Some(0.0056)), "0.0056");
        assert_eq!(level(Some(4.2e-7)), "4.2e-7");
        assert!(level(None).starts_with("no level"));
    }
}
