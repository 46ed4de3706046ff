//! Accuracy by ticket and check, one panel a sparsity.

use super::axis::{Scale, range, ticks};
use super::canvas::{
    Anchor, BAND, COLOURS, Canvas, GREY, INK, RULE, SHAPES, SMALL, Shape, TEXT, TINY, WIDTH, draw,
    width,
};
use super::legend::{Key, Legend, bar};
use super::{Figure, footer};
use crate::Error;
use crate::cells::{Cell, DENSE, Grid, MeanSd, metrics};
use crate::digest::of_inputs;
use crate::stats::mean;
use crate::table::spell;
use jackpot_study::Named;
use plotters::prelude::RGBColor;

const ROW: i32 = 54;
/// Markers and bars stand above a row's middle, single seeds below it.
const RISE: i32 = 7;
const DROP: i32 = 13;
/// The dense network is on the scale unless it leaves the tickets less than this share of it.
const ROOM: f64 = 0.6;
const BLOCK_GAP: i32 = 20;
const TITLE: i32 = 64;
const AXIS: i32 = 110;
const COLUMNS: usize = 2;
const RIGHT: i32 = 22;
const BETWEEN: i32 = 44;
const DASH: (i32, i32) = (16, 10);

/// One sparsity's panel.
struct Panel<'g, 'a> {
    sparsity: &'a str,
    scale: Scale,
    top: i32,
    /// Whether the ticket's titles stand to its left.
    first: bool,
    blocks: &'g [Block<'g, 'a>],
}

/// One ticket and the checks that any sparsity has of it; none is the unmodified ticket.
struct Block<'g, 'a> {
    ticket: &'a Named,
    checks: Vec<Option<&'a Named>>,
    grid: &'g Grid<'a>,
}

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = of_inputs(metrics(&grid.cells));
    let blocks = blocks(grid);
    let dense = dense(grid);
    let legend = legend(grid, dense);
    let widest = blocks.iter().map(|b| width(&b.ticket.title, TEXT)).max();
    let left = widest.unwrap_or_default().min(WIDTH / 3) + 40;
    let rows: usize = blocks.iter().map(|b| b.checks.len()).sum();
    let body = rows as i32 * ROW + blocks.len() as i32 * BLOCK_GAP;
    let sparsities = grid.sparsities();
    let columns = sparsities.len().clamp(1, COLUMNS);
    let panel = (WIDTH - left - RIGHT - (columns as i32 - 1) * BETWEEN) / columns as i32;
    let lines = sparsities.len().div_ceil(columns) as i32;
    let height = 20 + legend.height() + lines * (TITLE + body + AXIS) + 56;
    let drawing = draw("accuracy", height, |canvas| {
        legend.draw(canvas, 12)?;
        for (i, sparsity) in sparsities.iter().enumerate() {
            let from = left + (i % columns) as i32 * (panel + BETWEEN);
            let (low, high) = extent(grid, sparsity, dense);
            let panel = Panel {
                sparsity,
                scale: Scale {
                    low,
                    high,
                    from,
                    to: from + panel,
                },
                top: 20 + legend.height() + (i / columns) as i32 * (TITLE + body + AXIS) + TITLE,
                first: i % columns == 0,
                blocks: &blocks,
            };
            panel.draw(canvas, grid, dense, body)?;
        }
        canvas.text(
            &footer(grid, inputs),
            (16, height - 30),
            TINY,
            GREY,
            Anchor::Left,
        )
    })?;
    Ok(Figure {
        name: "accuracy",
        title: "Test accuracy by ticket and check",
        caption: "Test accuracy after the last epoch: mean and standard deviation over seeds, single \
                  seeds as dots. Panels have their own scales. A hollow marker repeats the unmodified \
                  ticket where the check cannot change it; it was not measured."
            .into(),
        inputs,
        drawing,
    })
}

fn blocks<'g, 'a>(grid: &'g Grid<'a>) -> Vec<Block<'g, 'a>> {
    let sparse = |c: &&Cell<'a>| c.sparsity != DENSE;
    let tickets = grid.outline.tickets.iter().filter_map(|ticket| {
        let own: Vec<_> = grid
            .cells
            .iter()
            .filter(sparse)
            .filter(|c| c.ticket == ticket)
            .collect();
        let all = std::iter::once(None).chain(grid.outline.checks.iter().map(Some));
        let checks: Vec<_> = all
            .filter(|check| own.iter().any(|c| c.check == *check))
            .collect();
        (!checks.is_empty()).then_some(Block {
            ticket,
            checks,
            grid,
        })
    });
    tickets.collect()
}

