//! Figure `pipeline`: the stages of the study from images and weights to an accuracy. The list
//! below the drawing says which tickets take an arrow and which checks change it.

use crate::Error;
use crate::figures::Figure;
use crate::figures::drawing::canvas::{
    Anchor, BAND, COLOURS, Canvas, FINE, GREY, INK, SMALL, TEXT, WIDTH, draw, wrap,
};
use crate::figures::drawing::footer;
use crate::model::cells::metrics;
use crate::model::grid::Grid;
use crate::model::groups::pruning_of;
use crate::model::inputs::inputs_of;
use jackpot_results::{CheckSummary, Named, PruningSummary};
use jackpot_study::CheckTarget;
use std::collections::BTreeMap;

/// Half of a box's width and height.
const HALF: (i32, i32) = (150, 36);
const LINE: i32 = 44;
/// The height at which the drawing ends and the list begins.
const WORDS: i32 = 1190;

/// A box: its centre and its text.
type Place = ((i32, i32), &'static str);

const IMAGES: Place = ((230, 60), "training images");
const WEIGHTS: Place = ((1130, 60), "first weights");
const DENSE: Place = ((680, 230), "dense training");
const SCORES: Place = ((420, 420), "scores");
const COUNTS: Place = ((960, 420), "kept per layer");
const MASK: Place = ((680, 590), "mask");
const TICKET: Place = ((680, 760), "ticket");
const TRAINING: Place = ((680, 930), "its training");
const ACCURACY: Place = ((680, 1100), "test accuracy");

/// One transition.
struct Arrow {
    from: Place,
    to: Place,
    path: &'static [(i32, i32)],
    /// The word beside it, with its position.
    word: &'static str,
    at: (i32, i32),
    side: Anchor,
    /// Its text in the list.
    about: String,
}

pub(super) fn figure(grid: &Grid<'_>) -> Result<Figure, Error> {
    let inputs = inputs_of(metrics(&grid.cells));
    let arrows = arrows(&Study::new(grid));
    let mut lines = Vec::new();
    for (i, arrow) in arrows.iter().enumerate() {
        let words = format!("{} → {}: {}", arrow.from.1, arrow.to.1, arrow.about);
        for (j, line) in wrap(&words, SMALL, WIDTH - 110).into_iter().enumerate() {
            lines.push((if j == 0 { Some(i + 1) } else { None }, line));
        }
    }
    let height = WORDS + lines.len() as i32 * LINE + 60;
    let drawing = draw("pipeline", height, |canvas| {
        for (i, arrow) in arrows.iter().enumerate() {
            canvas.arrow(arrow.path, INK)?;
            let word = format!("{} {}", i + 1, arrow.word);
            canvas.text(&word, arrow.at, SMALL, COLOURS[0], arrow.side)?;
        }
        boxes(canvas, &arrows)?;
        for (i, (number, line)) in lines.iter().enumerate() {
            let y = WORDS + i as i32 * LINE;
            if let Some(number) = number {
                let at = (60, y);
                canvas.text(&number.to_string(), at, SMALL, COLOURS[0], Anchor::Right)?;
            }
            canvas.text(line, (80, y), SMALL, INK, Anchor::Left)?;
        }
        let footer = footer(&grid.outline.name, &inputs);
        canvas.text(&footer, (16, height - 26), FINE, GREY, Anchor::Left)
    })?;
    Ok(Figure {
        name: "pipeline",
        title: "The pipeline of this study",
        caption: "Every stage that a ticket of this study goes through, every transition with \
                  its number; the list says which tickets take it and which checks change it. The \
                  ticket's own training and the test images are never changed."
            .into(),
        inputs,
        points: None,
        drawing,
    })
}

/// Draws the boxes that some arrow touches.
fn boxes(canvas: &Canvas<'_>, arrows: &[Arrow]) -> Result<(), String> {
    let all: BTreeMap<(i32, i32), &str> = arrows.iter().flat_map(|a| [a.from, a.to]).collect();
    for ((x, y), words) in all {
        let (from, to) = ((x - HALF.0, y - HALF.1), (x + HALF.0, y + HALF.1));
        canvas.rectangle(from, to, BAND)?;
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        canvas.line(&corners, INK, 3, None)?;
        canvas.text(words, (x, y), TEXT, INK, Anchor::Centre)?;
    }
    Ok(())
}

/// The tickets and checks that the labels of arrows name.
struct Study<'g, 'a> {
    grid: &'g Grid<'a>,
    tickets: Vec<(&'a Named, &'a PruningSummary)>,
}

impl<'g, 'a> Study<'g, 'a> {
    fn new(grid: &'g Grid<'a>) -> Self {
        let tickets = grid.outline.tickets.iter();
        let tickets = tickets
            .filter_map(|t| Some((t, pruning_of(grid, t)?)))
            .collect();
        Study { grid, tickets }
    }

    /// The titles of the tickets for which `is` holds, or an empty text if there are none.
    fn titles(&self, is: impl Fn(&Named, &PruningSummary) -> bool) -> String {
        let mut titles = self
            .tickets
            .iter()
            .filter(|(t, w)| is(t, w))
            .map(|(t, _)| &t.title);
        let first = titles.next().cloned().unwrap_or_default();
        titles.fold(first, |all, title| format!("{all} · {title}"))
    }

    /// "; changed by TITLE (item)" with every check for which `how` gives items.
    fn changed(&self, how: impl Fn(&CheckSummary) -> Vec<String>) -> String {
        let checks = self.grid.outline.checks.iter().filter_map(|check| {
            let items = how(self.grid.outline.changes.get(&check.name)?);
            (!items.is_empty()).then(|| format!("{} ({})", check.title, items.join(", ")))
        });
        let checks: Vec<String> = checks.collect();
        if checks.is_empty() {
            String::new()
        } else {
            format!("; changed by {}", checks.join(", "))
        }
    }

    /// Whether a method drew batches for the ticket.
    fn draws(&self, ticket: &Named) -> bool {
        let mut cells = self.grid.cells.iter().filter(|c| c.ticket == ticket);
        cells.any(|c| c.lineage().is_some_and(|l| l.scoring.is_some()))
    }

    /// "5 epochs", or the epochs of each ticket if they differ.
    fn epochs(&self) -> String {
        let mut by: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for (ticket, _) in &self.tickets {
            if let Some(way) = self.grid.outline.ways.get(&ticket.name) {
                by.entry(way.epochs).or_default().push(&ticket.title);
            }
        }
        let one = by.len() < 2;
        let words = by.iter().map(|(n, titles)| {
            if one {
                format!("{n} epochs")
            } else {
                format!("{n} epochs: {}", titles.join(" · "))
            }
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

/// The steps of a check on one of these targets.
fn steps(change: &CheckSummary, on: &[CheckTarget]) -> Vec<String> {
    let steps = change
        .steps
        .iter()
        .filter(|(target, _)| on.contains(target));
    steps.map(|(_, item)| item.clone()).collect()
}

/// As [`steps`], with a phrase for a check that only changes how the pretraining runs.
fn on_pretraining(change: &CheckSummary) -> Vec<String> {
    let found = steps(change, &[CheckTarget::Data, CheckTarget::PretrainingData]);
    if found.is_empty() && change.on_data && change.steps.is_empty() {
        vec!["other steps or order".into()]
    } else {
        found
    }
}

fn arrows(study: &Study<'_, '_>) -> Vec<Arrow> {
    let mut arrows = to_scores(study);
    arrows.extend(to_ticket(study));
    let epochs = study.epochs();
    let more = [
        (
            (IMAGES, TRAINING),
            &[(140, 96), (140, 930), (530, 930)][..],
            ("train", (200, 902), Anchor::Left),
            format!("clean, always; {epochs}"),
        ),
        (
            (TICKET, TRAINING),
            &[(680, 796), (680, 894)][..],
            ("start", (704, 845), Anchor::Left),
            "pruned weights stay 0".into(),
        ),
        (
            (TRAINING, ACCURACY),
            &[(680, 966), (680, 1064)][..],
            ("evaluate", (704, 1015), Anchor::Left),
            "clean test images, after every epoch".into(),
        ),
    ];
    arrows.extend(more.map(arrow));
    arrows
}

type ArrowParts = (
    (Place, Place),
    &'static [(i32, i32)],
    (&'static str, (i32, i32), Anchor),
    String,
);

fn arrow(((from, to), path, (word, at, side), about): ArrowParts) -> Arrow {
    Arrow {
        from,
        to,
        path,
        word,
        at,
        side,
        about,
    }
}

/// The arrows up to the scores. Arrows that no ticket takes are left out.
fn to_scores(study: &Study<'_, '_>) -> Vec<Arrow> {
    let learned = study.titles(|_, w| w.of_learned || w.start_learned || w.rounds.is_some());
    let pretraining = study.changed(on_pretraining);
    let dense = study
        .grid
        .outline
        .ways
        .values()
        .find(|w| w.sparse.is_none());
    let long = dense.map_or(String::new(), |w| format!("{} epochs, ", w.epochs));
    let batches = study.titles(|t, _| study.draws(t));
    let first = study.titles(|_, w| !w.of_learned && !w.of_object && !w.is_random());
    let trained = study.titles(|_, w| w.of_learned);
    let scoring = study.changed(|c| steps(c, &[CheckTarget::Data, CheckTarget::ScoringData]));
    let all: [(&str, ArrowParts); 5] = [
        (
            &learned,
            (
                (IMAGES, DENSE),
                &[(380, 80), (600, 194)],
                ("pretrain", (520, 106), Anchor::Left),
                format!("{long}for {learned}{pretraining}"),
            ),
        ),
        (
            &learned,
            (
                (WEIGHTS, DENSE),
                &[(980, 80), (760, 194)],
                ("start", (856, 106), Anchor::Right),
                "the weights that pretraining starts from".into(),
            ),
        ),
        (
            &batches,
            (
                (IMAGES, SCORES),
                &[(250, 96), (330, 384)],
                ("batches", (312, 240), Anchor::Left),
                format!("{batches}{scoring}"),
            ),
        ),
        (
            &first,
            (
                (WEIGHTS, SCORES),
                &[(1040, 96), (1040, 330), (620, 330), (620, 402), (570, 402)],
                ("score", (700, 304), Anchor::Left),
                first.clone(),
            ),
        ),
        (
            &trained,
            (
                (DENSE, SCORES),
                &[(560, 266), (460, 384)],
                ("score", (486, 318), Anchor::Right),
                trained.clone(),
            ),
        ),
    ];
    let taken = all.into_iter().filter(|(tickets, _)| !tickets.is_empty());
    taken.map(|(_, parts)| arrow(parts)).collect()
}

/// The arrows from the scores to the ticket.
fn to_ticket(study: &Study<'_, '_>) -> Vec<Arrow> {
    let mut rules: Vec<(String, String)> = Vec::new();
    for (_, way) in &study.tickets {
        if !rules.iter().any(|(rule, _)| *rule == way.allocation) {
            let titles = study.titles(|_, w| w.allocation == way.allocation);
            rules.push((way.allocation.clone(), titles));
        }
    }
    let rules: Vec<String> = rules.iter().map(|(r, t)| format!("{r}: {t}")).collect();
    let random = study.titles(|_, w| w.is_random());
    let random = if random.is_empty() {
        String::new()
    } else {
        format!("; scores drawn at random: {random}")
    };
    let rewound = study.titles(|_, w| !w.start_learned && !w.start_object);
    let kept = study.titles(|_, w| w.start_learned);
    let on = |target: CheckTarget| study.changed(move |c| steps(c, &[target]));
    let weights = on(CheckTarget::Weights);
    let all: [(bool, ArrowParts); 5] = [
        (
            true,
            (
                (SCORES, MASK),
                &[(470, 456), (600, 554)],
                ("keep the largest", (512, 512), Anchor::Right),
                format!(
                    "of each layer, or of all{random}{}",
                    on(CheckTarget::Scores)
                ),
            ),
        ),
        (
            true,
            (
                (COUNTS, MASK),
                &[(900, 456), (760, 554)],
                ("how many", (858, 512), Anchor::Left),
                rules.join("; "),
            ),
        ),
        (
            true,
            (
                (MASK, TICKET),
                &[(680, 626), (680, 724)],
                ("prune", (704, 675), Anchor::Left),
                format!("what is not kept becomes 0{}", on(CheckTarget::Mask)),
            ),
        ),
        (
            !rewound.is_empty(),
            (
                (WEIGHTS, TICKET),
                &[(1250, 96), (1250, 780), (830, 780)],
                ("rewind", (900, 814), Anchor::Left),
                format!("{rewound}{weights}"),
            ),
        ),
        (
            !kept.is_empty(),
            (
                (DENSE, TICKET),
                &[(830, 245), (1180, 245), (1180, 740), (830, 740)],
                ("go on", (900, 712), Anchor::Left),
                format!("{kept}{weights}"),
            ),
        ),
    ];
    let taken = all.into_iter().filter(|(taken, _)| *taken);
    taken.map(|(_, parts)| arrow(parts)).collect()
}
