//! The figures that are line charts: the cells that form the lines of each panel.

use super::Figure;
use crate::Error;
use crate::figures::drawing::chart::{Axis, COMPRESSION, Chart, Line, Panel, Point};
use crate::model::cells::{Cell, UNMODIFIED, metrics};
use crate::model::format;
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use crate::model::sweep::{Grids, SweepPoint, axes, sweep_points};
use jackpot_results::Named;
use jackpot_stats::mean;

/// From this ratio of the highest to the lowest value on, an axis is logarithmic.
const DECADES: f64 = 20.0;

/// Tickets under checks: one panel for each ticket, one line for each check.
pub(super) fn checks(grid: &Grid<'_>, group: TicketGroup) -> Result<Figure, Error> {
    let tickets = members(grid, group);
    let mut series = vec!["unmodified".to_owned()];
    series.extend(grid.outline.checks.iter().map(|c| c.title.clone()));
    let mut used = Vec::new();
    let panels = tickets.iter().map(|ticket| {
        let names = std::iter::once(UNMODIFIED).chain(names(&grid.outline.checks));
        let lines = names.enumerate().filter_map(|(i, check)| {
            let cells = over_sparsities(grid, ticket, check);
            used.extend(cells.iter().copied());
            line(grid, i, &cells)
        });
        Panel {
            title: ticket.title.clone(),
            lines: lines.collect(),
        }
    });
    let panels: Vec<Panel> = panels.filter(|p| p.lines.len() > 1).collect();
    let inputs = inputs_of(metrics(used));
    let (name, title) = match group {
        TicketGroup::PartiallyTrained => (
            "partially-trained",
            "Partially-trained tickets under checks",
        ),
        _ => ("initial", "Initial tickets under checks"),
    };
    let chart = Chart {
        name,
        axis: Axis::Compression,
        x_label: COMPRESSION.into(),
        y_label: "test accuracy, %",
        series,
        panels,
        level: dense(grid),
        side_by_side: false,
        inset: true,
        inputs,
        study: grid.outline.name.clone(),
    };
    figure(
        grid,
        chart,
        title,
        "one panel a ticket, one line a check that can change it",
    )
}

/// Unmodified tickets in one panel.
pub(super) fn tickets(grid: &Grid<'_>, group: TicketGroup) -> Result<Figure, Error> {
    let tickets = members(grid, group);
    let mut used = Vec::new();
    let lines = tickets.iter().enumerate().filter_map(|(i, ticket)| {
        let cells = over_sparsities(grid, ticket, UNMODIFIED);
        used.extend(cells.iter().copied());
        line(grid, i, &cells)
    });
    let lines: Vec<Line> = lines.collect();
    let inputs = inputs_of(metrics(used));
    let (name, title) = match group {
        TicketGroup::Hybrid => ("hybrid", "Hybrid tickets against what they are made of"),
        TicketGroup::Random => ("ablation", "Random tickets by their allocation"),
        _ => ("tickets", "Random tickets against all other tickets"),
    };
    let chart = Chart {
        name,
        axis: Axis::Compression,
        x_label: COMPRESSION.into(),
        y_label: "test accuracy, %",
        series: tickets.iter().map(|t| t.title.clone()).collect(),
        panels: if lines.is_empty() {
            Vec::new()
        } else {
            vec![Panel {
                title: String::new(),
                lines,
            }]
        },
        level: dense(grid),
        side_by_side: false,
        inset: true,
        inputs,
        study: grid.outline.name.clone(),
    };
    figure(grid, chart, title, "unmodified tickets")
}

/// Accuracy against the epochs of all trainings that a ticket needs, with one panel for each
/// sparsity.
pub(super) fn epochs(grid: &Grid<'_>) -> Result<Figure, Error> {
    // Without the dense network, so that a ticket has the same colour as in other figures.
    let tickets = members(grid, TicketGroup::Sparse);
    let panels = grid.sparsities().into_iter().map(|sparsity| {
        let lines = tickets.iter().enumerate().filter_map(|(i, ticket)| {
            let cell = grid.cell(sparsity, &ticket.name, UNMODIFIED)?;
            let points = vec![point(grid, cell, cell.total_epochs()?)?];
            Some(Line { series: i, points })
        });
        Panel {
            title: format::sparsity(sparsity),
            lines: lines.collect(),
        }
    });
    let panels: Vec<Panel> = panels.filter(|p| !p.lines.is_empty()).collect();
    let sparse = grid.cells.iter().filter(|c| c.check.is_none());
    let inputs = inputs_of(metrics(sparse));
    let chart = Chart {
        name: "epochs",
        axis: Axis::Logarithmic,
        x_label: "epochs of all trainings that the ticket needs (logarithmic)".into(),
        y_label: "test accuracy, %",
        series: tickets.iter().map(|t| t.title.clone()).collect(),
        panels,
        level: dense(grid),
        side_by_side: true,
        inset: false,
        inputs,
        study: grid.outline.name.clone(),
    };
    let title = "Accuracy against the epochs that it cost";
    figure(
        grid,
        chart,
        title,
        "unmodified tickets; rounds of pruning count every round's training",
    )
}

