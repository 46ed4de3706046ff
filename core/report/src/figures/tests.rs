//! What every figure must be, whatever a study is like: nothing outside the canvas, no two texts
//! on each other, and as many points as its file has rows.
//! `JACKPOT_DRAW_TO=FOLDER cargo test` leaves the figures there, to be looked at.

#[allow(dead_code, clippy::unwrap_used)] // shared with the tests outside; helpers may unwrap
#[path = "../../tests/synthetic/mod.rs"]
mod synthetic;

#[allow(dead_code)] // shared with the tests outside
#[path = "../../tests/neutral/mod.rs"]
mod neutral;

use super::drawing::canvas::{Ends, WIDTH, Words};
use super::{Figure, all};
use crate::formats::figure_files;
use crate::model::grid::Grid;
use jackpot_results::{
    Before, Named, Outline, Pretrained, PruningSummary, Results, Run, RunOutcome, TicketSummary,
};
use jackpot_store::Digest;
use jackpot_study::{FIGURES, Lineage, Overlap, TicketKind};
use std::collections::{BTreeMap, BTreeSet};
use synthetic::{draw, layers, outline, trained};

/// Name, method, rule, epochs before, whether training starts from trained weights.
type Kind = (&'static str, &'static str, &'static str, u32, bool);

const TICKETS: [Kind; 12] = [
    ("lottery", "magnitude", "global", 5, false),
    ("imp", "magnitude", "global", 60, false),
    ("snip", "snip", "global", 0, false),
    ("grasp", "grasp", "global", 0, false),
    ("synflow", "synflow", "global", 0, false),
    ("magnitude", "magnitude", "global", 0, false),
    ("smart", "random", "smart-ratio", 0, false),
    ("uniform", "random", "uniform", 0, false),
    ("erk", "random", "erk", 0, false),
    ("lr-rewinding", "magnitude", "global", 5, true),
    ("hybrid", "magnitude", "smart-ratio", 5, true),
    ("weight-rewinding", "magnitude", "global", 5, true),
];
const SPARSITIES: [&str; 6] = ["0.8", "0.9", "0.95", "0.98", "0.99", "0.999"];

/// What a ticket of this name is like; `snip.3` is one of many like `snip`.
fn kind(name: &str) -> Option<&'static Kind> {
    let like = name.split('.').next().unwrap_or(name);
    TICKETS.iter().find(|t| t.0 == like)
}

/// What a made-up study is like.
struct Shape {
    tickets: usize,
    sparsities: usize,
    seeds: u64,
    long: bool,
    collapsed: bool,
}

const LARGE: Shape = Shape {
    tickets: 12,
    sparsities: 6,
    seeds: 3,
    long: false,
    collapsed: false,
};

impl Shape {
    fn title(&self, name: &str) -> String {
        match name.split_once('.') {
            // What tells one of a block from the others stands at the end, as `each` writes it.
            Some((_, number)) => {
                format!(
                    "A ticket of one block with its ratios counted layer by layer, number {number}"
                )
            }
            None if self.long => {
                format!("{name}, scored once on one balanced batch of the training set")
            }
            None => name.to_owned(),
        }
    }

    fn outline(&self) -> Outline {
        let mut outline = outline();
        let ticket = |name: &str| {
            let mut named = outline.tickets[0].clone();
            named.name = name.to_owned();
            named.title = self.title(name);
            named
        };
        let name = |i: usize| match (i / TICKETS.len(), TICKETS[i % TICKETS.len()].0) {
            (0, name) if self.tickets <= TICKETS.len() => name.to_owned(),
            (_, name) => format!("{name}.{i}"),
        };
        let tickets: Vec<Named> = std::iter::once("dense".to_owned())
            .chain((0..self.tickets).map(name))
            .map(|name| ticket(&name))
            .collect();
        if self.long {
            for check in &mut outline.checks {
                check.title = format!(
                    "{}: what every layer keeps is moved to random places of the same layer, as in section 4 of the paper",
                    check.title
                );
            }
        }
        outline.ways = tickets
            .iter()
            .map(|t| (t.name.clone(), way(&t.name)))
            .collect();
        outline.tickets = tickets;
        outline.sparsities = SPARSITIES[..self.sparsities]
            .iter()
            .map(|s| (*s).into())
            .collect();
        outline.seeds = (1..=self.seeds).collect();
        outline.figures = FIGURES.iter().map(|f| (*f).into()).collect();
        outline
    }

