//! Line charts: panels of means with bands over one numeric axis, all described as data, so that
//! the file of points and the drawing come from the same list.

use crate::Error;
use crate::error::frame_error;
use crate::figures::drawing::axis::{Scale, range, ticks};
use crate::figures::drawing::canvas::{
    Anchor, COLOURS, Canvas, Dash, Drawing, FINE, GREY, INK, RULE, SMALL, Shape, TEXT, WIDTH, draw,
    marker_of, width,
};
use crate::figures::drawing::footer;
use crate::figures::drawing::label::{Name, labels};
use crate::model::format;
use crate::model::format::six_decimals;
use crate::model::inputs::ReportInputs;
use plotters::prelude::RGBColor;
use polars::df;
use polars::prelude::DataFrame;

const LEFT: i32 = 176;
const RIGHT: i32 = 40;
const BODY: i32 = 400;
const TITLE: i32 = 84;
const AXIS: i32 = 76;
const LABEL: i32 = 70;
/// The distance between a panel and its inset, which holds the labels of the inset.
const BETWEEN: i32 = 150;
/// The room below the lowest tick for points of which every run collapsed.
const FLOOR: i32 = 34;
/// Half the width of series that are drawn side by side.
const ASIDE: i32 = 40;
/// The room for the text above an inset.
const INSET_WORDS: i32 = 420;
/// From this many positions on, the last ones get an inset.
const WIDE: usize = 4;
/// Dashes that can be distinguished at the width of a line, solid first.
const DASHES: [Dash; 5] = [
    None,
    Some((26, 12)),
    Some((8, 10)),
    Some((44, 14)),
    Some((16, 22)),
];

/// The label of an axis of sparsities.
pub(crate) const COMPRESSION: &str = "sparsity, % (logarithm of the compression)";

/// A chart before it is drawn.
pub(crate) struct Chart {
    /// The name of the figure's file.
    pub name: &'static str,
    pub axis: Axis,
    /// The label of the horizontal axis.
    pub x_label: String,
    /// The label of the vertical axis.
    pub y_label: &'static str,
    /// The names of the series, in the order of the legend.
    pub series: Vec<String>,
    pub panels: Vec<Panel>,
    /// A reference level across every panel, with its text in the legend.
    pub level: Option<(f64, String)>,
    /// Whether the points of several series at one position are drawn side by side, for charts
    /// without lines.
    pub side_by_side: bool,
    /// Whether the last positions are drawn again in a larger inset.
    pub inset: bool,
    /// The results from which it was drawn.
    pub inputs: ReportInputs,
    /// The study's name.
    pub study: String,
}

/// What the horizontal axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Sparsity, placed by the logarithm of the compression 1 / (1 − sparsity).
    Compression,
    /// Any positive number on a logarithmic scale.
    Logarithmic,
    /// Any number.
    Linear,
}

/// One heading with its lines.
pub(crate) struct Panel {
    pub title: String,
    pub lines: Vec<Line>,
}

/// The points of one series, from left to right.
pub(crate) struct Line {
    /// Its index among the series of the chart.
    pub series: usize,
    pub points: Vec<Point>,
}

/// One mean with its standard deviation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// The position in the unit of the axis. A sparsity lies between 0 and 1.
    pub x: f64,
    /// The mean over the runs that did not collapse, or `None` if all did.
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    /// The number of runs in the mean.
    pub n: usize,
    pub collapsed: usize,
}

impl Axis {
    /// The position of a value on a linear scale.
    fn place(self, x: f64) -> f64 {
        match self {
            Axis::Compression => -(1.0 - x).log10(),
            Axis::Logarithmic => x.log10(),
            Axis::Linear => x,
        }
    }

    fn format(self, x: f64) -> String {
        match self {
            Axis::Compression => format!("{}", (x * 1e8).round() / 1e6),
            _ => format!("{x}"),
        }
    }
}

/// The shape, colour and dash of a series, none like another's: see [`marker_of`].
pub(crate) fn look(series: usize) -> (Shape, RGBColor, Dash) {
    let round = series / COLOURS.len();
    let (shape, colour) = marker_of(series);
    (shape, colour, DASHES[(series + round) % DASHES.len()])
}

impl Chart {
    /// Every position that has a point, in order.
    fn places(&self) -> Vec<f64> {
        let lines = self.panels.iter().flat_map(|p| &p.lines);
        let mut all: Vec<f64> = lines.flat_map(|l| &l.points).map(|p| p.x).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all
    }

