//! A profile: kept shares over layers, as panels of lines on a logarithmic scale with a place for
//! empty layers below the lowest decade.

use crate::Error;
use crate::error::frame_error;
use crate::figures::drawing::canvas::{
    Anchor, Canvas, Dash, Drawing, FINE, GREY, INK, RULE, SMALL, Shape, TEXT, WIDTH, draw, width,
};
use crate::figures::drawing::chart::look;
use crate::figures::drawing::footer;
use crate::figures::drawing::label::{Name, labels};
use crate::figures::drawing::legend::{Key, Legend};
use crate::model::format::{self, six_decimals};
use crate::model::inputs::ReportInputs;
use plotters::prelude::RGBColor;
use polars::df;
use polars::prelude::DataFrame;

const PANEL: i32 = 430;
const TITLE: i32 = 70;
const GAP: i32 = 40;
const LEFT: i32 = 190;
const RIGHT: i32 = 24;
/// The height of the place for empty layers.
const ZERO: i32 = 56;
/// With more layers than this, only some are named.
const NAMED: usize = 24;
/// With more layers than this, only some have a marker on every line.
const MARKED: usize = 18;

/// A figure before it is drawn.
pub(crate) struct Profile {
    /// The name of the figure's file.
    pub name: &'static str,
    /// The names of the series, in the order of the legend.
    pub series: Vec<String>,
    /// The series that is drawn over the others, in black.
    pub over: Option<usize>,
    pub panels: Vec<Panel>,
    pub inputs: ReportInputs,
    /// The study's name.
    pub study: String,
}

/// One heading with its lines, all over the same layers.
pub(crate) struct Panel {
    pub heading: String,
    /// The names of the layers, in forward order.
    pub layers: Vec<String>,
    pub lines: Vec<Line>,
}

/// One series' kept share of each layer, in percent.
pub(crate) struct Line {
    pub series: usize,
    pub shares: Vec<f64>,
}

