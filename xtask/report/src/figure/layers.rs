//! The kept share of each layer by method, one panel a sparsity, on a logarithmic scale that
//! has a place for an empty layer below its lowest decade.

use super::canvas::{
    Anchor, COLOURS, Canvas, Dash, GREY, INK, RULE, SHAPES, SMALL, Shape, TEXT, TINY, WIDTH, draw,
    width,
};
use super::legend::{Key, Legend};
use super::{Figure, footer};
use crate::Error;
use crate::cells::Grid;
use crate::digest::of_inputs;
use crate::kept::{self, Kept, KeptBy};
use crate::table::spell;
use jackpot_study::Named;
use plotters::prelude::RGBColor;

const PANEL: i32 = 430;
const TITLE: i32 = 70;
const GAP: i32 = 40;
const LEFT: i32 = 190;
const RIGHT: i32 = 24;
/// The height of the place for an empty layer.
const ZERO: i32 = 56;
/// More layers than this, and not every one is named.
const NAMED: usize = 24;
/// More layers than this, and not every one has a marker on every line.
const MARKED: usize = 18;
/// Dashes that differ at the width of a line, solid first.
const DASHES: [Dash; 5] = [
    None,
    Some((26, 12)),
    Some((8, 10)),
    Some((44, 14)),
    Some((16, 22)),
];

/// A logarithmic scale from 10^`lowest` to 100 %, going up; 0 has its own place.
struct LogScale {
    lowest: i32,
    top: i32,
    bottom: i32,
}

impl LogScale {
    fn at(&self, percent: f64) -> i32 {
        if percent <= 0.0 {
            return self.bottom + ZERO;
        }
        let share = (2.0 - percent.log10()) / f64::from(2 - self.lowest);
        self.top + (share * f64::from(self.bottom - self.top)).round() as i32
    }
}

/// What all panels share.
struct Layout {
    /// The scale goes down to 10 to this power, in percent.
    lowest: i32,
    /// The height of the place for empty layers; 0 where there are none.
    zero: i32,
    /// The height of the layers' names.
    names: i32,
    /// The top of the first panel, and the distance between panels.
    top: i32,
    panel: i32,
}

impl Layout {
    fn new(all: &[Kept<'_>], legend: &Legend) -> Layout {
        let tickets = || all.iter().flat_map(|k| &k.tickets);
        let shares = || tickets().flat_map(|t| &t.shares).map(|s| s.0);
        let least = shares().filter(|s| *s > 0.0).fold(10.0, f64::min);
        let empty = shares().any(|s| s <= 0.0);
        let zero = if empty { ZERO + 24 } else { 0 };
        let names = all.iter().flat_map(|k| &k.layers);
        let widest = names.map(|(name, _)| width(short(name), SMALL)).max();
        Layout {
            lowest: least.log10().floor() as i32,
            zero,
            names: widest.unwrap_or_default() + 30,
            top: 20 + legend.height() + TITLE,
            panel: TITLE + PANEL + zero + GAP,
        }
    }

    fn scale(&self, panel: usize) -> LogScale {
        let top = self.top + panel as i32 * self.panel;
        LogScale {
            lowest: self.lowest,
            top,
            bottom: top + PANEL,
        }
    }
}

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = of_inputs(kept::masks(grid));
    let all = kept::all(grid)?.into_iter();
    let all: Vec<Kept<'_>> = all.filter(|k| !k.tickets.is_empty()).collect();
    let legend = legend(grid, &all);
    let layout = Layout::new(&all, &legend);
    let height = layout.top - TITLE + all.len() as i32 * layout.panel + layout.names + 100;
    let drawing = draw("layers", height, |canvas| {
        legend.draw(canvas, 12)?;
        for (i, kept) in all.iter().enumerate() {
            let scale = layout.scale(i);
            axes(canvas, kept, &scale, layout.zero > 0)?;
            for by in &kept.tickets {
                line(canvas, grid, by, &scale)?;
            }
        }
        match all.last() {
            None => {
                let at = (WIDTH / 2, 90);
                canvas.text("no mask was made", at, TEXT, GREY, Anchor::Centre)?;
            }
            Some(kept) => {
                let bottom = layout.scale(all.len() - 1).bottom + layout.zero;
                layer_names(canvas, kept, bottom)?;
                let at = ((LEFT + WIDTH - RIGHT) / 2, bottom + layout.names + 24);
                canvas.text("layer, in forward order", at, TEXT, INK, Anchor::Centre)?;
            }
        }
        let at = (16, height - 30);
        canvas.text(&footer(grid, inputs), at, TINY, GREY, Anchor::Left)
    })?;
    Ok(Figure {
        name: "layers",
        title: "Kept share of each layer by method",
        caption: "Share of each layer's weights that the unmodified ticket keeps, the mean over \
                  seeds, layers in forward order, logarithmic scale; a layer that is left empty \
                  stands below the scale at 0."
            .into(),
        inputs,
        drawing,
    })
}

/// The tickets that have masks, in the study's order: a ticket looks the same in every panel.
fn sparse<'a>(grid: &Grid<'a>) -> Vec<&'a Named> {
    let has = |t: &&Named| kept::shown(grid).any(|c| c.ticket == *t);
    grid.outline.tickets.iter().filter(has).collect()
}

