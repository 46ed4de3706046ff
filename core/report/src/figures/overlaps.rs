//! Figure `overlaps`: the overlaps of tickets' masks as a map, as measured above the diagonal and
//! by chance below it.

use crate::Error;
use crate::figures::Figure;
use crate::figures::drawing::canvas::{
    Anchor, Canvas, FINE, GREY, INK, SMALL, TEXT, WIDTH, draw, width,
};
use crate::figures::drawing::footer;
use crate::figures::drawing::label::{Name, labels};
use crate::model::format;
use crate::model::grid::Grid;
use crate::model::groups::{TicketGroup, members};
use crate::model::inputs::inputs_of;
use crate::model::overlaps::shared;
use jackpot_results::Named;
use plotters::prelude::RGBColor;

const TITLE: i32 = 90;
const GAP: i32 = 40;
const RIGHT: i32 = 24;
/// The greatest height of a row.
const ROW: i32 = 84;
/// Above the first map.
const HEAD: i32 = 70;
/// White at 0 % and this at 100 %.
const FULL: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// From this percentage on, letters are white.
const DARK: f64 = 60.0;

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = inputs_of(grid.results.overlaps.iter().flat_map(|o| o.masks));
    let tickets: Vec<&Named> = (members(grid, TicketGroup::Sparse).into_iter())
        .filter(|t| {
            let mut all = grid.results.overlaps.iter();
            all.any(|o| o.first.0 == t.name || o.second.0 == t.name)
        })
        .collect();
    let sparsities = if tickets.is_empty() {
        Vec::new()
    } else {
        grid.sparsities()
    };
    let map = Map::new(&tickets);
    let height = HEAD + sparsities.len().max(1) as i32 * map.height() + map.names + 60;
    let drawing = draw("overlaps", height, |canvas| {
        for (i, sparsity) in sparsities.iter().enumerate() {
            map.draw(canvas, grid, sparsity, HEAD + i as i32 * map.height())?;
        }
        if sparsities.is_empty() {
            let at = (WIDTH / 2, 90);
            canvas.text("no two masks are known", at, TEXT, GREY, Anchor::Centre)?;
        } else {
            let words = "percent: above the diagonal as found, below it by chance";
            canvas.text(words, (16, 32), SMALL, GREY, Anchor::Left)?;
            map.names_below(canvas, height - map.names - 60)?;
        }
        let footer = footer(&grid.outline.name, &inputs);
        canvas.text(&footer, (16, height - 26), FINE, GREY, Anchor::Left)
    })?;
    Ok(Figure {
        name: "overlaps",
        title: "Overlap of masks",
        caption:
            "Share of kept weights that two unmodified tickets of the same seed both keep, in \
                  percent, the mean over seeds: above the diagonal as found, below it by chance, \
                  where only the counts of each layer are alike."
                .into(),
        inputs,
        points: None,
        drawing,
    })
}

struct Map<'a> {
    tickets: &'a [&'a Named],
    left: i32,
    side: i32,
    row: i32,
    names: i32,
    /// The size of all letters: many tickets leave little room.
    letters: i32,
    /// The labels of the tickets, beside the rows and below the columns.
    labels: Vec<String>,
}

impl<'a> Map<'a> {
    fn new(tickets: &'a [&'a Named]) -> Map<'a> {
        let map = Map::of(tickets, SMALL);
        if map.row < SMALL {
            Map::of(tickets, FINE)
        } else {
            map
        }
    }

    fn of(tickets: &'a [&'a Named], letters: i32) -> Map<'a> {
        let widest = tickets.iter().map(|t| width(&t.title, letters)).max();
        let widest = widest.unwrap_or_default().min(WIDTH / 3);
        let left = widest + 40;
        let side = (WIDTH - left - RIGHT) / tickets.len().max(1) as i32;
        let names: Vec<Name> = tickets.iter().map(|t| Name::of(t)).collect();
        let labels = labels(&names, letters, widest, |_| 1);
        Map {
            letters,
            labels: labels.into_iter().flatten().collect(),
            tickets,
            left,
            side,
            row: side.min(ROW),
            names: widest + 30,
        }
    }

    fn height(&self) -> i32 {
        TITLE + self.tickets.len() as i32 * self.row + GAP
    }

    fn draw(
        &self,
        canvas: &Canvas<'_>,
        grid: &Grid<'_>,
        sparsity: &str,
        top: i32,
    ) -> Result<(), String> {
        let heading = format::sparsity(sparsity);
        canvas.heading(&heading, (self.left, top + 40), TEXT, Anchor::Left)?;
        for (i, one) in self.tickets.iter().enumerate() {
            let y = top + TITLE + i as i32 * self.row;
            let label = &self.labels[i];
            let at = (self.left - 16, y + self.row / 2);
            canvas.text(label, at, self.letters, INK, Anchor::Right)?;
            canvas.titled(std::slice::from_ref(label), &one.title);
            for j in (0..self.tickets.len()).filter(|j| *j != i) {
                let (percent, _) = shared(grid, sparsity, self.tickets, (i, j));
                self.cell(canvas, percent, (self.left + j as i32 * self.side, y))?;
            }
        }
        Ok(())
    }

    fn cell(&self, canvas: &Canvas<'_>, value: Option<f64>, at: (i32, i32)) -> Result<(), String> {
        let (from, to) = (
            (at.0 + 2, at.1 + 2),
            (at.0 + self.side - 2, at.1 + self.row - 2),
        );
        let middle = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
        let Some(value) = value else {
            return canvas.text("–", middle, self.letters, GREY, Anchor::Centre);
        };
        canvas.rectangle(from, to, tint(value))?;
        let colour = if value >= DARK {
            RGBColor(255, 255, 255)
        } else {
            INK
        };
        let digits = usize::from(self.side >= 100);
        let text = format::number(value, digits);
        // Numbers are left out if the longest has no room. The table has them all.
        if width("100", self.letters) + 4 <= to.0 - from.0 {
            canvas.text(&text, middle, self.letters, colour, Anchor::Centre)
        } else {
            Ok(())
        }
    }

    fn names_below(&self, canvas: &Canvas<'_>, top: i32) -> Result<(), String> {
        for (j, ticket) in self.tickets.iter().enumerate() {
            let x = self.left + j as i32 * self.side + self.side / 2;
            let label = &self.labels[j];
            canvas.upwards(label, (x, top + 4), self.letters, INK, Anchor::Right)?;
            canvas.titled(std::slice::from_ref(label), &ticket.title);
        }
        Ok(())
    }
}

/// From white to the full colour.
fn tint(percent: f64) -> RGBColor {
    let share = (percent / 100.0).clamp(0.0, 1.0);
    let mix = |full: u8| (255.0 - share * (255.0 - f64::from(full))).round() as u8;
    RGBColor(mix(FULL.0), mix(FULL.1), mix(FULL.2))
}
