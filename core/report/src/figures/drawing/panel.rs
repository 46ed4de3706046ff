//! A panel with the accuracies at one sparsity: tickets as rows, the checks within each, accuracy
//! to the right.

use crate::figures::drawing::axis::{Scale, ticks};
use crate::figures::drawing::canvas::{
    Anchor, BAND, Canvas, Dash, GREY, INK, PAPER, RULE, SMALL, Shape, TEXT, TINY, marker_of, width,
};
use crate::figures::drawing::legend::bar;
use crate::model::cells::{Cell, UNMODIFIED};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::mean_sd::MeanSd;
use jackpot_results::Named;
use plotters::prelude::RGBColor;

const ROW: i32 = 54;
/// The distance between the two lines of a title.
const LINE: i32 = 48;
/// Markers and bars stand above a row's middle, single seeds below it.
const RISE: i32 = 7;
const DROP: i32 = 13;
const BLOCK_GAP: i32 = 20;
/// The free space on both sides of text that stands on a line.
const ROUND: i32 = 8;
/// The distance between a marker and a note if there is little room.
const NEAR: i32 = 22;
/// The heights above and below a panel's body.
pub(crate) const TITLE: i32 = 64;
pub(crate) const AXIS: i32 = 110;
/// The dashes of the dense network's line.
pub(crate) const DASH: Dash = Some((16, 10));

/// One sparsity's panel.
pub(crate) struct Panel<'g, 'a> {
    pub grid: &'g Grid<'a>,
    /// The dense network's mean accuracy.
    pub dense: Option<f64>,
    pub sparsity: &'a str,
    pub scale: Scale,
    pub top: i32,
    /// Whether the titles of the tickets stand to its left.
    pub first: bool,
    pub blocks: &'g [Block<'a>],
    /// The label of each block, in lines.
    pub labels: &'g [Vec<String>],
}

/// One ticket and the checks that it has at any sparsity. `None` is the unmodified ticket.
pub(crate) struct Block<'a> {
    pub ticket: &'a Named,
    pub checks: Vec<Option<&'a Named>>,
}

impl Block<'_> {
    pub fn height(&self) -> i32 {
        self.checks.len() as i32 * ROW + BLOCK_GAP
    }

    /// The number of lines for which its label has room.
    pub fn lines(&self) -> usize {
        (self.height() / LINE).clamp(1, 3) as usize
    }
}

/// The shape and colour of a check.
pub(crate) fn look(grid: &Grid<'_>, check: Option<&Named>) -> (Shape, RGBColor) {
    let of = |c: &Named| grid.outline.checks.iter().position(|x| x == c);
    let place = check.and_then(of).map_or(0, |i| i + 1);
    marker_of(place)
}

/// A colour half way to white.
fn pale(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let half = |c: u8| (u16::from(c) * 6 / 10 + 102) as u8;
    RGBColor(half(r), half(g), half(b))
}

/// Draws a panel.
pub(crate) fn draw(panel: &Panel<'_, '_>, canvas: &Canvas<'_>) -> Result<(), String> {
    let body: i32 = panel.blocks.iter().map(Block::height).sum();
    panel.bands(canvas)?;
    panel.axis(canvas, panel.top + body)?;
    panel.reference(canvas, panel.top + body)?;
    let mut top = panel.top;
    for block in panel.blocks {
        for (i, check) in block.checks.iter().enumerate() {
            let row = top + BLOCK_GAP / 2 + ROW / 2 + i as i32 * ROW;
            let check = check.map_or(UNMODIFIED, |c| c.name.as_str());
            if let Some(cell) = panel.grid.cell(panel.sparsity, &block.ticket.name, check) {
                panel.cell(canvas, cell, row)?;
            }
        }
        top += block.height();
    }
    Ok(())
}

impl Panel<'_, '_> {
    fn axis(&self, canvas: &Canvas<'_>, bottom: i32) -> Result<(), String> {
        let Scale {
            low,
            high,
            from,
            to,
        } = self.scale;
        let heading = format::sparsity(self.sparsity);
        canvas.heading(&heading, (from, self.top - 34), TEXT, Anchor::Left)?;
        let (ticks, decimals) = ticks(low, high, 5);
        for tick in ticks {
            let x = self.scale.at(tick);
            canvas.line(&[(x, self.top), (x, bottom)], RULE, 2, None)?;
            canvas.line(&[(x, bottom), (x, bottom + 10)], INK, 2, None)?;
            let label = format::number(tick, decimals);
            canvas.text(&label, (x, bottom + 32), SMALL, INK, Anchor::Centre)?;
        }
        canvas.line(&[(from, bottom), (to, bottom)], INK, 3, None)?;
        let at = ((from + to) / 2, bottom + 76);
        canvas.text("test accuracy, %", at, TEXT, INK, Anchor::Centre)
    }