    fn results(&self, outline: &Outline) -> Results {
        let mut results = synthetic::results();
        results.runs.clear();
        for ticket in &outline.tickets {
            let dense = ticket.name == "dense";
            for sparsity in &outline.sparsities {
                for check in ["none", "corrupted", "rearrange"] {
                    for seed in 1..=self.seeds {
                        if dense && (check != "none" || sparsity != &outline.sparsities[0]) {
                            continue;
                        }
                        results.runs.push(Run {
                            ticket: ticket.name.clone(),
                            check: check.into(),
                            sparsity: if dense { "0" } else { sparsity.as_str() }.into(),
                            seed,
                            outcome: self.outcome(&ticket.name, check, sparsity, seed),
                            ..results_run()
                        });
                    }
                }
            }
        }
        results.overlaps = overlaps(outline);
        results
    }

    fn outcome(&self, ticket: &str, check: &str, sparsity: &str, seed: u64) -> RunOutcome {
        let random = kind(ticket).is_some_and(|t| t.1 == "random");
        if random && check == "corrupted" {
            let because = "the ticket reads no data".into();
            return RunOutcome::Identical { because };
        }
        let density = 1.0 - sparsity.parse::<f64>().unwrap();
        let name = format!("{ticket} {check} {sparsity} {seed}");
        let level = 88.0 + 6.0 * (density * 2.0).log10() + 1.5 * draw(ticket) + draw(&name);
        let gone = self.collapsed || (sparsity == "0.999" && ticket == "snip");
        let accuracy = if gone { 10.0 } else { level };
        let counts = match ticket {
            "dense" => Vec::new(),
            _ => layers(ticket, sparsity, seed),
        };
        let mut found = trained(&name, accuracy, 0.5, counts);
        let before = kind(ticket).map_or(0, |t| t.3);
        let pretraining = (before > 0).then(|| "clean".to_owned());
        found.lineage = Some(Box::new(Lineage {
            scoring: (ticket == "snip").then(|| "clean".to_owned()),
            pretraining,
            training: "clean".into(),
            epochs: (5 + before).to_string(),
        }));
        found.pretraining = (before > 0).then(|| {
            Box::new(Pretrained {
                key: Digest::of(b"dense"),
                metrics: Digest::of(b"dense metrics"),
                epochs: 5,
                train_accuracy: 91.0,
                test_accuracy: 88.0,
            })
        });
        found.before = (before > 0).then(|| Before {
            key: Digest::of(format!("before {name}").as_bytes()),
            metrics: Digest::of(format!("metrics before {name}").as_bytes()),
            accuracy: 10.0 + 78.0 * density + draw(&name),
            test_loss: 2.3,
        });
        RunOutcome::Done(found)
    }
}

fn results_run() -> Run {
    synthetic::results().runs.remove(0)
}

fn way(name: &str) -> TicketSummary {
    let kind = kind(name);
    let sparse = kind.map(|(_, method, rule, before, learned)| PruningSummary {
        scores: (*method).into(),
        method: (*method).into(),
        of: "the initial weights".into(),
        of_learned: *before > 0,
        of_object: false,
        allocation: (*rule).into(),
        rule: (*rule).into(),
        unit: Default::default(),
        start: "the initial weights".into(),
        start_learned: *learned,
        start_object: false,
        rounds: (name == "imp").then_some(0.2),
        kind: Some(match (*method, *rule, *learned) {
            ("random", "smart-ratio", false) => TicketKind::Smart,
            ("random", _, false) => TicketKind::Random,
            (_, _, false) => TicketKind::Initial,
            (_, "global", true) => TicketKind::PartiallyTrained,
            (.., true) => TicketKind::Hybrid,
        }),
    });
    TicketSummary {
        epochs: 5,
        learning_rate: 0.1,
        sparse,
    }
}

fn overlaps(outline: &Outline) -> Vec<Overlap> {
    let mut found = Vec::new();
    let sparse = &outline.tickets[1..];
    for sparsity in &outline.sparsities {
        for (i, first) in sparse.iter().enumerate() {
            for second in &sparse[i + 1..] {
                let names = format!("{} {} {sparsity}", first.name, second.name);
                found.push(Overlap {
                    setting: None,
                    sparsity: sparsity.clone(),
                    seed: 1,
                    first: (first.name.clone(), "none".into()),
                    second: (second.name.clone(), "none".into()),
                    masks: [
                        Digest::of(names.as_bytes()),
                        Digest::of(first.name.as_bytes()),
                    ],
                    kept: [1000, 1000],
                    shared: (500.0 + 500.0 * draw(&names)) as u64,
                    chance: 120.0,
                    width: 20.0,
                });
            }
        }
    }
    found
}