/// A logarithmic scale from 10^`lowest` to 100 %, upwards, with a separate place for 0.
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
    /// The scale begins at 10 to this power, in percent.
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
    fn new(panels: &[Panel], legend: &Legend) -> Layout {
        let shares = || panels.iter().flat_map(|p| &p.lines).flat_map(|l| &l.shares);
        let least = shares().filter(|s| **s > 0.0).copied().fold(10.0, f64::min);
        let empty = shares().any(|s| *s <= 0.0);
        let zero = if empty { ZERO + 24 } else { 0 };
        let names = panels.iter().flat_map(|p| &p.layers);
        let widest = names.map(|name| width(short(name), SMALL)).max();
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

impl Profile {
    /// Every point that is drawn, one in each row.
    ///
    /// # Errors
    /// When the frame cannot be made.
    pub fn points(&self) -> Result<DataFrame, Error> {
        let mut rows: Vec<(&str, &str, usize, &str, f64)> = Vec::new();
        for panel in &self.panels {
            for line in &panel.lines {
                let shares = panel.layers.iter().zip(&line.shares).enumerate();
                let series = self.series[line.series].as_str();
                rows.extend(shares.map(|(i, (layer, share))| {
                    (panel.heading.as_str(), series, i, layer.as_str(), *share)
                }));
            }
        }
        df!(
            "panel" => rows.iter().map(|r| r.0).collect::<Vec<_>>(),
            "series" => rows.iter().map(|r| r.1).collect::<Vec<_>>(),
            "position" => rows.iter().map(|r| r.2 as u32).collect::<Vec<_>>(),
            "layer" => rows.iter().map(|r| r.3).collect::<Vec<_>>(),
            "kept_percent" => rows.iter().map(|r| six_decimals(r.4)).collect::<Vec<_>>(),
        )
        .map_err(frame_error(self.name))
    }

    /// Draws it.
    ///
    /// # Errors
    /// When drawing fails.
    pub fn draw(&self) -> Result<Drawing, Error> {
        let legend = self.legend();
        let layout = Layout::new(&self.panels, &legend);
        let panels = self.panels.len() as i32;
        let height = layout.top - TITLE + panels * layout.panel + layout.names + 110;
        let headings: Vec<Name> = self.panels.iter().map(|p| Name::only(&p.heading)).collect();
        let headings = labels(&headings, TEXT, (WIDTH - LEFT - RIGHT) * 20 / 21, |_| 1);
        draw(self.name, height, |canvas| {
            legend.draw(canvas, 12)?;
            for (i, panel) in self.panels.iter().enumerate() {
                let scale = layout.scale(i);
                let at = (LEFT, scale.top - 36);
                canvas.heading(&headings[i][0], at, TEXT, Anchor::Left)?;
                canvas.titled(&headings[i], &panel.heading);
                axes(canvas, panel, &scale, layout.zero > 0)?;
                let last = |l: &&Line| self.over == Some(l.series);
                let under = panel.lines.iter().filter(|l| !last(l));
                for line in under.chain(panel.lines.iter().filter(last)) {
                    self.line(canvas, line, &scale)?;
                }
            }
            match self.panels.last() {
                None => {
                    let at = (WIDTH / 2, 90);
                    canvas.text("no mask was made", at, TEXT, GREY, Anchor::Centre)?;
                }
                Some(panel) => {
                    let bottom = layout.scale(self.panels.len() - 1).bottom + layout.zero;
                    layer_names(canvas, panel, bottom)?;
                    let at = ((LEFT + WIDTH - RIGHT) / 2, bottom + layout.names + 28);
                    canvas.text("layer, in forward order", at, TEXT, INK, Anchor::Centre)?;
                }
            }
            let at = (16, height - 30);
            canvas.text(
                &footer(&self.study, &self.inputs),
                at,
                FINE,
                GREY,
                Anchor::Left,
            )
        })
    }

    fn look(&self, series: usize) -> (Shape, RGBColor, Dash) {
        if self.over == Some(series) {
            return (Shape::Diamond, INK, None);
        }
        look(series)
    }

    fn legend(&self) -> Legend {
        let drawn = |series: usize| {
            let mut lines = self.panels.iter().flat_map(|p| &p.lines);
            lines.any(|l| l.series == series)
        };
        let entries = self.series.iter().enumerate().filter(|(i, _)| drawn(*i));
        let entry = |(i, name): (usize, &String)| {
            let (shape, colour, dash) = self.look(i);
            let shape = Some(shape);
            (
                Key::Line {
                    colour,
                    dash,
                    shape,
                },
                name.clone(),
            )
        };
        Legend::new(entries.map(entry).collect())
    }

    fn line(&self, canvas: &Canvas<'_>, line: &Line, scale: &LogScale) -> Result<(), String> {
        let (shape, colour, dash) = self.look(line.series);
        let n = line.shares.len();
        let aside = self.aside(line.series, n);
        let shares = line.shares.iter().enumerate();
        let points: Vec<_> = shares
            .map(|(i, share)| (place(i, n) + aside, scale.at(*share)))
            .collect();
        let wide = if self.over == Some(line.series) { 7 } else { 5 };
        canvas.line(&points, colour, wide, dash)?;
        // If layers stand close together, each line has markers at some layers and wherever it is
        // 0.
        let every = n.div_ceil(MARKED).max(1);
        for (i, point) in points.iter().enumerate() {
            if i % every == line.series % every || line.shares[i] <= 0.0 {
                canvas.point(shape, *point, colour, false)?;
            }
        }
        Ok(())
    }

    /// How far the points of a series are moved sideways, so that equal shares do not cover each
    /// other.
    fn aside(&self, series: usize, layers: usize) -> i32 {
        let all = self.series.len() as i32;
        let between = ((WIDTH - RIGHT - LEFT) / layers.max(1) as i32 / (all + 3)).min(12);
        between * (2 * series as i32 - all + 1) / 2
    }
}

/// The horizontal position of layer `i` of `n`.
fn place(i: usize, n: usize) -> i32 {
    let step = f64::from(WIDTH - RIGHT - LEFT) / n as f64;
    LEFT + ((i as f64 + 0.5) * step).round() as i32
}

fn axes(canvas: &Canvas<'_>, panel: &Panel, scale: &LogScale, zero: bool) -> Result<(), String> {
    let right = WIDTH - RIGHT;
    for decade in scale.lowest..=2 {
        let value = 10f64.powi(decade);
        let y = scale.at(value);
        canvas.line(&[(LEFT, y), (right, y)], RULE, 2, None)?;
        canvas.line(&[(LEFT - 10, y), (LEFT, y)], INK, 2, None)?;
        let label = format::number(value, (-decade).max(0) as usize);
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
    for i in 0..panel.layers.len() {
        let x = place(i, panel.layers.len());
        canvas.line(&[(x, bottom), (x, bottom + 8)], INK, 2, None)?;
    }
    let middle = (scale.top + scale.bottom) / 2;
    canvas.upwards("kept weights, %", (40, middle), TEXT, INK, Anchor::Centre)
}

/// A parameter's name without what all prunable parameters end with.
fn short(name: &str) -> &str {
    name.strip_suffix(".weight").unwrap_or(name)
}

fn layer_names(canvas: &Canvas<'_>, panel: &Panel, bottom: i32) -> Result<(), String> {
    let n = panel.layers.len();
    let every = n.div_ceil(NAMED).max(1);
    for (i, name) in panel
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
