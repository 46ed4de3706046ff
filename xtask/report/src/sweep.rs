//! Cells that differ in one number: the blocks with `each` of a study file, laid along their axis,
//! whether it is the ticket, the check or the setting that was written with it.

use crate::cells::{Cell, DENSE, Grid};
use jackpot_results::{Named, SettingOutline};
use jackpot_study::Level;
use std::collections::BTreeSet;

/// The grids that one table or figure is drawn of: a single one, or those of all settings.
#[derive(Clone, Copy)]
pub(crate) struct Grids<'g, 'a> {
    pub first: &'g Grid<'a>,
    pub all: &'g [Grid<'a>],
    /// Whether they are the settings of one study, so that rows must say which is theirs.
    pub across: bool,
}

impl<'g, 'a> Grids<'g, 'a> {
    /// One setting, or a study without settings.
    pub fn one(grid: &'g Grid<'a>) -> Grids<'g, 'a> {
        Grids {
            first: grid,
            all: std::slice::from_ref(grid),
            across: false,
        }
    }

    /// All settings of a study; none of a study without.
    pub fn across(all: &'g [Grid<'a>]) -> Option<Grids<'g, 'a>> {
        let first = all.first().filter(|grid| setting(grid).is_some())?;
        Some(Grids {
            first,
            all,
            across: true,
        })
    }

    /// The sparsities that have cells, dense first, then in the study's order.
    pub fn sparsities(&self) -> Vec<&'a str> {
        let mut found: Vec<&str> = vec![DENSE];
        for sparsity in self.all.iter().flat_map(Grid::sparsities) {
            if !found.contains(&sparsity) {
                found.push(sparsity);
            }
        }
        found
    }

    pub fn cells(&self) -> impl Iterator<Item = &'g Cell<'a>> {
        self.all.iter().flat_map(|grid| &grid.cells)
    }

    /// The setting of one of the grids, where several are told apart.
    pub fn setting(&self, grid: &Grid<'a>) -> Option<&'a SettingOutline> {
        setting(grid).filter(|_| self.across)
    }
}

/// The setting that a grid is of; none in a study without settings.
fn setting<'a>(grid: &Grid<'a>) -> Option<&'a SettingOutline> {
    grid.outline.settings.first()
}

/// A cell with its place on an axis.
pub(crate) struct Swept<'g, 'a> {
    pub grid: &'g Grid<'a>,
    pub cell: &'g Cell<'a>,
    /// The list's name in the study file: `share`, `lr`.
    pub axis: &'a str,
    pub at: f64,
    /// What the cells of one line have in common, in words.
    pub line: String,
    /// The setting in those words.
    setting: Option<String>,
}

/// Every cell of a setting, ticket or check that was written with `each` over numbers: once for
/// each such list, in the grids' order. Lines name their setting only where several have lines.
pub(crate) fn swept<'g, 'a>(grids: Grids<'g, 'a>) -> Vec<Swept<'g, 'a>> {
    let cells = grids.all.iter().flat_map(|grid| {
        let cells = grid.cells.iter().filter(|c| !grid.identical(c));
        cells.map(move |cell| (grid, cell))
    });
    let mut all: Vec<Swept<'_, '_>> = cells
        .flat_map(|(grid, cell)| of_cell(grids, grid, cell))
        .collect();
    for axis in axes(&all) {
        let here = || all.iter().filter(|s| s.axis == axis);
        let settings: BTreeSet<_> = here().map(|s| s.setting.as_ref()).collect();
        if settings.len() < 2 {
            continue;
        }
        for swept in all.iter_mut().filter(|s| s.axis == axis) {
            if let Some(setting) = &swept.setting {
                swept.line = format!("{setting}, {}", swept.line);
            }
        }
    }
    all
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

/// True for a block that was written with `each` over numbers.
pub(crate) fn has_axis(named: &Named) -> bool {
    levels(named).any(|level| level.number.is_some())
}

fn levels(named: &Named) -> impl Iterator<Item = &Level> {
    named.series.iter().flat_map(|series| &series.levels)
}

fn of_cell<'g, 'a>(
    grids: Grids<'g, 'a>,
    grid: &'g Grid<'a>,
    cell: &'g Cell<'a>,
) -> Vec<Swept<'g, 'a>> {
    let setting = grids.setting(grid).map(|s| &s.named);
    let carriers = [setting, Some(cell.ticket), cell.check];
    let one = |(carrier, level): (&'a Named, &'a Level)| {
        // Two blocks may have a list of one name: only one of them is the axis.
        let title = |named: &'a Named| match std::ptr::eq(named, carrier) {
            true => with_gap(named, &level.axis),
            false => named.title.clone(),
        };
        let ticket = title(cell.ticket);
        Some(Swept {
            grid,
            cell,
            axis: &level.axis,
            at: level.number?,
            line: match cell.check.map(title) {
                Some(check) => format!("{ticket}: {check}"),
                None => ticket,
            },
            setting: setting.map(title),
        })
    };
    let carriers = carriers.into_iter().flatten();
    let all = carriers.flat_map(|named| levels(named).map(move |level| (named, level)));
    all.filter_map(one).collect()
}

/// A title with a gap where the axis's value stands: the same for all of one line.
pub(crate) fn with_gap(named: &Named, axis: &str) -> String {
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