fn touch(a: &Words, b: &Words) -> bool {
    let apart =
        a.to.0 <= b.from.0 || b.to.0 <= a.from.0 || a.to.1 <= b.from.1 || b.to.1 <= a.from.1;
    !apart
}

/// Labels that are cut, by what they stand for: two titles of one label.
fn alike(figure: &Figure) -> Vec<String> {
    let drawing = &figure.drawing;
    let mut labels: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for title in &drawing.titles {
        let inside = |w: &&Words| {
            let from = title.from.0 <= w.from.0 && title.from.1 <= w.from.1;
            from && w.to.0 <= title.to.0 && w.to.1 <= title.to.1
        };
        let lines: Vec<&str> = drawing
            .words
            .iter()
            .filter(inside)
            .map(|w| w.text.as_str())
            .collect();
        labels
            .entry(lines.join(" "))
            .or_default()
            .insert(&title.text);
    }
    let alike = labels.iter().filter(|(_, titles)| titles.len() > 1);
    alike
        .map(|(label, titles)| format!("{}: `{label}` is {titles:?}", figure.name))
        .collect()
}

/// What is wrong with a figure.
fn faults(figure: &Figure) -> Vec<String> {
    let drawing = &figure.drawing;
    let words: Vec<&Words> = drawing
        .words
        .iter()
        .filter(|w| !w.text.is_empty())
        .collect();
    let mut faults = Vec::new();
    for (i, one) in words.iter().enumerate() {
        let inside = one.from.0 >= 0 && one.from.1 >= 0;
        if !inside || one.to.0 > WIDTH || one.to.1 > drawing.height {
            faults.push(format!(
                "{}: `{}` leaves the canvas: {one:?}",
                figure.name, one.text
            ));
        }
        let judging = neutral::judging(&one.text);
        faults.extend(
            judging
                .iter()
                .map(|w| format!("{}: judges: {w}", figure.name)),
        );
        for other in words[i + 1..].iter().filter(|other| touch(one, other)) {
            faults.push(format!("{}: {one:?} on {other:?}", figure.name));
        }
    }
    let holds = |gap: &Ends, w: &Words| {
        let [from, to] = gap;
        from.0 <= w.from.0 && from.1 <= w.from.1 && w.to.0 <= to.0 && w.to.1 <= to.1
    };
    for words in &words {
        let through = |[(x, top), (_, bottom)]: &Ends| {
            let across = words.from.0 < *x && *x < words.to.0;
            across && words.from.1 < *bottom && *top < words.to.1
        };
        let struck = drawing.levels.iter().any(through);
        if struck && !drawing.gaps.iter().any(|gap| holds(gap, words)) {
            faults.push(format!("{}: a line through {words:?}", figure.name));
        }
    }
    faults.extend(alike(figure));
    for (x, y) in &drawing.points {
        if !(0..=WIDTH).contains(x) || !(0..=drawing.height).contains(y) {
            faults.push(format!(
                "{}: a point leaves the canvas: {x}, {y}",
                figure.name
            ));
        }
    }
    let rows = figure.points.as_ref().map(|p| p.height());
    if rows.is_some_and(|rows| rows != drawing.points.len()) {
        let drawn = drawing.points.len();
        faults.push(format!(
            "{}: {drawn} points drawn, {rows:?} in its file",
            figure.name
        ));
    }
    faults
}

#[track_caller]
fn check(name: &str, shape: &Shape) -> Vec<Figure> {
    let outline = shape.outline();
    let results = shape.results(&outline);
    let grid = Grid::new(&outline, &results).unwrap();
    let figures = all(&grid).unwrap();
    assert_eq!(figures.len(), FIGURES.len());
    if let Some(folder) = std::env::var_os("JACKPOT_DRAW_TO") {
        let folder = std::path::Path::new(&folder).join(name);
        for (path, output) in figures.iter().flat_map(|f| figure_files(f).unwrap()) {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, output.bytes).unwrap();
        }
    }
    let faults: Vec<String> = figures.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
    figures
}

