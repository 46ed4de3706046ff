//! Figure `before-after`: accuracy after pruning and after retraining, over sparsities.

use super::Figure;
use super::lines::{dense, over_sparsities, point};
use crate::Error;
use crate::figures::drawing::chart::{Axis, COMPRESSION, Chart, Line, Panel, Point};
use crate::model::cells::{Cell, UNMODIFIED};
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let mut used = Vec::new();
    let panels = members(grid, TicketGroup::Sparse)
        .into_iter()
        .map(|ticket| {
            let cells = over_sparsities(grid, ticket, UNMODIFIED);
            let cells: Vec<&Cell<'_>> = (cells.into_iter())
                .filter(|c| c.before().next().is_some())
                .collect();
            used.extend(cells.iter().copied());
            let drawn = |series, of: fn(&Grid<'_>, &Cell<'_>, f64) -> Option<Point>| {
                let place = |c: &&Cell<'_>| of(grid, c, c.sparsity.parse().ok()?);
                let mut points: Vec<Point> = cells.iter().filter_map(place).collect();
                points.sort_by(|a, b| a.x.total_cmp(&b.x));
                (!points.is_empty()).then_some(Line { series, points })
            };
            let lines = [drawn(0, before), drawn(1, point)];
            Panel {
                title: ticket.title.clone(),
                lines: lines.into_iter().flatten().collect(),
            }
        });
    let panels: Vec<Panel> = panels.filter(|p| !p.lines.is_empty()).collect();
    let used = used.iter().flat_map(|c| c.before());
    let inputs = inputs_of(used.flat_map(|(t, b)| [t.metrics, b.metrics]));
    let chart = Chart {
        name: "before-after",
        axis: Axis::Compression,
        x_label: COMPRESSION.into(),
        y_label: "test accuracy, %",
        series: vec![
            "right after pruning".into(),
            "after the ticket's training".into(),
        ],
        panels,
        level: dense(grid),
        side_by_side: false,
        inset: false,
        inputs: inputs.clone(),
        study: grid.outline.name.clone(),
    };
    let seeds = match grid.outline.seeds.len() {
        1 => "of one seed",
        _ => "mean and one standard deviation over seeds",
    };
    Ok(Figure {
        name: chart.name,
        title: "Accuracy after pruning and after retraining",
        caption: format!(
            "Test accuracy of unmodified tickets whose mask was cut from trained weights: the \
             pruned network as it is, and after the ticket's own training; {seeds}. Runs that \
             collapsed in that training are left out of its mean. Panels have their own scales."
        ),
        inputs,
        points: Some(chart.points()?),
        drawing: chart.draw()?,
    })
}

/// The mean over the pruned networks of a cell before retraining. Networks at chance are not left
/// out.
fn before(_: &Grid<'_>, cell: &Cell<'_>, x: f64) -> Option<Point> {
    let values: Vec<f64> = cell.before().map(|(_, b)| b.accuracy).collect();
    let all = MeanSd::of(&values)?;
    Some(Point {
        x,
        mean: Some(all.mean),
        sd: all.sd,
        n: values.len(),
        collapsed: 0,
    })
}