/// The dense network's mean accuracy.
fn dense(grid: &Grid<'_>) -> Option<f64> {
    let cells = grid.at(DENSE).filter(|c| c.check.is_none());
    let runs: Vec<f64> = cells
        .flat_map(Cell::trained)
        .map(|(_, t)| t.accuracy)
        .collect();
    mean(&runs)
}

/// From the lowest to the highest seed and error bar. Cells with collapsed runs are left out, and
/// so is the dense network where it is far off: they would press all others into one line.
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
    let (low, high) = range(values.iter().copied());
    let (wide_low, wide_high) = range(values.iter().copied().chain(dense));
    match (high - low) / (wide_high - wide_low) >= ROOM || values.is_empty() {
        true => (wide_low, wide_high),
        false => (low, high),
    }
}

/// The place of a check among the colours and shapes.
fn look(grid: &Grid<'_>, check: Option<&Named>) -> (Shape, RGBColor) {
    let of = |c: &Named| grid.outline.checks.iter().position(|x| x == c);
    let place = check.and_then(of).map_or(0, |i| i + 1);
    (SHAPES[place % SHAPES.len()], COLOURS[place % COLOURS.len()])
}

fn legend(grid: &Grid<'_>, dense: Option<f64>) -> Legend {
    let mut entries = Vec::new();
    for check in std::iter::once(None).chain(grid.outline.checks.iter().map(Some)) {
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
    let is_identical = |c: &Cell<'_>| c.sparsity != DENSE && grid.identical(c);
    if grid.cells.iter().any(is_identical) {
        let key = Key::Marker {
            shape: Shape::Circle,
            colour: GREY,
            hollow: true,
        };
        entries.push((key, "identical by construction".into()));
    }
    if let Some(dense) = dense {
        let key = Key::Line {
            colour: INK,
            dash: Some(DASH),
            shape: None,
        };
        entries.push((key, format!("dense, {} %", spell::number(dense, 1))));
    }
    entries.push((Key::Bar { colour: GREY }, "± 1 sd".into()));
    entries.push((Key::Dots { colour: GREY }, "single seeds".into()));
    Legend::new(entries)
}

/// A colour half way to white.
fn pale(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let half = |c: u8| (u16::from(c) * 6 / 10 + 102) as u8;
    RGBColor(half(r), half(g), half(b))
}

impl Panel<'_, '_> {
    fn draw(
        &self,
        canvas: &Canvas<'_>,
        grid: &Grid<'_>,
        dense: Option<f64>,
        body: i32,
    ) -> Result<(), String> {
        let Scale {
            low,
            high,
            from,
            to,
            ..
        } = self.scale;
        let bottom = self.top + body;
        self.bands(canvas)?;
        let heading = spell::sparsity(self.sparsity);
        canvas.heading(&heading, (from, self.top - 34), TEXT, Anchor::Left)?;
        let (ticks, decimals) = ticks(low, high, 5);
        for tick in ticks {
            let x = self.scale.at(tick);
            canvas.line(&[(x, self.top), (x, bottom)], RULE, 2, None)?;
            canvas.line(&[(x, bottom), (x, bottom + 10)], INK, 2, None)?;
            let label = spell::number(tick, decimals);
            canvas.text(&label, (x, bottom + 32), SMALL, INK, Anchor::Centre)?;
        }
        canvas.line(&[(from, bottom), (to, bottom)], INK, 3, None)?;
        let label = "test accuracy, %";
        canvas.text(
            label,
            ((from + to) / 2, bottom + 76),
            TEXT,
            INK,
            Anchor::Centre,
        )?;
        match dense {
            Some(dense) if self.scale.holds(dense) => {
                let x = self.scale.at(dense);
                canvas.line(&[(x, self.top), (x, bottom)], INK, 4, Some(DASH))?;
            }
            Some(dense) => {
                let arrow = if dense > high { "→" } else { "←" };
                let words = format!("dense {} {arrow}", spell::number(dense, 1));
                canvas.text(&words, (to, self.top - 32), SMALL, INK, Anchor::Right)?;
            }
            None => {}
        }
        let mut y = self.top;
        for block in self.blocks {
            for (i, check) in block.checks.iter().enumerate() {
                let row = y + BLOCK_GAP / 2 + ROW / 2 + i as i32 * ROW;
                let name = check.map_or(crate::cells::UNMODIFIED, |c| c.name.as_str());
                if let Some(cell) = grid.cell(self.sparsity, &block.ticket.name, name) {
                    self.cell(canvas, block.grid, cell, row)?;
                }
            }
            y += block.height();
        }
        Ok(())
    }

    /// Every other ticket on a grey band, with its title before the first panel of a row.
    fn bands(&self, canvas: &Canvas<'_>) -> Result<(), String> {
        let mut y = self.top;
        for (i, block) in self.blocks.iter().enumerate() {
            let next = y + block.height();
            if i % 2 == 0 {
                let start = if self.first { 0 } else { self.scale.from };
                canvas.rectangle((start, y), (self.scale.to, next), BAND)?;
            }
            if self.first {
                let at = (self.scale.from - 20, (y + next) / 2);
                canvas.text(&block.ticket.title, at, TEXT, INK, Anchor::Right)?;
            }
            y = next;
        }
        Ok(())
    }

    fn cell(
        &self,
        canvas: &Canvas<'_>,
        grid: &Grid<'_>,
        cell: &Cell<'_>,
        row: i32,
    ) -> Result<(), String> {
        let (shape, colour) = look(grid, cell.check);
        let y = row - RISE;
        if grid.identical(cell) {
            let unmodified = grid.unmodified(cell).and_then(|c| grid.summary(c).accuracy);
            return match unmodified {
                Some(MeanSd { mean, .. }) if self.scale.holds(mean) => {
                    canvas.marker(shape, (self.scale.at(mean), y), colour, true)
                }
                _ => self.words(canvas, "identical", self.scale.from + 12, y),
            };
        }
        let summary = grid.summary(cell);
        let Some(MeanSd { mean, sd }) = summary.accuracy else {
            let why = if summary.failed > 0 {
                "failed"
            } else {
                "missing"
            };
            let words = format!(
                "{why}, {} of {}",
                summary.failed.max(summary.missing),
                summary.asked
            );
            return self.words(canvas, &words, self.scale.from + 12, y);
        };
        let mut note = Vec::new();
        if let Some(collapsed @ 1..) = summary.collapsed {
            note.push(format!("{collapsed} of {} collapsed", summary.n));
        }
        if summary.n < summary.asked {
            note.push(format!("n = {} of {}", summary.n, summary.asked));
        }
        let mut ends = (
            self.scale.at(self.scale.clip(mean)),
            self.scale.at(self.scale.clip(mean)),
        );
        if self.scale.holds(mean) {
            if let Some(sd) = sd {
                ends = (
                    self.scale.at(self.scale.clip(mean - sd)),
                    self.scale.at(self.scale.clip(mean + sd)),
                );
                bar(canvas, ends, y, colour)?;
            }
        } else {
            note.insert(0, format!("mean {}", spell::number(mean, 1)));
        }
        for (_, trained) in cell.trained().filter(|(_, t)| self.scale.holds(t.accuracy)) {
            let x = self.scale.at(trained.accuracy);
            ends = (ends.0.min(x), ends.1.max(x));
            canvas.dot((x, row + DROP), 6, pale(colour))?;
        }
        if self.scale.holds(mean) {
            canvas.marker(shape, (self.scale.at(mean), y), colour, false)?;
        } else {
            self.beyond(canvas, mean < self.scale.low, y, colour)?;
        }
        self.note(canvas, &note.join(", "), ends, y)
    }

    /// An arrow at the edge that the mean lies behind.
    fn beyond(
        &self,
        canvas: &Canvas<'_>,
        left: bool,
        y: i32,
        colour: RGBColor,
    ) -> Result<(), String> {
        let (edge, way) = if left {
            (self.scale.from, 1)
        } else {
            (self.scale.to, -1)
        };
        let tip = edge + way * 4;
        let back = tip + way * 18;
        canvas.line(&[(back, y - 12), (tip, y), (back, y + 12)], colour, 5, None)?;
        canvas.line(&[(tip, y), (tip + way * 34, y)], colour, 5, None)
    }

    /// A note beside a cell, on the side that has the room.
    fn note(
        &self,
        canvas: &Canvas<'_>,
        note: &str,
        ends: (i32, i32),
        y: i32,
    ) -> Result<(), String> {
        if note.is_empty() {
            return Ok(());
        }
        let needs = width(note, TINY) + 60;
        if ends.1 + needs <= self.scale.to {
            self.words(canvas, note, ends.1 + 44, y)
        } else {
            let x = (ends.0 - needs + 16).max(self.scale.from + 50);
            self.words(canvas, note, x, y)
        }
    }

    fn words(&self, canvas: &Canvas<'_>, words: &str, x: i32, y: i32) -> Result<(), String> {
        canvas.text(words, (x, y), TINY, GREY, Anchor::Left)
    }
}

impl Block<'_, '_> {
    fn height(&self) -> i32 {
        self.checks.len() as i32 * ROW + BLOCK_GAP
    }
}
