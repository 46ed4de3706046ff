//! Unmodified tickets side by side, those that need no training first, with what each costs.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, spell};
use crate::cells::{Cell, Grid, MeanSd, UNMODIFIED, metrics};
use crate::digest::of_inputs;
use crate::figure::total_epochs;
use crate::groups::{Group, kind, members, way};
use jackpot_results::Named;
use jackpot_study::{NOT_KNOWN, TicketKind};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let mut tickets = members(grid, Group::Sparse);
    // Zero-shot tickets first, the smart ratio before the others; then by cost.
    tickets.sort_by(|a, b| {
        let place = |t: &Named| {
            let smart = kind(grid, t) == Some(TicketKind::Smart);
            (!smart, spent(grid, t).unwrap_or(f64::INFINITY))
        };
        let ((a, x), (b, y)) = (place(a), place(b));
        (x > 0.0, a).cmp(&(y > 0.0, b)).then(x.total_cmp(&y))
    });
    let rows = tickets.iter().map(|t| row(grid, t)).collect();
    let unmodified = grid.cells.iter().filter(|c| c.check.is_none());
    Table {
        name: "tickets",
        title: "random tickets against the rest",
        about: vec![
            "Test accuracy of the unmodified tickets after the last epoch, in percent, mean ± \
             standard deviation over seeds; tickets that are made without any training stand \
             first. *Epochs before* are those of all trainings that the ticket needs before its \
             own (0: zero-shot; rounds of pruning count every round), at the highest sparsity \
             where they differ."
                .into(),
        ],
        sections: vec![Section {
            heading: "All tickets".into(),
            columns: columns(grid),
            rows,
        }],
        data: Data::Rows,
        keys: &["ticket"],
        inputs: of_inputs(metrics(unmodified)),
    }
}

fn columns(grid: &Grid<'_>) -> Vec<Column> {
    let mut columns = vec![
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "scores", "scores"),
        Column::new(Kind::Words, "allocation", "kept per layer"),
        Column::new(Kind::Words, "start", "trained from"),
        Column::new(Kind::Number, "epochs_before", "epochs before"),
        Column::new(Kind::Number, "epochs", "epochs in all"),
    ];
    for sparsity in grid.sparsities() {
        let name = format!("accuracy_{sparsity}");
        let title = format!("at {}, %", spell::percent(sparsity));
        columns.push(Column::new(Kind::MeanSd, &name, &title));
    }
    columns.push(Column::new(Kind::Notes, "notes", "notes"));
    columns
}

fn cells<'g, 'a>(grid: &'g Grid<'a>, ticket: &Named) -> Vec<Option<&'g Cell<'a>>> {
    let at = |s| grid.cell(s, &ticket.name, UNMODIFIED);
    grid.sparsities().into_iter().map(at).collect()
}

/// Epochs of all trainings but the ticket's own.
fn spent(grid: &Grid<'_>, ticket: &Named) -> Option<f64> {
    let own = f64::from(grid.outline.ways.get(&ticket.name)?.epochs);
    Some((total(grid, ticket)? - own).max(0.0))
}

fn total(grid: &Grid<'_>, ticket: &Named) -> Option<f64> {
    let all = cells(grid, ticket).into_iter().flatten();
    all.filter_map(total_epochs).max_by(f64::total_cmp)
}

fn row(grid: &Grid<'_>, ticket: &Named) -> Vec<Entry> {
    let words = |of: fn(&jackpot_results::PruningSummary) -> &String| match way(grid, ticket) {
        Some(way) => Entry::text(of(way)),
        None => Value::Absent(NOTHING).into(),
    };
    // What made the weights of an object nobody counted here.
    let mut lineages = cells(grid, ticket).into_iter().flatten();
    let unknown = lineages.any(|c| c.lineage().is_some_and(|l| l.epochs == NOT_KNOWN));
    let counted = |x: Option<f64>| match x {
        _ if unknown => Value::Absent(NOT_KNOWN).into(),
        Some(x) => Value::Number(x, usize::from(x.fract() != 0.0) * 2).into(),
        None => Value::Absent(NOTHING).into(),
    };
    let mut row = vec![
        Entry::named(ticket),
        words(|w| &w.scores),
        words(|w| &w.allocation),
        words(|w| &w.start),
        counted(spent(grid, ticket)),
        counted(total(grid, ticket)),
    ];
    let mut notes = Vec::new();
    for (cell, sparsity) in cells(grid, ticket).into_iter().zip(grid.sparsities()) {
        let Some(cell) = cell else {
            row.push(Value::Absent(NOTHING).into());
            continue;
        };
        let summary = grid.summary(cell);
        let accuracy: Option<MeanSd> = summary.accuracy;
        row.push(Entry::from(Value::mean_sd(accuracy, 2), cell.keys()));
        let mut said = spell::notes(grid, cell, &summary);
        if summary.n < summary.asked {
            said.insert(0, format!("n = {}", spell::of(summary.n, summary.asked)));
        }
        if !said.is_empty() {
            let at = spell::percent(sparsity);
            notes.push(format!("{at}: {}", said.join(", ")));
        }
    }
    row.push(Entry::text(notes.join("; ")));
    row
}
