//! The legend of a chart: its series, its reference level, and how standard deviations are drawn.

use crate::figures::drawing::canvas::{GREY, INK};
use crate::figures::drawing::chart::{Chart, Line, look};
use crate::figures::drawing::legend::{Key, Legend};
use crate::figures::drawing::panel::DASH;

impl Chart {
    pub(crate) fn legend(&self) -> Legend {
        let drawn = |series: usize| {
            let mut lines = self.panels.iter().flat_map(|p| &p.lines);
            lines.any(|l| l.series == series)
        };
        let mut entries = Vec::new();
        for (i, name) in self.series.iter().enumerate().filter(|(i, _)| drawn(*i)) {
            let (shape, colour, dash) = look(i);
            let key = if self.side_by_side {
                Key::Marker {
                    shape,
                    colour,
                    hollow: false,
                }
            } else {
                Key::Line {
                    colour,
                    dash,
                    shape: Some(shape),
                }
            };
            entries.push((key, name.clone()));
        }
        if let Some((_, words)) = &self.level {
            let key = Key::Line {
                colour: INK,
                dash: DASH,
                shape: None,
            };
            entries.push((key, words.clone()));
        }
        entries.extend(self.spread().map(|key| (key, "± 1 sd".to_owned())));
        Legend::new(entries)
    }

    /// How standard deviations are drawn, or `None` if no point has one.
    fn spread(&self) -> Option<Key> {
        let lines = || self.panels.iter().flat_map(|p| &p.lines);
        let spread = |l: &&Line| l.points.iter().any(|p| p.sd.is_some());
        lines().find(spread)?;
        let colour = GREY;
        Some(if lines().any(|l| l.points.len() > 1) {
            Key::Band { colour }
        } else {
            Key::Bar { colour }
        })
    }
}
