//! Figure of a probe: the overlaps of masks, and a map of effective sparsity and predicted
//! collapse.

use crate::Error;
use crate::figures::drawing::axis::Scale;
use crate::figures::drawing::canvas::{
    Anchor, BAND, Canvas, Drawing, FINE, GREY, INK, RULE, SMALL, TEXT, WIDTH, draw, marker_of,
};
use crate::figures::drawing::label::{Name, labels};
use crate::figures::drawing::legend::{Key, Legend};
use crate::model::format;
use jackpot_stats::mean;
use jackpot_study::{MaskComparison, MaskRow, ProbeResult};
use plotters::prelude::RGBColor;

const LEFT: i32 = 430;
const RIGHT: i32 = 40;
const ROW: i32 = 46;
const GAP: i32 = 26;
const TITLE: i32 = 70;
const AXIS: i32 = 110;
/// The colours of a certain collapse and of a risk of collapse.
const CERTAIN: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const AT_RISK: RGBColor = RGBColor(0xf3, 0xcf, 0x80);

/// One ticket at one sparsity, with the comparisons of its masks.
struct Block<'a> {
    name: String,
    rows: Vec<(&'a str, Vec<&'a MaskComparison>)>,
}

pub(crate) fn drawing(name: &str, probed: &ProbeResult) -> Result<Drawing, Error> {
    let blocks = blocks(probed);
    let kinds = kinds(probed);
    let map = Map::new(probed);
    let legend = legend(&kinds);
    let overlaps: i32 = blocks.iter().map(|b| b.rows.len() as i32 * ROW + GAP).sum();
    let upper = if blocks.is_empty() {
        0
    } else {
        TITLE + overlaps + AXIS
    };
    let top = 12 + legend.height() + upper;
    let height = top + map.height() + 70;
    draw("probe", height, |canvas| {
        legend.draw(canvas, 12)?;
        if !blocks.is_empty() {
            overlap(canvas, &blocks, &kinds, 12 + legend.height() + TITLE)?;
        }
        map.draw(canvas, top)?;
        let footer = format!("{name}: study.toml sha256 {}", probed.study);
        canvas.text(&footer, (16, height - 28), FINE, GREY, Anchor::Left)
    })
}

fn blocks(probed: &ProbeResult) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for comparison in &probed.comparisons {
        let sparsity = format::percent(&comparison.sparsity);
        let name = format!("{}, {sparsity}", comparison.ticket);
        let place = blocks.iter().position(|b| b.name == name);
        let place = place.unwrap_or_else(|| {
            let rows = Vec::new();
            blocks.push(Block { name, rows });
            blocks.len() - 1
        });
        let rows = &mut blocks[place].rows;
        match rows.iter_mut().find(|(with, _)| *with == comparison.with) {
            Some((_, all)) => all.push(comparison),
            None => rows.push((&comparison.with, vec![comparison])),
        }
    }
    blocks
}

/// The masks with which others are compared, in the order of their first comparison.
fn kinds(probed: &ProbeResult) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for comparison in &probed.comparisons {
        if !kinds.contains(&comparison.with.as_str()) {
            kinds.push(&comparison.with);
        }
    }
    kinds
}

fn legend(kinds: &[&str]) -> Legend {
    let mut entries: Vec<(Key, String)> = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        let (shape, colour) = marker_of(place);
        let key = Key::Marker {
            shape,
            colour,
            hollow: false,
        };
        entries.push((key, (*kind).to_owned()));
    }
    if !kinds.is_empty() {
        entries.push((Key::Bar { colour: GREY }, "chance, 95 %".into()));
        entries.push((Key::Dots { colour: GREY }, "single seeds".into()));
    }
    Legend::new(entries)
}