    /// Every point that is drawn, one in each row, in the order of panels and series.
    ///
    /// # Errors
    /// When the frame cannot be made.
    pub fn points(&self) -> Result<DataFrame, Error> {
        let rows: Vec<(&str, &str, &Point)> = (self.panels.iter())
            .flat_map(|p| p.lines.iter().map(move |l| (p.title.as_str(), l)))
            .flat_map(|(panel, l)| {
                let series = self.series[l.series].as_str();
                l.points.iter().map(move |point| (panel, series, point))
            })
            .collect();
        df!(
            "panel" => rows.iter().map(|r| r.0).collect::<Vec<_>>(),
            "series" => rows.iter().map(|r| r.1).collect::<Vec<_>>(),
            "x" => rows.iter().map(|r| six_decimals(r.2.x)).collect::<Vec<_>>(),
            "mean" => rows.iter().map(|r| r.2.mean.map(six_decimals)).collect::<Vec<_>>(),
            "sd" => rows.iter().map(|r| r.2.sd.map(six_decimals)).collect::<Vec<_>>(),
            "n" => rows.iter().map(|r| r.2.n as u32).collect::<Vec<_>>(),
            "collapsed" => rows.iter().map(|r| r.2.collapsed as u32).collect::<Vec<_>>(),
        )
        .map_err(frame_error(self.name))
    }

    /// Draws it.
    ///
    /// # Errors
    /// When drawing fails.
    pub fn draw(&self) -> Result<Drawing, Error> {
        let legend = self.legend();
        let places = self.places();
        let cut = if self.inset && places.len() >= WIDE {
            places.len().div_ceil(2)
        } else {
            0
        };
        let down = TITLE + BODY + FLOOR + AXIS;
        let panels = self.panels.len().max(1) as i32;
        let height = 16 + legend.height() + panels * down + LABEL + 60;
        let room = WIDTH - LEFT - RIGHT - if cut > 0 { INSET_WORDS } else { 0 };
        let titles: Vec<Name> = self.panels.iter().map(|p| Name::only(&p.title)).collect();
        let titles = labels(&titles, TEXT, room * 20 / 21, |_| 1);
        draw(self.name, height, |canvas| {
            legend.draw(canvas, 12)?;
            for (i, panel) in self.panels.iter().enumerate() {
                let top = 16 + legend.height() + i as i32 * down + TITLE;
                canvas.heading(&titles[i][0], (LEFT, top - 44), TEXT, Anchor::Left)?;
                canvas.titled(&titles[i], &panel.title);
                let whole = match cut {
                    0 => (LEFT, WIDTH - RIGHT),
                    _ => (LEFT, LEFT + (WIDTH - LEFT - RIGHT - BETWEEN) * 11 / 20),
                };
                self.frame(canvas, panel, &places, whole, top, true)?;
                if cut > 0 {
                    let inset = (whole.1 + BETWEEN, WIDTH - RIGHT);
                    self.frame(canvas, panel, &places[cut..], inset, top, false)?;
                }
            }
            if self.panels.is_empty() {
                let at = (WIDTH / 2, 90);
                canvas.text("nothing was measured", at, TEXT, GREY, Anchor::Centre)?;
            }
            let at = ((LEFT + WIDTH - RIGHT) / 2, height - LABEL - 26);
            canvas.text(&self.x_label, at, TEXT, INK, Anchor::Centre)?;
            canvas.text(
                &footer(&self.study, &self.inputs),
                (16, height - 26),
                FINE,
                GREY,
                Anchor::Left,
            )
        })
    }

    /// Draws one set of axes with the points of the lines at `places`.
    fn frame(
        &self,
        canvas: &Canvas<'_>,
        panel: &Panel,
        places: &[f64],
        (from, to): (i32, i32),
        top: i32,
        whole: bool,
    ) -> Result<(), String> {
        let spots: Vec<f64> = places.iter().map(|x| self.axis.place(*x)).collect();
        let across = across(&spots, from, to);
        let shown = |p: &&Point| places.contains(&p.x);
        let up = self.up(panel, &shown, top, whole);
        let bottom = top + BODY + FLOOR;
        let (marks, decimals) = ticks(up.low, up.high, 5);
        for mark in marks {
            let y = up.at(mark);
            canvas.line(&[(from, y), (to, y)], RULE, 2, None)?;
            let label = format::number(mark, decimals);
            canvas.text(&label, (from - 16, y), SMALL, INK, Anchor::Right)?;
        }
        canvas.line(&[(from, top), (from, bottom)], INK, 3, None)?;
        canvas.line(&[(from, bottom), (to, bottom)], INK, 3, None)?;
        self.places_below(canvas, places, &across, bottom)?;
        if whole {
            let middle = (top + bottom) / 2;
            canvas.upwards(self.y_label, (36, middle), TEXT, INK, Anchor::Centre)?;
        } else {
            let words = "right part, magnified";
            canvas.text(words, (to, top - 44), SMALL, GREY, Anchor::Right)?;
        }
        if let Some((level, _)) = self.level.as_ref().filter(|(level, _)| up.holds(*level)) {
            let y = up.at(*level);
            canvas.line(
                &[(from, y), (to, y)],
                INK,
                4,
                crate::figures::drawing::panel::DASH,
            )?;
        }
        let mut ends = Vec::new();
        for line in &panel.lines {
            let points: Vec<&Point> = line.points.iter().filter(shown).collect();
            let side_by_side = self.side_by_side(line.series);
            let at = move |x: f64| across.at(self.axis.place(x)) + side_by_side;
            ends.push((line, points, at));
        }
        for (line, points, at) in &ends {
            band(canvas, look(line.series).1, points, at, &up)?;
        }
        for (line, points, at) in &ends {
            self.line(canvas, line.series, points, at, &up, (bottom, whole))?;
        }
        Ok(())
    }

