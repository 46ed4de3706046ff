//! The legend of a figure, above the panels, where it covers no data.

use crate::figures::drawing::canvas::{
    Anchor, Canvas, Dash, INK, SMALL, Shape, WIDTH, width, wrap,
};
use plotters::prelude::RGBColor;

const ROW: i32 = 50;
/// The distance between the lines of one entry.
const LINE: i32 = 42;
const GAP: i32 = 44;
/// The distance between a key and its text.
const SPACE: i32 = 14;
const LEFT: i32 = 16;

/// The symbol before the text of an entry.
pub(crate) enum Key {
    Marker {
        shape: Shape,
        colour: RGBColor,
        hollow: bool,
    },
    Line {
        colour: RGBColor,
        dash: Dash,
        shape: Option<Shape>,
    },
    Dots {
        colour: RGBColor,
    },
    Bar {
        colour: RGBColor,
    },
    /// A band around a line.
    Band {
        colour: RGBColor,
    },
}

impl Key {
    fn width(&self) -> i32 {
        match self {
            Key::Marker { .. } => 30,
            Key::Dots { .. } => 46,
            Key::Line { .. } | Key::Bar { .. } | Key::Band { .. } => 84,
        }
    }

    fn draw(&self, canvas: &Canvas<'_>, x: i32, y: i32) -> Result<(), String> {
        let end = x + self.width();
        let middle = (x + end) / 2;
        match *self {
            Key::Marker {
                shape,
                colour,
                hollow,
            } => canvas.marker(shape, (middle, y), colour, hollow),
            Key::Line {
                colour,
                dash,
                shape,
            } => {
                canvas.line(&[(x, y), (end, y)], colour, 5, dash)?;
                shape.map_or(Ok(()), |s| canvas.marker(s, (middle, y), colour, false))
            }
            Key::Dots { colour } => [-16, 0, 16]
                .iter()
                .try_for_each(|d| canvas.dot((middle + d, y), 6, colour)),
            Key::Bar { colour } => bar(canvas, (x, end), y, colour),
            Key::Band { colour } => {
                let corners = [(x, y - 14), (end, y - 14), (end, y + 14), (x, y + 14)];
                canvas.band(&corners, colour)
            }
        }
    }
}

/// A horizontal error bar with caps.
pub(crate) fn bar(
    canvas: &Canvas<'_>,
    (from, to): (i32, i32),
    y: i32,
    colour: RGBColor,
) -> Result<(), String> {
    canvas.line(&[(from, y), (to, y)], colour, 4, None)?;
    canvas.line(&[(from, y - 9), (from, y + 9)], colour, 4, None)?;
    canvas.line(&[(to, y - 9), (to, y + 9)], colour, 4, None)
}

/// The entries in rows that fit the canvas. An entry that is longer than a row has several lines.
pub(crate) struct Legend {
    rows: Vec<Vec<(Key, Vec<String>)>>,
}

fn widest(lines: &[String]) -> i32 {
    let widths = lines.iter().map(|line| width(line, SMALL));
    widths.max().unwrap_or_default()
}

fn height(row: &[(Key, Vec<String>)]) -> i32 {
    let lines = row.iter().map(|(_, lines)| lines.len()).max();
    ROW + (lines.unwrap_or(1) as i32 - 1).max(0) * LINE
}

impl Legend {
    pub fn new(entries: Vec<(Key, String)>) -> Legend {
        let (mut rows, mut row, mut used) = (Vec::new(), Vec::new(), LEFT);
        for (key, text) in entries {
            let lines = wrap(&text, SMALL, WIDTH - 2 * LEFT - key.width() - SPACE);
            let needs = key.width() + SPACE + widest(&lines);
            if used + needs > WIDTH - LEFT && !row.is_empty() {
                rows.push(std::mem::take(&mut row));
                used = LEFT;
            }
            used += needs + GAP;
            row.push((key, lines));
        }
        rows.push(row);
        Legend { rows }
    }

    pub fn height(&self) -> i32 {
        self.rows.iter().map(|row| height(row)).sum()
    }

    /// Draws the legend with its upper edge at `top`.
    pub fn draw(&self, canvas: &Canvas<'_>, top: i32) -> Result<(), String> {
        let mut y = top + ROW / 2;
        for row in &self.rows {
            let mut x = LEFT;
            for (key, lines) in row {
                key.draw(canvas, x, y)?;
                x += key.width() + SPACE;
                for (line, text) in lines.iter().enumerate() {
                    let at = (x, y + LINE * line as i32);
                    canvas.text(text, at, SMALL, INK, Anchor::Left)?;
                }
                x += widest(lines) + GAP;
            }
            y += height(row);
        }
        Ok(())
    }
}
