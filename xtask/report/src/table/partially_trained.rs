//! Partially-trained tickets under checks: how large an effect is, beside whether it is there.

use super::{
    Column, Data, Entry, Kind, NOTHING, Section, Table, Value, differences, spell, verdicts,
};
use crate::cells::{Cell, Grid, UNMODIFIED, metrics};
use crate::digest::of_inputs;
use crate::groups::{Group, members};
use jackpot_results::Finding;

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let tickets = members(grid, Group::PartiallyTrained);
    let is_one = |cell: &&Cell<'_>| tickets.contains(&cell.ticket);
    let mut sections = Vec::new();
    for sparsity in grid.sparsities() {
        let cells = grid.at(sparsity).filter(is_one);
        let found = cells.filter_map(|c| Some((c, grid.findings.of_check(c)?)));
        let rows = found.map(|(cell, f)| row(grid, cell, f)).collect();
        sections.extend(Section::of(sparsity, columns(), rows));
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
        // A deviation is pooled over more cells than those that are shown.
        inputs: of_inputs(metrics(&grid.cells)),
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
        Column::new(Kind::Words, "verdict", "verdict"),
        Column::new(Kind::Interval, "loss_difference", "difference of test loss"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, cell: &Cell<'_>, f: &Finding) -> Vec<Entry> {
    let absent = verdicts::not_measured(f);
    let from = |value| match absent {
        Some(_) => Value::Blank.into(),
        None => Entry::from(value, f.keys.iter().copied()),
    };
    let accuracy = |cell: Option<&Cell<'_>>| {
        let word = cell.and_then(|cell| spell::not_measured(grid, cell));
        match (cell, word) {
            (Some(cell), None) => {
                let value = Value::mean_sd(grid.summary(cell).accuracy, 2);
                Entry::from(value, cell.keys())
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
            Some(_) => Value::Of(0, 0).into(),
            None => from(Value::Of(f.seeds.len(), f.asked)),
        },
        Entry::text(differences::notes(grid, f).join("; ")),
    ]
}
