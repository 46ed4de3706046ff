//! Partially-trained tickets under checks: how large an effect is, beside whether it is there.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, differences};
use crate::cells::{Cell, Grid, metrics};
use crate::contrast::{Contrast, Estimate, Estimated, estimates};
use crate::digest::of_inputs;
use crate::groups::{Group, members};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, Group::PartiallyTrained);
    let is_one = |cell: &Cell<'_>| tickets.contains(&cell.ticket);
    let mut sections = Vec::new();
    for sparsity in grid.sparsities() {
        let found = estimates(grid, Contrast::Check, sparsity);
        let found = found.iter().filter(|e| is_one(e.pair.cell));
        let rows: Vec<_> = found.map(|e| row(grid, e)).collect();
        sections.extend(Section::of(sparsity, columns(), rows));
    }
    let mut about = vec![
        "Tickets whose training starts from trained weights, under each check that can change \
         them. *Difference* is check − unmodified ticket, over pairs of one seed, with a 95 % \
         interval (Student's t, standard deviation as in the table of differences); *effect* is \
         the mean difference in standard deviations of a single pair's difference."
            .into(),
    ];
    if tickets.is_empty() {
        about.push("No ticket of this study starts from trained weights.".into());
    }
    Table {
        name: "partially-trained",
        title: "partially-trained tickets under checks",
        about,
        sections,
        data: Data::Rows,
        keys: &["sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(grid.cells.iter().filter(|c| is_one(c)))),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "ticket", "ticket"),
        Column::new(Kind::Words, "check", "check"),
        Column::new(Kind::MeanSd, "unmodified", "unmodified, %"),
        Column::new(Kind::MeanSd, "checked", "under the check, %"),
        Column::new(Kind::Interval, "difference", "difference, points"),
        Column::new(Kind::Number, "effect", "effect, sd"),
        Column::new(Kind::Interval, "loss_difference", "difference of test loss"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, estimated: &Estimated<'_, '_>) -> Vec<Entry> {
    let pair = &estimated.pair;
    let accuracy = |cell: Option<&Cell<'_>>| match cell {
        Some(cell) if !grid.identical(cell) => {
            let value = Value::mean_sd(grid.summary(cell).accuracy, 2);
            Entry::from(value, cell.keys())
        }
        _ => Value::Absent("identical").into(),
    };
    let interval = |estimate: Option<Estimate>, digits: usize| {
        let keys = estimate.iter().flat_map(|_| pair.keys.iter().copied());
        Entry::from(differences::interval(estimate, digits), keys)
    };
    let effect = estimated.accuracy.and_then(|e| {
        let sd = e.spread?.sd;
        (sd > 0.0).then(|| e.mean / sd)
    });
    vec![
        Entry::text(pair.cell.sparsity),
        Entry::named(pair.cell.ticket),
        Entry::check(pair.cell.check),
        accuracy(grid.unmodified(pair.cell)),
        accuracy(Some(pair.cell)),
        interval(estimated.accuracy, 2),
        match effect {
            Some(x) => Entry::from(Value::Signed(x, 2), pair.keys.iter().copied()),
            None => Value::Absent(NOTHING).into(),
        },
        interval(estimated.loss, 4),
        Value::Of(pair.accuracy.len(), pair.asked).into(),
        Entry::text(differences::notes(estimated).join("; ")),
    ]
}
