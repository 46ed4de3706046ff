//! How many times faster than libtorch a training step is, with one panel for each network and
//! sparsity to the right.

use super::Ratio;
use crate::Error;
use crate::figures::drawing::axis::{Scale, ticks};
use crate::figures::drawing::canvas::{
    Anchor, COLOURS, Canvas, Dash, Drawing, INK, RULE, SHAPES, SMALL, TEXT, WIDTH, draw, render,
};
use crate::figures::drawing::legend::{Key, Legend};
use crate::model::format::{number, percent};

/// The speed of one engine configuration over sparsities.
pub(crate) struct Curve {
    pub network: String,
    pub allocation: String,
    /// The number format of stored activations.
    pub storage: String,
    /// Sparsity as text, and how many times faster than libtorch in f32.
    pub points: Vec<(String, Ratio)>,
}

const LEFT: i32 = 120;
const GAP: i32 = 90;
const RIGHT: i32 = 30;
const BODY: i32 = 420;
const TITLE: i32 = 74;
const AXIS: i32 = 120;
const UNIFORM: Dash = Some((16, 10));

pub(crate) fn drawing(curves: &[Curve]) -> Result<Drawing, Error> {
    let mut networks: Vec<&str> = Vec::new();
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for curve in curves {
        if !networks.contains(&curve.network.as_str()) {
            networks.push(&curve.network);
        }
        let kind = (curve.storage.as_str(), curve.allocation.as_str());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.sort_unstable();
    let entries = kinds.iter().map(|&(storage, allocation)| {
        let (shape, colour, dash) = look(storage, allocation);
        let shape = Some(shape);
        let words = format!("{storage}, {}", allocation.replace('-', " "));
        (
            Key::Line {
                colour,
                dash,
                shape,
            },
            words,
        )
    });
    let legend = Legend::new(entries.collect());
    let highest = curves.iter().flat_map(|c| &c.points).map(|(_, r)| r.high);
    let highest = highest.fold(2.0, f64::max) * 1.05;
    let rows = networks.len().div_ceil(2) as i32;
    let height = 12 + legend.height() + rows * (TITLE + BODY + AXIS);
    draw("speed", height, |canvas| {
        legend.draw(canvas, 12)?;
        for (place, network) in networks.iter().enumerate() {
            let (row, column) = (place as i32 / 2, place as i32 % 2);
            let across = (WIDTH - LEFT - GAP - RIGHT) / 2;
            let left = LEFT + column * (across + GAP);
            let top = 12 + legend.height() + row * (TITLE + BODY + AXIS) + TITLE;
            let own: Vec<&Curve> = curves.iter().filter(|c| c.network == *network).collect();
            let y = Scale {
                low: 0.0,
                high: highest,
                from: top + BODY,
                to: top,
            };
            panel(canvas, network, &own, y, (left, left + across))?;
        }
        Ok(())
    })
}

/// The SVG and the PNG of measured speeds.
pub(super) fn files(curves: &[Curve]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let drawing = drawing(curves)?;
    render("speed", "Times faster than libtorch", &drawing)
}

fn look(
    storage: &str,
    allocation: &str,
) -> (
    crate::figures::drawing::canvas::Shape,
    plotters::prelude::RGBColor,
    Dash,
) {
    let place = usize::from(storage != "f32");
    let dash = if allocation == "uniform" {
        UNIFORM
    } else {
        None
    };
    (SHAPES[place], COLOURS[place], dash)
}

fn panel(
    canvas: &Canvas<'_>,
    network: &str,
    curves: &[&Curve],
    y: Scale,
    (left, right): (i32, i32),
) -> Result<(), String> {
    let (top, bottom) = (y.to, y.from);
    canvas.heading(network, (left, top - 36), TEXT, Anchor::Left)?;
    let (marks, decimals) = ticks(y.low, y.high, 6);
    for mark in marks {
        let at = y.at(mark);
        canvas.line(&[(left, at), (right, at)], RULE, 2, None)?;
        let label = number(mark, decimals);
        canvas.text(&label, (left - 16, at), SMALL, INK, Anchor::Right)?;
    }
    // The line of equal speed.
    canvas.line(&[(left, y.at(1.0)), (right, y.at(1.0))], INK, 3, None)?;
    if left == LEFT {
        let at = (28, (top + bottom) / 2);
        canvas.upwards("times faster", at, TEXT, INK, Anchor::Centre)?;
    }
    let sparsities: Vec<&str> = curves.first().map_or(Vec::new(), |c| {
        c.points.iter().map(|(s, _)| &s[..]).collect()
    });
    let step = (right - left) / sparsities.len().max(1) as i32;
    let x = |place: usize| left + step / 2 + step * place as i32;
    for (place, sparsity) in sparsities.iter().enumerate() {
        let at = (x(place), bottom + 34);
        canvas.text(&percent(sparsity), at, SMALL, INK, Anchor::Centre)?;
    }
    canvas.line(&[(left, bottom), (right, bottom)], INK, 3, None)?;
    let at = ((left + right) / 2, bottom + 80);
    canvas.text("sparsity", at, TEXT, INK, Anchor::Centre)?;
    for curve in curves {
        let (shape, colour, dash) = look(&curve.storage, &curve.allocation);
        let points: Vec<(i32, i32)> = curve
            .points
            .iter()
            .enumerate()
            .map(|(place, (_, ratio))| (x(place), y.at(ratio.median)))
            .collect();
        canvas.line(&points, colour, 5, dash)?;
        for (&at, (_, ratio)) in points.iter().zip(&curve.points) {
            let ends = [(at.0, y.at(ratio.low)), (at.0, y.at(ratio.high))];
            canvas.line(&ends, colour, 4, None)?;
            canvas.point(shape, at, colour, curve.allocation == "uniform")?;
        }
    }
    Ok(())
}