    /// Draws the dense network as a line, or as an arrow if it lies outside the scale.
    fn reference(&self, canvas: &Canvas<'_>, bottom: i32) -> Result<(), String> {
        let Some(dense) = self.dense else {
            return Ok(());
        };
        let Scale { from, to, high, .. } = self.scale;
        if self.scale.holds(dense) {
            let x = self.scale.at(dense);
            return canvas.level([(x, self.top), (x, bottom)], DASH);
        }
        if dense > high {
            return canvas.text("dense →", (to, self.top - 32), SMALL, INK, Anchor::Right);
        }
        let heading = width(&format::sparsity(self.sparsity), TEXT);
        let at = (from + heading + 40, self.top - 32);
        canvas.text("← dense", at, SMALL, INK, Anchor::Left)
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
                let lines = &self.labels[i];
                let top = (y + next - LINE * (lines.len() as i32 - 1)) / 2;
                for (line, text) in lines.iter().enumerate() {
                    let at = (self.scale.from - 20, top + LINE * line as i32);
                    canvas.text(text, at, TEXT, INK, Anchor::Right)?;
                }
                canvas.titled(lines, &block.ticket.title);
            }
            y = next;
        }
        Ok(())
    }

    /// The background colour of the row at this height.
    fn paper(&self, y: i32) -> RGBColor {
        let mut bottom = self.top;
        let block = self.blocks.iter().position(|block| {
            bottom += block.height();
            y < bottom
        });
        if block.is_some_and(|i| i % 2 == 0) {
            BAND
        } else {
            PAPER
        }
    }

    fn cell(&self, canvas: &Canvas<'_>, cell: &Cell<'_>, row: i32) -> Result<(), String> {
        let (shape, colour) = look(self.grid, cell.check);
        let y = row - RISE;
        let at_edge = self.scale.from + 12;
        if self.grid.identical(cell) {
            let unmodified = self.grid.unmodified(cell);
            let unmodified = unmodified.and_then(|c| self.grid.summary(c).accuracy);
            return match unmodified {
                Some(MeanSd { mean, .. }) if self.scale.holds(mean) => {
                    canvas.marker(shape, (self.scale.at(mean), y), colour, true)
                }
                _ => self.words(canvas, "identical", at_edge, y),
            };
        }
        if cell.not_applicable().is_some() {
            return self.words(canvas, "not applicable", at_edge, y);
        }
        let summary = self.grid.summary(cell);
        let Some(accuracy) = summary.accuracy else {
            let (why, count) = match (summary.failed, summary.skipped) {
                (0, 0) => ("missing", summary.missing),
                (0, skipped) => ("not run: certain to collapse", skipped),
                (failed, _) => ("failed", failed),
            };
            let words = format!("{why}, {count} of {}", summary.asked);
            return self.words(canvas, &words, at_edge, y);
        };
        let mut note = Vec::new();
        if !self.scale.holds(accuracy.mean) {
            note.push(format!("mean {}", format::number(accuracy.mean, 1)));
        }
        if let Some(collapsed @ 1..) = summary.collapsed {
            note.push(format!("{collapsed} of {} collapsed", summary.n));
        }
        if summary.n < summary.asked {
            note.push(format!("n = {} of {}", summary.n, summary.asked));
        }
        let mut ends = (i32::MAX, i32::MIN);
        for (_, trained) in cell.trained().filter(|(_, t)| self.scale.holds(t.accuracy)) {
            let x = self.scale.at(trained.accuracy);
            ends = (ends.0.min(x), ends.1.max(x));
            canvas.dot((x, row + DROP), 6, pale(colour))?;
        }
        let (from, to) = self.mean(canvas, accuracy, (shape, colour), y)?;
        self.note(
            canvas,
            &note.join(", "),
            (ends.0.min(from), ends.1.max(to)),
            y,
        )
    }

    /// Draws the mean and its error bar, cut at the edges of the panel, or an arrow if the mean
    /// lies outside. Returns the ends of what was drawn.
    fn mean(
        &self,
        canvas: &Canvas<'_>,
        MeanSd { mean, sd }: MeanSd,
        (shape, colour): (Shape, RGBColor),
        y: i32,
    ) -> Result<(i32, i32), String> {
        let at = |x: f64| self.scale.at(self.scale.clip(x));
        if !self.scale.holds(mean) {
            self.beyond(canvas, mean < self.scale.low, y, colour)?;
            return Ok((at(mean), at(mean)));
        }
        let ends = sd.map_or((at(mean), at(mean)), |sd| (at(mean - sd), at(mean + sd)));
        if sd.is_some() {
            bar(canvas, ends, y, colour)?;
        }
        canvas.marker(shape, (at(mean), y), colour, false)?;
        Ok(ends)
    }

    /// An arrow at the edge beyond which the mean lies.
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

    /// Draws a note beside a cell, on the side that has room.
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
        let wide = width(note, TINY);
        let needs = wide + 60;
        let (left, edge) = (ends.0 - needs + 16, self.scale.from + 50);
        let x = if ends.1 + needs <= self.scale.to {
            ends.1 + 44
        } else if left < edge && ends.1 + NEAR + wide <= self.scale.to {
            // Neither side has the usual room.
            ends.1 + NEAR
        } else {
            left.max(edge)
        };
        self.words(canvas, note, x, y)
    }

    /// Draws text in a row. The dense network's line has a gap where it would cross the text.
    fn words(&self, canvas: &Canvas<'_>, words: &str, x: i32, y: i32) -> Result<(), String> {
        let ends = (x - ROUND, x + width(words, TINY) + ROUND);
        let dense = self.dense.filter(|dense| self.scale.holds(*dense));
        let line = dense.map(|dense| self.scale.at(dense));
        if line.is_some_and(|line| (ends.0..=ends.1).contains(&line)) {
            // As high as the letters, so that the dots of single seeds below remain.
            let half = TINY / 3 + 2;
            let gap = [(ends.0, y - half), (ends.1, y + half)];
            canvas.gap(gap, self.paper(y))?;
        }
        canvas.text(words, (x, y), TINY, GREY, Anchor::Left)
    }
}
