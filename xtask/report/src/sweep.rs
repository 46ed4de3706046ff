//! Cells that differ in one number: the blocks with `each` of a study file, laid along their axis.

use crate::cells::{Cell, Grid};
use jackpot_study::{Level, Named};

/// A cell with its place on an axis.
pub(crate) struct Swept<'g, 'a> {
    pub cell: &'g Cell<'a>,
    /// The list's name in the study file: `share`, `lr`.
    pub axis: &'a str,
    pub at: f64,
    /// What the cells of one line have in common, in words.
    pub line: String,
}

/// Every cell of a ticket or check that was written with `each` over numbers: once for each such
/// list, in the grid's order.
pub(crate) fn swept<'g, 'a>(grid: &'g Grid<'a>) -> Vec<Swept<'g, 'a>> {
    let cells = grid.sparse().filter(|c| !grid.identical(c));
    cells.flat_map(of_cell).collect()
}

/// The numeric lists that the study has, in the order of their first cell.
pub(crate) fn axes<'a>(all: &[Swept<'_, 'a>]) -> Vec<&'a str> {
    let mut axes: Vec<&str> = Vec::new();
    for swept in all {
        if !axes.contains(&swept.axis) {
            axes.push(swept.axis);
        }
    }
    axes
}

fn of_cell<'g, 'a>(cell: &'g Cell<'a>) -> Vec<Swept<'g, 'a>> {
    let named = [Some(cell.ticket), cell.check];
    let levels = named.into_iter().flatten().flat_map(|named: &'a Named| {
        let series = named.series.iter();
        series.flat_map(|s| &s.levels)
    });
    let one = |level: &'a Level| {
        let ticket = title(cell.ticket, &level.axis);
        let check = cell.check.map(|c| title(c, &level.axis));
        Some(Swept {
            cell,
            axis: &level.axis,
            at: level.number?,
            line: check.map_or(ticket.clone(), |check| format!("{ticket}: {check}")),
        })
    };
    levels.filter_map(one).collect()
}

/// A title with a gap where the axis's value stands: the same for all of one line.
fn title(named: &Named, axis: &str) -> String {
    let Some(series) = named.series.as_ref() else {
        return named.title.clone();
    };
    let fill = |text: String, level: &Level| {
        let word = match level.axis == axis {
            true => "…",
            false => level.title.as_str(),
        };
        text.replace(&format!("{{{}}}", level.axis), word)
    };
    series.levels.iter().fold(series.title.clone(), fill)
}
