//! Table `partially-trained`: partially trained tickets under checks, with effect sizes beside
//! verdicts.

use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::notes;
use crate::tables::comparison::differences;
use crate::tables::comparison::verdicts;
use crate::tables::table::{Column, ColumnKind, Data, Section, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_study::Finding;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, TicketGroup::PartiallyTrained);
    let is_one = |cell: &&Cell<'_>| tickets.contains(&cell.ticket);
    let mut sections = Vec::new();
    for sparsity in grid.sparsities() {
        let cells = grid.at(sparsity).filter(is_one);
        let found = cells.filter_map(|c| Some((c, grid.check_finding(c)?)));
        let rows = found.map(|(cell, f)| row(grid, cell, f)).collect();
        sections.extend(Section::at_sparsity(sparsity, columns(), rows));
    }
    let mut about = vec![
        "Tickets whose trained weights go on, under each check that can change them. *Difference* \
         is ticket − the ticket under the check, over pairs of one seed, with a 95 % interval, as \
         in the table of verdicts: above 0 where the check costs accuracy. *Effect* is the mean \
         difference in standard deviations of a single pair's difference."
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
        // Standard deviations are pooled over more cells than those that are shown.
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(ColumnKind::Text, "sparsity"),
        Column::new(ColumnKind::Text, "ticket", "ticket"),
        Column::new(ColumnKind::Text, "check", "check"),
        Column::new(ColumnKind::MeanSd, "unmodified", "unmodified, %"),
        Column::new(ColumnKind::MeanSd, "checked", "under the check, %"),
        Column::new(ColumnKind::Interval, "difference", "difference, points"),
        Column::new(ColumnKind::Number, "effect", "effect, sd"),
        Column::new(ColumnKind::Text, "verdict", "verdict"),
        Column::new(
            ColumnKind::Interval,
            "loss_difference",
            "difference of test loss",
        ),
        Column::new(ColumnKind::CountOf, "n", "n"),
        Column::new(ColumnKind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>, f: &Finding) -> Vec<Entry> {
    let absent = verdicts::not_measured(f);
    let from = |value| match absent {
        Some(_) => Value::Blank.into(),
        None => Entry::of_runs(value, f.keys.iter().copied()),
    };
    let accuracy = |cell: Option<&Cell<'_>>| {
        let word = cell.and_then(|cell| notes::not_measured(grid, cell));
        match (cell, word) {
            (Some(cell), None) => {
                let value = Value::mean_sd(grid.summary(cell).accuracy, 2);
                Entry::of_runs(value, cell.keys())
            }
            (_, word) => Value::Absent(word.unwrap_or("identical")).into(),
        }
    };
    let estimate = &f.accuracy.estimate;
    let effect = estimate.mean.zip(estimate.spread).and_then(|(mean, s)| {
        let effect = mean / s.sd;
        effect.is_finite().then_some(Value::Signed(effect, 2))
    });
    vec![
        Entry::text(cell.sparsity),
        Entry::named(cell.ticket),
        Entry::check(cell.check),
        accuracy(grid.cell(cell.sparsity, &cell.ticket.name, UNMODIFIED)),
        accuracy(Some(cell)),
        from(Value::difference(estimate, 2)),
        from(effect.unwrap_or(Value::Absent(NOTHING))),
        verdicts::verdict_of(f),
        from(Value::difference(&f.test_loss.estimate, 4)),
        match absent {
            Some(_) => Value::CountOf(0, 0).into(),
            None => from(Value::CountOf(f.seeds.len(), f.asked)),
        },
        Entry::text(differences::notes(grid, f).join("; ")),
    ]
}