#[test]
fn twelve_tickets_at_six_sparsities() {
    let figures = check("twelve", &LARGE);
    let of = |name: &str| figures.iter().find(|f| f.name == name).unwrap();
    let rows = |name: &str| of(name).points.as_ref().unwrap().height();
    // Six initial tickets under three checks, unmodified among them; of the random ones none.
    assert_eq!(rows("initial"), 6 * 3 * 6);
    assert_eq!(rows("partially-trained"), 3 * 3 * 6);
    assert_eq!(rows("tickets"), 12 * 6);
    assert_eq!(rows("hybrid"), 4 * 6);
    assert_eq!(rows("ablation"), 3 * 6);
    assert_eq!(rows("epochs"), 12 * 6);
    // Those that prune trained weights, before and after.
    assert_eq!(rows("before-after"), 5 * 2 * 6);
}

#[test]
fn one_seed_one_sparsity_one_ticket() {
    let shape = Shape {
        tickets: 1,
        sparsities: 1,
        seeds: 1,
        ..LARGE
    };
    check("small", &shape);
}

#[test]
fn long_names() {
    let shape = Shape {
        long: true,
        sparsities: 2,
        ..LARGE
    };
    check("long", &shape);
}

#[test]
fn forty_tickets_of_one_block_are_told_apart() {
    let shape = Shape {
        tickets: 40,
        sparsities: 2,
        seeds: 2,
        long: true,
        collapsed: false,
    };
    let mut figures = check("forty", &shape);
    let accuracy = figures.iter_mut().find(|f| f.name == "accuracy").unwrap();
    // Every title is in the file, whatever its label says.
    let (svg, _) =
        crate::figures::drawing::canvas::render("accuracy", "Accuracy", &accuracy.drawing).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    for i in 0..40 {
        let title = format!(
            "<title>A ticket of one block with its ratios counted layer by layer, number {i}</title>"
        );
        assert_eq!(svg.matches(&title).count(), 1, "{title}");
    }
    // A label that stands for two is seen.
    accuracy.drawing.titles[1].text = "another".into();
    let label = accuracy.drawing.titles[0].clone();
    accuracy.drawing.titles.push(Words {
        text: "a second title".into(),
        ..label
    });
    assert_eq!(faults(accuracy).len(), 1);
}

#[test]
fn words_on_the_dense_networks_line_have_a_gap_in_it() {
    let shape = Shape {
        collapsed: true,
        tickets: 2,
        sparsities: 1,
        ..LARGE
    };
    let outline = shape.outline();
    let mut seen = 0;
    for dense in [10.05, 10.1, 10.15, 10.2, 10.3] {
        let mut results = shape.results(&outline);
        for run in results.runs.iter_mut().filter(|r| r.ticket == "dense") {
            if let RunOutcome::Done(trained) = &mut run.outcome {
                trained.accuracy = dense;
            }
        }
        let grid = Grid::new(&outline, &results).unwrap();
        let mut figure = all(&grid).unwrap().remove(0);
        assert_eq!(figure.name, "accuracy");
        assert_eq!(faults(&figure), [""; 0]);
        figure.drawing.gaps.clear();
        seen += faults(&figure).len();
    }
    assert!(seen > 0, "no words stand on the line");
}

#[test]
fn all_collapsed() {
    let shape = Shape {
        collapsed: true,
        tickets: 8,
        ..LARGE
    };
    check("collapsed", &shape);
}

#[test]
fn a_text_on_another_and_one_outside_are_seen() {
    let outline = LARGE.outline();
    let results = LARGE.results(&outline);
    let grid = Grid::new(&outline, &results).unwrap();
    let mut figure = all(&grid).unwrap().remove(2);
    assert!(faults(&figure).is_empty());
    let first = figure.drawing.words[0].clone();
    figure.drawing.words.push(first);
    assert_eq!(faults(&figure).len(), 1);
    figure.drawing.words.pop();
    let neutral = std::mem::replace(&mut figure.drawing.words[0].text, "the best method".into());
    assert_eq!(faults(&figure).len(), 1);
    figure.drawing.words[0].text = neutral;
    figure.drawing.words[0].from.0 = -1;
    assert_eq!(faults(&figure).len(), 1);
    figure.drawing.points.pop();
    assert_eq!(faults(&figure).len(), 2);
}
