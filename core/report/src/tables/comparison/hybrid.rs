//! Table `hybrid`: hybrid tickets against the tickets that they combine, learning-rate rewinding
//! and random tickets.

use crate::model::analysis::titles::scope_title;
use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::TicketGroup;
use crate::model::groups::{members, ticket_kind};
use crate::model::inputs::inputs_of;
use crate::tables::comparison::differences;
use crate::tables::comparison::verdicts;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, Value};
use jackpot_study::{Arm, Finding, Scope, TicketKind};

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
    let mut scopes: Vec<Scope> = grid.sparsities().into_iter().map(of_sparsity).collect();
    scopes.extend([Scope::Average, Scope::AverageUncollapsed]);
    let sections = scopes.iter().filter_map(|scope| {
        let here = findings().filter(|f| f.scope == *scope);
        let rows = here.map(|f| row(grid, f)).collect();
        let section = Section::at_sparsity("", columns(scope), rows)?;
        let heading = match scope {
            Scope::Sparsity(text) => format::sparsity(text),
            other => crate::model::analysis::titles::capital(&scope_title(other)),
        };
        Some(Section { heading, ..section })
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

fn of_sparsity(text: &str) -> Scope {
    Scope::Sparsity(text.to_owned())
}

/// The columns. An average over sparsities has no accuracies of single cells.
fn columns(scope: &Scope) -> Vec<Column> {
    let cell = |kind, name: &str, title: &str| match scope {
        Scope::Sparsity(_) => Column::new(kind, name, title),
        _ => Column::hidden(kind, name),
    };
    vec![
        Column::hidden(ColumnKind::Text, "scope"),
        Column::new(ColumnKind::Text, "ticket", "hybrid"),
        Column::new(ColumnKind::Text, "against", "against"),
        cell(ColumnKind::MeanSd, "accuracy", "hybrid, %"),
        cell(ColumnKind::MeanSd, "other_accuracy", "other, %"),
        Column::new(ColumnKind::Interval, "difference", "difference, points"),
        Column::new(ColumnKind::Text, "verdict", "verdict"),
        Column::new(ColumnKind::CountOf, "n", "n"),
        cell(ColumnKind::Count, "pairs_collapsed", "pairs collapsed"),
        Column::new(ColumnKind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, f: &Finding) -> Vec<Entry> {
    let from = |value| Entry::of_runs(value, f.keys.iter().copied());
    let cell = |arm: &Arm| match &f.scope {
        Scope::Sparsity(text) => grid.cell(text, &arm.ticket, UNMODIFIED),
        _ => None,
    };
    let (arm, base) = (cell(&f.contrast.plus), cell(&f.contrast.minus));
    let accuracy = |cell: Option<&Cell<'_>>| match cell {
        Some(cell) => Entry::of_runs(Value::mean_sd(grid.summary(cell).accuracy, 2), cell.keys()),
        None => Value::Blank.into(),
    };
    let [plus, minus] = verdicts::arms(grid, &f.contrast);
    vec![
        Entry::text(f.scope.word()),
        plus,
        minus,
        accuracy(arm),
        accuracy(base),
        from(Value::difference(&f.accuracy.estimate, 2)),
        from(verdicts::verdict(&f.accuracy)),
        from(Value::CountOf(f.seeds.len(), f.asked)),
        match arm.zip(base) {
            Some((arm, base)) => Value::Count(collapsed(grid, arm, base)).into(),
            None => Value::Blank.into(),
        },
        Entry::text(differences::notes(grid, f).join("; ")),
    ]
}

/// The number of pairs of one seed in which an arm collapsed or diverged.
fn collapsed(grid: &Grid<'_>, arm: &Cell<'_>, base: &Cell<'_>) -> u64 {
    let pairs = arm
        .trained()
        .filter_map(|(seed, a)| Some((a, base.of_seed(seed)?)));
    let collapsed = pairs.filter(|(a, b)| !(grid.learned(a) && grid.learned(b)));
    collapsed.count() as u64
}
