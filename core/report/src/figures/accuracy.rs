//! Figure `accuracy`: accuracy by ticket and check, with one panel for each sparsity.

use super::lines::dense;
use crate::Error;
use crate::figures::Figure;
use crate::figures::drawing::axis::{Scale, range};
use crate::figures::drawing::canvas::{
    Anchor, Canvas, FINE, GREY, INK, Shape, TEXT, WIDTH, draw, width,
};
use crate::figures::drawing::footer;
use crate::figures::drawing::label::{Name, labels};
use crate::figures::drawing::legend::{Key, Legend};
use crate::figures::drawing::panel::{self, AXIS, Block, DASH, Panel, TITLE, look};
use crate::model::cells::{Cell, metrics};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::model::mean_sd::MeanSd;
use jackpot_results::Named;

const COLUMNS: usize = 2;
const RIGHT: i32 = 34;
const BETWEEN: i32 = 64;
/// The dense network is on the scale unless the tickets would then have less than this share of it.
const ROOM: f64 = 0.6;

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = inputs_of(metrics(&grid.cells));
    let blocks = blocks(grid);
    let level = dense(grid);
    let dense = level.as_ref().map(|(mean, _)| *mean);
    let sparsities = grid.sparsities();
    let extents: Vec<_> = sparsities.iter().map(|s| extent(grid, s, dense)).collect();
    let legend = legend(grid, level);
    let widest = blocks.iter().map(|b| width(&b.ticket.title, TEXT)).max();
    let left = widest.unwrap_or_default().min(WIDTH / 4) + 40;
    let names: Vec<Name> = (blocks.iter()).map(|b| Name::of(b.ticket)).collect();
    let labels = labels(&names, TEXT, left - 36, |i| blocks[i].lines());
    let body = blocks.iter().map(Block::height).sum::<i32>();
    let columns = sparsities.len().clamp(1, COLUMNS);
    let across = (WIDTH - left - RIGHT - (columns as i32 - 1) * BETWEEN) / columns as i32;
    let down = TITLE + body + AXIS;
    let lines = sparsities.len().div_ceil(columns) as i32;
    let height = 20 + legend.height() + lines * down + 56;
    let panels = sparsities.iter().zip(extents).enumerate();
    let panels = panels.map(|(i, (sparsity, (low, high)))| {
        let from = left + (i % columns) as i32 * (across + BETWEEN);
        let to = from + across;
        Panel {
            grid,
            dense,
            sparsity,
            scale: Scale {
                low,
                high,
                from,
                to,
            },
            top: 20 + legend.height() + (i / columns) as i32 * down + TITLE,
            first: i % columns == 0,
            blocks: &blocks,
            labels: &labels,
        }
    });
    let drawing = draw("accuracy", height, |canvas: &Canvas<'_>| {
        legend.draw(canvas, 12)?;
        panels
            .into_iter()
            .try_for_each(|p| panel::draw(&p, canvas))?;
        let at = (16, height - 30);
        canvas.text(
            &footer(&grid.outline.name, &inputs),
            at,
            FINE,
            GREY,
            Anchor::Left,
        )
    })?;
    Ok(Figure {
        name: "accuracy",
        title: "Test accuracy by ticket and check",
        caption: format!(
            "Test accuracy after the last epoch: {}. Panels have their own scales. A hollow marker \
             repeats the unmodified ticket where the check cannot change it; it was not measured.",
            match grid.outline.seeds.len() {
                1 => "of one seed",
                _ => "mean and standard deviation over seeds, single seeds as dots",
            }
        ),
        inputs,
        points: None,
        drawing,
    })
}

fn blocks<'a>(grid: &Grid<'a>) -> Vec<Block<'a>> {
    let tickets = grid.outline.tickets.iter().filter_map(|ticket| {
        let own: Vec<_> = grid.sparse().filter(|c| c.ticket == ticket).collect();
        let all = std::iter::once(None).chain(grid.outline.checks.iter().map(Some));
        let checks: Vec<_> = all
            .filter(|check| own.iter().any(|c| c.check == *check))
            .collect();
        (!checks.is_empty()).then_some(Block { ticket, checks })
    });
    tickets.collect()
}

/// The extent of a panel, from the lowest to the highest seed and error bar. Collapsed runs are
/// left out, and so is the dense network if it is far away, because they would leave no room for
/// the differences between the others.
fn extent(grid: &Grid<'_>, sparsity: &str, dense: Option<f64>) -> (f64, f64) {
    let mut values: Vec<f64> = Vec::new();
    for cell in grid.at(sparsity) {
        let alive = cell.trained().filter(|(_, t)| !grid.collapsed(t));
        values.extend(alive.map(|(_, t)| t.accuracy));
        let summary = grid.summary(cell);
        if let Some(MeanSd { mean, sd: Some(sd) }) = summary.accuracy
            && summary.collapsed.unwrap_or(0) == 0
        {
            values.extend([mean - sd, mean + sd]);
        }
    }
    if values.is_empty() {
        let collapsed = grid.at(sparsity).flat_map(Cell::trained);
        values.extend(collapsed.map(|(_, t)| t.accuracy));
    }
    let (low, high) = range(values.iter().copied());
    let (wide_low, wide_high) = range(values.iter().copied().chain(dense));
    if (high - low) / (wide_high - wide_low) >= ROOM || values.is_empty() {
        (wide_low, wide_high)
    } else {
        (low, high)
    }
}

fn legend(grid: &Grid<'_>, level: Option<(f64, String)>) -> Legend {
    let mut entries = Vec::new();
    let all = std::iter::once(None).chain(grid.outline.checks.iter().map(Some));
    let drawn = |check: &Option<&Named>| grid.sparse().any(|c| c.check == *check);
    for check in all.filter(drawn) {
        let (shape, colour) = look(grid, check);
        let title = check.map_or("Unmodified ticket", |c| c.title.as_str());
        entries.push((
            Key::Marker {
                shape,
                colour,
                hollow: false,
            },
            title.to_owned(),
        ));
    }
    if grid.sparse().any(|c| grid.identical(c)) {
        let key = Key::Marker {
            shape: Shape::Circle,
            colour: GREY,
            hollow: true,
        };
        entries.push((key, "identical by construction".into()));
    }
    if let Some((_, words)) = level {
        let key = Key::Line {
            colour: INK,
            dash: DASH,
            shape: None,
        };
        entries.push((key, words));
    }
    // With one seed there are neither error bars nor single seeds.
    if grid.sparse().any(|c| c.trained().count() > 1) {
        entries.push((Key::Bar { colour: GREY }, "± 1 sd".into()));
        entries.push((Key::Dots { colour: GREY }, "single seeds".into()));
    }
    Legend::new(entries)
}
