//! Table `hybrid`: hybrid tickets against the tickets that they combine, learning-rate rewinding
//! and random tickets.

use crate::model::analysis::titles::{capital, scope_title};
use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::TicketGroup;
use crate::model::groups::{members, ticket_kind};
use crate::model::inputs::inputs_of;
use crate::tables::columns::Columns;
use crate::tables::comparison::finding::{FindingRow, verdict};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::{ContrastScope, Finding};
use jackpot_study::{Arm, TicketKind};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let all = members(grid, TicketGroup::Hybrid);
    let is_hybrid = |name: &str| {
        let mut hybrids = all
            .iter()
            .filter(|t| ticket_kind(grid, t) == Some(TicketKind::Hybrid));
        hybrids.any(|t| t.name == name)
    };
    // Contrasts of two unmodified tickets of which the first is the hybrid one.
    let about_one = |f: &&Finding| {
        let unmodified = |arm: &Arm| arm.check.is_none();
        let (plus, minus) = (&f.contrast.plus, &f.contrast.minus);
        let unmodified = unmodified(plus) && unmodified(minus);
        f.contrast.is_pair() && unmodified && is_hybrid(&plus.ticket) && plus != minus
    };
    let findings = || grid.findings.found.findings.iter().filter(about_one);
    let mut scopes: Vec<ContrastScope> = grid.sparsities().into_iter().map(of_sparsity).collect();
    scopes.extend([ContrastScope::Average, ContrastScope::AverageUncollapsed]);
    let sections = scopes.iter().filter_map(|scope| {
        let here = findings().filter(|f| f.scope == *scope);
        let rows = here.map(|finding| FindingRow { grid, finding });
        let heading = match scope {
            ContrastScope::Sparsity(text) => format::sparsity(text),
            other => capital(&scope_title(other)),
        };
        columns(scope).section_if_any(heading, rows)
    });
    let mut about = vec![
        "Hybrid tickets (scores of trained weights within counts that no score chose, trained on \
         from those weights) against what they are made of. *Difference* is hybrid − other over \
         pairs of one seed, with a 95 % interval, and *verdict* what the analysis says of it, both as in the \
         table of verdicts. Averages over sparsities are of each seed; those without collapse leave \
         out sparsities at which a run of either collapsed or diverged."
            .into(),
    ];
    if !all.iter().any(|t| is_hybrid(&t.name)) {
        about.push("This study has no hybrid ticket.".into());
    }
    Table {
        name: "hybrid",
        title: "hybrid tickets",
        about,
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["scope", "ticket", "against"],
        // Standard deviations are pooled over more cells than those that are shown.
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

fn of_sparsity(text: &str) -> ContrastScope {
    ContrastScope::Sparsity(text.to_owned())
}

/// The columns. An average over sparsities has no accuracies of single cells.
fn columns<'g, 'a: 'g>(scope: &ContrastScope) -> Columns<'static, FindingRow<'g, 'a>> {
    let one_cell = |title| matches!(scope, ContrastScope::Sparsity(_)).then_some(title);
    let columns: Columns<'static, FindingRow<'g, 'a>> = Columns::new();
    columns
        .text("scope", None, |row| Entry::text(row.finding.scope.word()))
        .text("ticket", "hybrid", FindingRow::plus)
        .text("against", "against", FindingRow::minus)
        .mean_sd("accuracy", one_cell("hybrid, %"), |row| {
            accuracy(row, &row.finding.contrast.plus)
        })
        .mean_sd("other_accuracy", one_cell("other, %"), |row| {
            accuracy(row, &row.finding.contrast.minus)
        })
        .interval("difference", "difference, points", |row| {
            row.value(Value::difference(&row.finding.accuracy.estimate, 2))
        })
        .text("verdict", "verdict", |row| {
            row.value(verdict(&row.finding.accuracy))
        })
        .n(|row| row.value(Value::CountOf(row.finding.seeds.len(), row.finding.asked)))
        .count("pairs_collapsed", one_cell("pairs collapsed"), |row| {
            let contrast = &row.finding.contrast;
            match cell(row, &contrast.plus).zip(cell(row, &contrast.minus)) {
                Some((plus, minus)) => Value::Count(collapsed(row.grid, plus, minus)).into(),
                None => Value::Blank.into(),
            }
        })
        .notes(FindingRow::notes)
}

/// The cell of an arm, if the finding is on one sparsity.
fn cell<'g, 'a>(row: &FindingRow<'g, 'a>, arm: &Arm) -> Option<&'g Cell<'a>> {
    match &row.finding.scope {
        ContrastScope::Sparsity(text) => row.grid.cell(text, &arm.ticket, UNMODIFIED),
        _ => None,
    }
}

fn accuracy(row: &FindingRow<'_, '_>, arm: &Arm) -> Entry {
    match cell(row, arm) {
        Some(cell) => {
            let accuracy = row.grid.summary(cell).accuracy;
            Entry::of_runs(Value::mean_sd(accuracy, 2), cell.keys())
        }
        None => Value::Blank.into(),
    }
}

/// The number of pairs of one seed in which an arm collapsed or diverged.
fn collapsed(grid: &Grid<'_>, arm: &Cell<'_>, base: &Cell<'_>) -> u64 {
    let pairs = arm
        .trained()
        .filter_map(|(seed, a)| Some((a, base.of_seed(seed)?)));
    let collapsed = pairs.filter(|(a, b)| !(grid.learned(a) && grid.learned(b)));
    collapsed.count() as u64
}