/// Draws the shares of kept weights that the other mask also keeps.
fn overlap(
    canvas: &Canvas<'_>,
    blocks: &[Block<'_>],
    kinds: &[&str],
    top: i32,
) -> Result<(), String> {
    let scale = Scale {
        low: 0.0,
        high: 100.0,
        from: LEFT,
        to: WIDTH - RIGHT,
    };
    let heading = "Overlap of a ticket's mask with";
    canvas.heading(heading, (16, top - 36), TEXT, Anchor::Left)?;
    let rows: i32 = blocks.iter().map(|b| b.rows.len() as i32 * ROW + GAP).sum();
    for tick in [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] {
        let x = scale.at(tick);
        canvas.line(&[(x, top), (x, top + rows)], RULE, 2, None)?;
        let label = format::number(tick, 0);
        canvas.text(&label, (x, top + rows + 32), SMALL, INK, Anchor::Centre)?;
    }
    canvas.line(
        &[(LEFT, top + rows), (WIDTH - RIGHT, top + rows)],
        INK,
        3,
        None,
    )?;
    let at = ((LEFT + WIDTH - RIGHT) / 2, top + rows + 76);
    canvas.text("kept weights in common, %", at, TEXT, INK, Anchor::Centre)?;
    let mut y = top + GAP / 2;
    let names: Vec<Name> = blocks.iter().map(|b| Name::only(&b.name)).collect();
    let labels = labels(&names, TEXT, LEFT - 40, |_| 1);
    for (i, block) in blocks.iter().enumerate() {
        let bottom = y + block.rows.len() as i32 * ROW;
        let middle = (y + bottom) / 2;
        let label = &labels[i];
        canvas.text(&label[0], (LEFT - 20, middle), TEXT, INK, Anchor::Right)?;
        canvas.titled(label, &block.name);
        for (with, all) in &block.rows {
            let place = kinds.iter().position(|k| k == with).unwrap_or(0);
            row(canvas, &scale, all, place, y + ROW / 2)?;
            y += ROW;
        }
        y += GAP;
        canvas.line(
            &[(16, y - GAP / 2), (WIDTH - RIGHT, y - GAP / 2)],
            RULE,
            2,
            None,
        )?;
    }
    Ok(())
}

fn row(
    canvas: &Canvas<'_>,
    scale: &Scale,
    all: &[&MaskComparison],
    place: usize,
    y: i32,
) -> Result<(), String> {
    let percent = |of: fn(&MaskComparison) -> f64| -> Option<f64> {
        let values: Vec<f64> = all.iter().map(|c| 100.0 * of(c)).collect();
        mean(&values).map(|x| scale.clip(x))
    };
    if let (Some(low), Some(high)) = (percent(|c| c.low), percent(|c| c.high)) {
        // A very narrow interval would not be visible.
        let (from, to) = (scale.at(low) - 3, scale.at(high) + 3);
        canvas.rectangle((from, y - 15), (to, y + 15), RULE)?;
        let (from, to) = ((from, y), (to, y));
        canvas.line(&[from, to], GREY, 4, None)?;
    }
    for comparison in all {
        let x = scale.at(scale.clip(100.0 * comparison.overlap));
        canvas.dot((x, y + 13), 5, GREY)?;
    }
    let (shape, colour) = marker_of(place);
    match percent(|c| c.overlap) {
        None => Ok(()),
        Some(x) => canvas.marker(shape, (scale.at(x), y - 4), colour, false),
    }
}

/// A map with tickets and widths as rows and sparsities as columns.
struct Map<'a> {
    sparsities: Vec<&'a str>,
    rows: Vec<(String, Vec<&'a MaskRow>)>,
}

impl<'a> Map<'a> {
    fn new(probed: &'a ProbeResult) -> Map<'a> {
        let mut map = Map {
            sparsities: Vec::new(),
            rows: Vec::new(),
        };
        for mask in &probed.masks {
            if !map.sparsities.contains(&mask.sparsity.as_str()) {
                map.sparsities.push(&mask.sparsity);
            }
            let name = format!("{}, width {}", mask.ticket, mask.width);
            match map.rows.iter_mut().find(|(n, _)| *n == name) {
                Some((_, all)) => all.push(mask),
                None => map.rows.push((name, vec![mask])),
            }
        }
        // The widths of one ticket stand next to each other.
        map.rows.sort_by(|a, b| {
            let first = |row: &(String, Vec<&MaskRow>)| {
                let ticket = &row.1[0].ticket;
                let place = probed.masks.iter().position(|m| m.ticket == *ticket);
                (place, row.1[0].width)
            };
            first(a).cmp(&first(b))
        });
        map
    }

    fn height(&self) -> i32 {
        TITLE + 50 + self.rows.len() as i32 * ROW
    }

    fn draw(&self, canvas: &Canvas<'_>, top: i32) -> Result<(), String> {
        let heading = "Effective sparsity, %, and predicted collapse";
        canvas.heading(heading, (16, top + 30), TEXT, Anchor::Left)?;
        let words = [(CERTAIN, "certain"), (AT_RISK, "at risk")];
        for (place, (colour, word)) in words.into_iter().enumerate() {
            let x = WIDTH - RIGHT - 400 + 220 * place as i32;
            canvas.rectangle((x, top + 16), (x + 28, top + 44), colour)?;
            canvas.text(word, (x + 42, top + 30), SMALL, INK, Anchor::Left)?;
        }
        let columns = self.sparsities.len().max(1) as i32;
        let across = (WIDTH - RIGHT - LEFT) / columns;
        for (column, sparsity) in self.sparsities.iter().enumerate() {
            let x = LEFT + across * column as i32 + across / 2;
            let label = format!("asked {}", format::percent(sparsity));
            canvas.text(&label, (x, top + TITLE + 20), SMALL, INK, Anchor::Centre)?;
        }
        let names: Vec<Name> = self.rows.iter().map(|(name, _)| Name::only(name)).collect();
        let labels = labels(&names, TEXT, LEFT - 40, |_| 1);
        for (place, (name, masks)) in self.rows.iter().enumerate() {
            let y = top + TITLE + 50 + place as i32 * ROW;
            let at = (LEFT - 20, y + ROW / 2);
            canvas.text(&labels[place][0], at, TEXT, INK, Anchor::Right)?;
            canvas.titled(&labels[place], name);
            for (column, sparsity) in self.sparsities.iter().enumerate() {
                let from = (LEFT + across * column as i32 + 3, y + 3);
                let to = (from.0 + across - 6, y + ROW - 3);
                let own = masks.iter().filter(|m| m.sparsity == **sparsity);
                cell(canvas, own.copied().collect(), from, to)?;
            }
        }
        Ok(())
    }
}

fn cell(
    canvas: &Canvas<'_>,
    masks: Vec<&MaskRow>,
    from: (i32, i32),
    to: (i32, i32),
) -> Result<(), String> {
    let any = |word: &str| masks.iter().any(|m| m.collapse == word);
    let colour = match (any("certain"), any("at risk")) {
        (true, _) => CERTAIN,
        (false, true) => AT_RISK,
        (false, false) => BAND,
    };
    canvas.rectangle(from, to, colour)?;
    let pruned = |m: &&MaskRow| 100.0 * (m.weights - m.effective) as f64 / m.weights as f64;
    let values: Vec<f64> = masks.iter().map(pruned).collect();
    let text = mean(&values).map_or("–".to_owned(), |x| format::number(x, 2));
    let at = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
    canvas.text(&text, at, SMALL, INK, Anchor::Centre)
}
