//! Sweeps: cells that differ in one number. A study file writes them with `each` over numbers, in a
//! ticket, a check or a setting.

use crate::model::analysis::titles::with_gap;
use crate::model::cells::Cell;
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use jackpot_results::{Named, SettingOutline};
use jackpot_study::SweepLevel;
use std::collections::BTreeSet;

/// The grids from which one table or figure is drawn: a single grid, or the grids of all settings.
#[derive(Clone, Copy)]
pub(crate) struct Grids<'g, 'a> {
    pub first: &'g Grid<'a>,
    pub all: &'g [Grid<'a>],
    /// Whether these are the settings of one study, so that each row must name its setting.
    pub several_settings: bool,
}

impl<'g, 'a> Grids<'g, 'a> {
    /// A single grid: one setting, or a study without settings.
    pub fn single(grid: &'g Grid<'a>) -> Grids<'g, 'a> {
        Grids {
            first: grid,
            all: std::slice::from_ref(grid),
            several_settings: false,
        }
    }

    /// The grids of all settings, or `None` for a study without settings.
    pub fn of_settings(all: &'g [Grid<'a>]) -> Option<Grids<'g, 'a>> {
        let first = all.first().filter(|grid| setting(grid).is_some())?;
        Some(Grids {
            first,
            all,
            several_settings: true,
        })
    }

    /// The sparsities that have cells: dense first, then in the order of the study file.
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

    /// The setting of a grid, if rows must name their setting.
    pub fn setting(&self, grid: &Grid<'a>) -> Option<&'a SettingOutline> {
        setting(grid).filter(|_| self.several_settings)
    }
}

/// The setting that a grid belongs to, or `None` in a study without settings.
fn setting<'a>(grid: &Grid<'a>) -> Option<&'a SettingOutline> {
    grid.outline.settings.first()
}

/// A cell with its position on the axis of a sweep.
pub(crate) struct SweepPoint<'g, 'a> {
    pub grid: &'g Grid<'a>,
    pub cell: &'g Cell<'a>,
    /// The name of the swept list in the study file, such as `share` or `lr`.
    pub axis: &'a str,
    pub at: f64,
    /// A description of what the cells of one line have in common.
    pub line: String,
    /// The part of that description that names the setting.
    setting: Option<String>,
}

/// Every cell whose setting, ticket or check was written with `each` over numbers, once for each
/// such list, in the order of the grids. Lines name their setting only if several settings have
/// lines on the same axis.
pub(crate) fn sweep_points<'g, 'a>(grids: Grids<'g, 'a>) -> Vec<SweepPoint<'g, 'a>> {
    let cells = grids.all.iter().flat_map(|grid| {
        let cells = grid.cells.iter().filter(|c| !grid.identical(c));
        cells.map(move |cell| (grid, cell))
    });
    let mut all: Vec<SweepPoint<'_, '_>> = cells
        .flat_map(|(grid, cell)| of_cell(grids, grid, cell))
        .collect();
    for axis in axes(&all) {
        let here = || all.iter().filter(|s| s.axis == axis);
        let settings: BTreeSet<_> = here().map(|s| s.setting.as_ref()).collect();
        if settings.len() < 2 {
            continue;
        }
        for point in all.iter_mut().filter(|s| s.axis == axis) {
            if let Some(setting) = &point.setting {
                point.line = format!("{setting}, {}", point.line);
            }
        }
    }
    all
}

/// The axes of a study, ordered by their first cell.
pub(crate) fn axes<'a>(all: &[SweepPoint<'_, 'a>]) -> Vec<&'a str> {
    let mut axes: Vec<&str> = Vec::new();
    for point in all {
        if !axes.contains(&point.axis) {
            axes.push(point.axis);
        }
    }
    axes
}

/// Whether a block was written with `each` over numbers.
pub(crate) fn has_axis(named: &Named) -> bool {
    levels(named).any(|level| level.number.is_some())
}

fn levels(named: &Named) -> impl Iterator<Item = &SweepLevel> {
    named.series.iter().flat_map(|series| &series.levels)
}

fn of_cell<'g, 'a>(
    grids: Grids<'g, 'a>,
    grid: &'g Grid<'a>,
    cell: &'g Cell<'a>,
) -> Vec<SweepPoint<'g, 'a>> {
    let setting = grids.setting(grid).map(|s| &s.named);
    let carriers = [setting, Some(cell.ticket), cell.check];
    let one = |(carrier, level): (&'a Named, &'a SweepLevel)| {
        // Two blocks may each have a list of this name: only one of them is the axis.
        let title = |named: &'a Named| {
            if std::ptr::eq(named, carrier) {
                with_gap(named, &level.axis)
            } else {
                named.title.clone()
            }
        };
        let ticket = title(cell.ticket);
        Some(SweepPoint {
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