/// Accuracy along the first number that the study varies, with one panel for each sparsity.
pub(super) fn sweeps(grids: Grids<'_, '_>) -> Result<Figure, Error> {
    let all = sweep_points(grids);
    let axis = axes(&all).first().copied().unwrap_or_default();
    let here: Vec<&SweepPoint<'_, '_>> = all.iter().filter(|s| s.axis == axis).collect();
    let mut series: Vec<String> = Vec::new();
    for swept in &here {
        if !series.contains(&swept.line) {
            series.push(swept.line.clone());
        }
    }
    let panels = grids.sparsities().into_iter().map(|sparsity| {
        let lines = series.iter().enumerate().filter_map(|(i, name)| {
            let own = here.iter().filter(|s| s.line == *name);
            let own = own.filter(|s| s.cell.sparsity == sparsity);
            let mut points: Vec<Point> = own.filter_map(|s| point(s.grid, s.cell, s.at)).collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            (!points.is_empty()).then_some(Line { series: i, points })
        });
        Panel {
            title: format::sparsity(sparsity),
            lines: lines.collect(),
        }
    });
    let panels = panels.filter(|p| !p.lines.is_empty()).collect();
    let (low, high) = here.iter().fold((f64::INFINITY, 0.0f64), |(low, high), s| {
        (low.min(s.at), high.max(s.at))
    });
    let chart = Chart {
        name: "sweeps",
        axis: if low > 0.0 && high / low >= DECADES {
            Axis::Logarithmic
        } else {
            Axis::Linear
        },
        x_label: axis.to_owned(),
        y_label: "test accuracy, %",
        series,
        panels,
        // Every setting has its own dense network.
        level: dense(grids.first).filter(|_| !grids.several_settings),
        side_by_side: false,
        inset: false,
        inputs: inputs_of(metrics(here.iter().map(|s| s.cell))),
        study: grids.first.outline.name.clone(),
    };
    let title = "Accuracy along a number that the study varies";
    figure(
        grids.first,
        chart,
        title,
        "one line for all that differs in nothing but that number",
    )
}

fn names(all: &[Named]) -> impl Iterator<Item = &str> {
    all.iter().map(|n| n.name.as_str())
}

/// The cells of a ticket under one check, without those that the check cannot change.
pub(super) fn over_sparsities<'g, 'a>(
    grid: &'g Grid<'a>,
    ticket: &Named,
    check: &str,
) -> Vec<&'g Cell<'a>> {
    let at = |sparsity| grid.cell(sparsity, &ticket.name, check);
    let cells = grid.sparsities().into_iter().filter_map(at);
    cells.filter(|c| !grid.identical(c)).collect()
}

fn line(grid: &Grid<'_>, series: usize, cells: &[&Cell<'_>]) -> Option<Line> {
    let place = |cell: &Cell<'_>| point(grid, cell, cell.sparsity.parse().ok()?);
    let mut points: Vec<Point> = cells.iter().filter_map(|c| place(c)).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    (!points.is_empty()).then_some(Line { series, points })
}

/// The point of a cell, or `None` if none of its runs finished or was known to collapse.
pub(super) fn point(grid: &Grid<'_>, cell: &Cell<'_>, x: f64) -> Option<Point> {
    let alive: Vec<f64> = (cell.trained())
        .filter(|(_, t)| grid.learned(t))
        .map(|(_, t)| t.accuracy)
        .collect();
    let summary = grid.summary(cell);
    let collapsed = summary.collapsed.unwrap_or(0) + summary.skipped;
    let all = MeanSd::of(&alive);
    (all.is_some() || collapsed > 0).then(|| Point {
        x,
        mean: all.map(|m| m.mean),
        sd: all.and_then(|m| m.sd),
        n: alive.len(),
        collapsed,
    })
}

/// The mean accuracy of the dense network, and its text in a legend.
pub(super) fn dense(grid: &Grid<'_>) -> Option<(f64, String)> {
    let cells = grid.at(DENSE).filter(|c| c.check.is_none());
    let runs: Vec<f64> = cells
        .flat_map(Cell::trained)
        .map(|(_, t)| t.accuracy)
        .collect();
    let dense = mean(&runs)?;
    Some((dense, format!("dense, {} %", format::number(dense, 1))))
}

/// A chart as a figure with the file of its points.
pub(super) fn figure(
    grid: &Grid<'_>,
    chart: Chart,
    title: &'static str,
    what: &str,
) -> Result<Figure, Error> {
    let drawing = chart.draw()?;
    let collapsed = match grid.chance {
        Some(_) => {
            " Runs that collapsed are left out of the means; a hollow marker at the foot of a \
                    panel says that all of them did."
        }
        None => "",
    };
    let seeds = match grid.outline.seeds.len() {
        1 => "of one seed",
        _ => "mean and one standard deviation over seeds",
    };
    Ok(Figure {
        name: chart.name,
        title,
        caption: format!(
            "Test accuracy after the last epoch, {seeds}: {what}.\
             {collapsed} Panels have their own scales."
        ),
        inputs: chart.inputs.clone(),
        points: Some(chart.points()?),
        drawing,
    })
}
