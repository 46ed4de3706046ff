//! Table `tickets`: unmodified tickets with the epochs that they need. Tickets that need no
//! training come first.

use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members, pruning_of, ticket_kind};
use crate::model::inputs::inputs_of;
use crate::tables::columns::{CellRow, Columns};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_results::{Named, PruningSummary};
use jackpot_study::{NOT_KNOWN, TicketKind};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let mut tickets = members(grid, TicketGroup::Sparse);
    // Tickets without training come first, smart ratios before the others; then they are sorted by
    // cost.
    tickets.sort_by(|a, b| {
        let place = |t: &Named| {
            let smart = ticket_kind(grid, t) == Some(TicketKind::Smart);
            (!smart, spent(grid, t).unwrap_or(f64::INFINITY))
        };
        let ((a, x), (b, y)) = (place(a), place(b));
        (x > 0.0, a).cmp(&(y > 0.0, b)).then(x.total_cmp(&y))
    });
    let unmodified = grid.cells.iter().filter(|c| c.check.is_none());
    Table {
        name: "tickets",
        title: "random tickets against all other tickets",
        about: vec![
            "Test accuracy of the unmodified tickets after the last epoch, in percent, mean ± \
             standard deviation over seeds; tickets that are made without any training stand \
             first. *Epochs before* are those of all trainings that the ticket needs before its \
             own (0: zero-shot; rounds of pruning count every round), at the highest sparsity \
             where they differ."
                .into(),
        ],
        sections: vec![columns(grid).section("All tickets", tickets)],
        data: Data::Rows,
        keys: &["ticket"],
        inputs: inputs_of(metrics(unmodified)),
    }
}

fn columns<'g, 'a: 'g>(grid: &'g Grid<'a>) -> Columns<'g, &'a Named> {
    let mut columns: Columns<'g, &'a Named> = Columns::new();
    columns = columns
        .text("ticket", "ticket", |ticket| Entry::named(ticket))
        .text("scores", "scores", |ticket| {
            made(grid, ticket, |w| &w.scores)
        })
        .text("allocation", "kept per layer", |ticket| {
            made(grid, ticket, |w| &w.allocation)
        })
        .text("start", "trained from", |ticket| {
            made(grid, ticket, |w| &w.start)
        })
        .number("epochs_before", "epochs before", |ticket| {
            epochs(grid, ticket, spent(grid, ticket))
        })
        .number("epochs", "epochs in all", |ticket| {
            epochs(grid, ticket, total(grid, ticket))
        });
    for sparsity in grid.sparsities() {
        let name = format!("accuracy_{sparsity}");
        let title = format!("at {}, %", format::percent(sparsity));
        columns = columns.mean_sd(&name, title.as_str(), move |ticket| {
            match grid.cell(sparsity, &ticket.name, UNMODIFIED) {
                Some(cell) => {
                    let accuracy = grid.summary(cell).accuracy;
                    Entry::of_runs(Value::mean_sd(accuracy, 2), cell.keys())
                }
                None => Value::Absent(NOTHING).into(),
            }
        });
    }
    columns.notes(|ticket| ticket_notes(grid, ticket))
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
    all.filter_map(Cell::total_epochs).max_by(f64::total_cmp)
}

/// A description of how the ticket is made.
fn made(grid: &Grid<'_>, ticket: &Named, of: fn(&PruningSummary) -> &String) -> Entry {
    match pruning_of(grid, ticket) {
        Some(pruning) => Entry::text(of(pruning)),
        None => Value::Absent(NOTHING).into(),
    }
}

/// A number of epochs, unless the ticket was given weights of a stored object, whose epochs are not
/// known.
fn epochs(grid: &Grid<'_>, ticket: &Named, epochs: Option<f64>) -> Entry {
    let mut cells = cells(grid, ticket).into_iter().flatten();
    let unknown = cells.any(|c| c.lineage().is_some_and(|l| l.epochs == NOT_KNOWN));
    match epochs {
        _ if unknown => Value::Absent(NOT_KNOWN).into(),
        Some(x) => Value::Number(x, usize::from(x.fract() != 0.0) * 2).into(),
        None => Value::Absent(NOTHING).into(),
    }
}

/// The notes on the cells of a ticket, each with its sparsity.
fn ticket_notes(grid: &Grid<'_>, ticket: &Named) -> Vec<String> {
    let mut all = Vec::new();
    for cell in cells(grid, ticket).into_iter().flatten() {
        let row = CellRow::new(grid, cell);
        let mut notes = row.notes();
        if row.summary.n < row.summary.asked {
            let n = format::count_of(row.summary.n, row.summary.asked);
            notes.insert(0, format!("n = {n}"));
        }
        if !notes.is_empty() {
            let at = format::percent(cell.sparsity);
            all.push(format!("{at}: {}", notes.join(", ")));
        }
    }
    all
}