    /// How far a series is drawn from its position.
    fn side_by_side(&self, series: usize) -> i32 {
        if self.side_by_side {
            self.beside(series)
        } else {
            0
        }
    }

    /// The offset of a series when all are drawn side by side.
    fn beside(&self, series: usize) -> i32 {
        let all = self.series.len() as i32;
        (2 * series as i32 - all + 1) * ASIDE / all.max(1)
    }

    /// The vertical scale, from the lowest to the highest end of a band. The scale of a whole panel
    /// includes the reference level.
    fn up(&self, panel: &Panel, shown: &impl Fn(&&Point) -> bool, top: i32, whole: bool) -> Scale {
        let points = || panel.lines.iter().flat_map(|l| &l.points).filter(shown);
        let ends = points().filter_map(|p| {
            let (mean, sd) = (p.mean?, p.sd.unwrap_or(0.0));
            Some([mean - sd, mean + sd])
        });
        let level = self.level.iter().filter(|_| whole).map(|(level, _)| *level);
        let (low, high) = range(ends.flatten().chain(level));
        Scale {
            low,
            high,
            from: top + BODY,
            to: top,
        }
    }

    /// Draws the labels of the horizontal axis. A label that would touch the one before it is left
    /// out.
    fn places_below(
        &self,
        canvas: &Canvas<'_>,
        places: &[f64],
        across: &Scale,
        bottom: i32,
    ) -> Result<(), String> {
        let mut free = i32::MIN;
        for x in places {
            let at = across.at(self.axis.place(*x));
            canvas.line(&[(at, bottom), (at, bottom + 10)], INK, 2, None)?;
            let label = self.axis.format(*x);
            let half = width(&label, SMALL) / 2;
            if at - half > free {
                canvas.text(&label, (at, bottom + 36), SMALL, INK, Anchor::Centre)?;
                free = at + half + 14;
            }
        }
        Ok(())
    }

    fn line(
        &self,
        canvas: &Canvas<'_>,
        series: usize,
        points: &[&Point],
        at: impl Fn(f64) -> i32,
        up: &Scale,
        (bottom, whole): (i32, bool),
    ) -> Result<(), String> {
        let (shape, colour, dash) = look(series);
        let spots: Vec<(i32, i32)> = points
            .iter()
            .filter_map(|p| Some((at(p.x), up.at(p.mean?))))
            .collect();
        if spots.len() > 1 {
            canvas.line(&spots, colour, 5, dash)?;
        }
        let mark = |spot, hollow| {
            if whole {
                canvas.point(shape, spot, colour, hollow)
            } else {
                canvas.marker(shape, spot, colour, hollow)
            }
        };
        for point in points {
            match point.mean {
                Some(mean) => mark((at(point.x), up.at(mean)), false)?,
                None => {
                    let x = at(point.x) - self.side_by_side(series) + self.beside(series);
                    mark((x, bottom - FLOOR / 2), true)?;
                }
            }
        }
        Ok(())
    }
}

/// A scale with room for half a marker at both ends. A single position stands in the middle.
fn across(spots: &[f64], from: i32, to: i32) -> Scale {
    let low = spots.first().copied().unwrap_or(0.0);
    let high = spots.last().copied().unwrap_or(1.0);
    let (low, high) = if high > low {
        (low, high)
    } else {
        (low - 0.5, high + 0.5)
    };
    Scale {
        low,
        high,
        from: from + 44,
        to: to - 44,
    }
}

/// Draws one standard deviation to both sides as a band, or for a single point as an error bar.
fn band(
    canvas: &Canvas<'_>,
    colour: RGBColor,
    points: &[&Point],
    at: &impl Fn(f64) -> i32,
    up: &Scale,
) -> Result<(), String> {
    let ends: Vec<(i32, i32, i32)> = points
        .iter()
        .filter_map(|p| {
            let (mean, sd) = (p.mean?, p.sd.unwrap_or(0.0));
            Some((at(p.x), up.at(mean - sd), up.at(mean + sd)))
        })
        .collect();
    if let [(x, low, high)] = ends.as_slice() {
        return if low == high {
            Ok(())
        } else {
            canvas.line(&[(*x, *low), (*x, *high)], colour, 4, None)
        };
    }
    let lower = ends.iter().map(|(x, low, _)| (*x, *low));
    let upper = ends.iter().rev().map(|(x, _, high)| (*x, *high));
    let outline: Vec<(i32, i32)> = lower.chain(upper).collect();
    match outline.len() {
        0 => Ok(()),
        _ => canvas.band(&outline, colour),
    }
}