fn look(grid: &Grid<'_>, ticket: &Named) -> (Shape, RGBColor, Dash) {
    let place = sparse(grid)
        .iter()
        .position(|t| *t == ticket)
        .unwrap_or_default();
    let shape = SHAPES[place % SHAPES.len()];
    (
        shape,
        COLOURS[place % COLOURS.len()],
        DASHES[place % DASHES.len()],
    )
}

fn legend(grid: &Grid<'_>, all: &[Kept<'_>]) -> Legend {
    let has = |t: &Named| {
        all.iter()
            .any(|k| k.tickets.iter().any(|by| by.ticket == t))
    };
    let tickets = grid.outline.tickets.iter().filter(|t| has(t));
    let entries = tickets.map(|ticket| {
        let (shape, colour, dash) = look(grid, ticket);
        (
            Key::Line {
                colour,
                dash,
                shape: Some(shape),
            },
            ticket.title.clone(),
        )
    });
    Legend::new(entries.collect())
}

/// The middle of layer `i` of `n`.
fn place(i: usize, n: usize) -> i32 {
    let step = f64::from(WIDTH - RIGHT - LEFT) / n as f64;
    LEFT + ((i as f64 + 0.5) * step).round() as i32
}

fn axes(canvas: &Canvas<'_>, kept: &Kept<'_>, scale: &LogScale, zero: bool) -> Result<(), String> {
    let right = WIDTH - RIGHT;
    let heading = spell::sparsity(kept.sparsity);
    canvas.heading(&heading, (LEFT, scale.top - 36), TEXT, Anchor::Left)?;
    for decade in scale.lowest..=2 {
        let value = 10f64.powi(decade);
        let y = scale.at(value);
        canvas.line(&[(LEFT, y), (right, y)], RULE, 2, None)?;
        canvas.line(&[(LEFT - 10, y), (LEFT, y)], INK, 2, None)?;
        let label = spell::number(value, (-decade).max(0) as usize);
        canvas.text(&label, (LEFT - 18, y), SMALL, INK, Anchor::Right)?;
        for minor in (2..10).filter(|_| decade < 2) {
            let y = scale.at(value * f64::from(minor));
            canvas.line(&[(LEFT - 5, y), (LEFT, y)], INK, 2, None)?;
        }
    }
    canvas.line(&[(LEFT, scale.top), (LEFT, scale.bottom)], INK, 3, None)?;
    let mut bottom = scale.bottom;
    if zero {
        // Two strokes across the axis say that the scale is broken here.
        for y in [scale.bottom + 16, scale.bottom + 28] {
            canvas.line(&[(LEFT - 12, y + 6), (LEFT + 12, y - 6)], INK, 3, None)?;
        }
        let y = scale.at(0.0);
        canvas.line(&[(LEFT, y), (right, y)], RULE, 2, None)?;
        canvas.text("0", (LEFT - 18, y), SMALL, INK, Anchor::Right)?;
        bottom = y + 24;
        canvas.line(&[(LEFT, y - 18), (LEFT, bottom)], INK, 3, None)?;
    }
    canvas.line(&[(LEFT, bottom), (right, bottom)], INK, 3, None)?;
    for i in 0..kept.layers.len() {
        let x = place(i, kept.layers.len());
        canvas.line(&[(x, bottom), (x, bottom + 8)], INK, 2, None)?;
    }
    let middle = (scale.top + scale.bottom) / 2;
    canvas.upwards("kept weights, %", (40, middle), TEXT, INK, Anchor::Centre)
}

fn line(
    canvas: &Canvas<'_>,
    grid: &Grid<'_>,
    by: &KeptBy<'_>,
    scale: &LogScale,
) -> Result<(), String> {
    let (shape, colour, dash) = look(grid, by.ticket);
    let n = by.shares.len();
    let aside = aside(grid, by.ticket, n);
    let shares = by.shares.iter().enumerate();
    let points: Vec<_> = shares
        .map(|(i, s)| (place(i, n) + aside, scale.at(s.0)))
        .collect();
    canvas.line(&points, colour, 5, dash)?;
    // Where layers stand close, each line has a marker now and then, and wherever it is at 0.
    let every = n.div_ceil(MARKED).max(1);
    let from = sparse(grid).iter().position(|t| *t == by.ticket);
    let from = from.unwrap_or_default() % every;
    for (i, point) in points.iter().enumerate() {
        if i % every == from || by.shares[i].0 <= 0.0 {
            canvas.marker(shape, *point, colour, false)?;
        }
    }
    Ok(())
}

/// How far aside a ticket's points stand, so that equal shares do not cover each other.
fn aside(grid: &Grid<'_>, ticket: &Named, layers: usize) -> i32 {
    let tickets = sparse(grid);
    let between = ((WIDTH - RIGHT - LEFT) / layers as i32 / (tickets.len() as i32 + 3)).min(12);
    let place = tickets
        .iter()
        .position(|t| *t == ticket)
        .unwrap_or_default() as i32;
    between * (2 * place - tickets.len() as i32 + 1) / 2
}

/// A parameter's name without what all prunable parameters end with.
fn short(name: &str) -> &str {
    name.strip_suffix(".weight").unwrap_or(name)
}

fn layer_names(canvas: &Canvas<'_>, kept: &Kept<'_>, bottom: i32) -> Result<(), String> {
    let n = kept.layers.len();
    let every = n.div_ceil(NAMED).max(1);
    for (i, (name, _)) in kept
        .layers
        .iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0)
    {
        canvas.upwards(
            short(name),
            (place(i, n), bottom + 20),
            SMALL,
            INK,
            Anchor::Right,
        )?;
    }
    Ok(())
}
