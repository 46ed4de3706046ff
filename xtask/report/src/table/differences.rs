//! The estimates behind the verdicts: one arm minus another, sparsity by sparsity.

use super::{Column, Data, Entry, Kind, Section, Table, Value, verdicts};
use crate::cells::{DENSE, Grid, metrics};
use crate::digest::of_inputs;
use jackpot_results::{ContrastScope as Scope, Finding};
use jackpot_stats::Variance;
use jackpot_study::{Arm, Contrast, Role};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let mut sections = Vec::new();
    for kind in KINDS {
        for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
            let rows: Vec<_> = (found(grid, kind, sparsity).into_iter())
                .map(|f| row(grid, sparsity, f))
                .collect();
            sections.extend(
                Section::of(sparsity, columns(), rows).map(|section| Section {
                    heading: format!("{}: {}", section.heading, kind.title()),
                    ..section
                }),
            );
        }
    }
    Table {
        name: "differences",
        title: "paired differences",
        about: about(grid),
        sections,
        data: Data::Rows,
        keys: &["contrast", "sparsity", "plus", "minus"],
        // A deviation is pooled over more cells than the two arms'.
        inputs: of_inputs(metrics(&grid.cells)),
    }
}

/// What is subtracted from what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    TicketCheck,
    TicketTicket,
    Settings,
    Differences,
    Trend,
}

const KINDS: [Difference; 5] = [
    Difference::TicketCheck,
    Difference::TicketTicket,
    Difference::Settings,
    Difference::Differences,
    Difference::Trend,
];

impl Difference {
    fn of(contrast: &Contrast) -> Difference {
        if !contrast.trend.is_empty() {
            Difference::Trend
        } else if contrast.less.is_some() {
            Difference::Differences
        } else if contrast.is_across_settings() {
            Difference::Settings
        } else if contrast.is_within_ticket() {
            Difference::TicketCheck
        } else {
            Difference::TicketTicket
        }
    }

    /// For programs.
    fn word(self) -> &'static str {
        match self {
            Difference::TicketCheck => "ticket-check",
            Difference::TicketTicket => "ticket-ticket",
            Difference::Settings => "settings",
            Difference::Differences => "difference-of-differences",
            Difference::Trend => "trend",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Difference::TicketCheck => "ticket − the same ticket under a check",
            Difference::TicketTicket => "one ticket − another",
            Difference::Settings => "one setting − another",
            Difference::Differences => "one difference − another",
            Difference::Trend => "the end of a line − its beginning",
        }
    }
}

fn about(grid: &Grid<'_>) -> Vec<String> {
    let deviation = match grid.outline.analysis.variance {
        Variance::Cell => "the cell's own",
        Variance::Pooled => {
            "pooled over the cells of one sparsity, fewer where cells share an arm; cells with a \
             collapsed or diverged run use their own"
        }
    };
    let mut about = vec![
        format!(
            "The estimates that the verdicts are drawn from: the mean, over seeds, of one arm minus \
             another at the same seed, with Student's 95 % interval, uncorrected for the number of \
             cells. *sd (df)* is the standard deviation of the differences that the interval was made \
             with and its degrees of freedom: {deviation}."
        ),
        "*identical* marks a pair whose two arms are the same run by construction: nothing was \
         measured there. *A/A control* marks a pair whose arms have the same law, so that what \
         shows is noise; *positive control* one that is expected to differ."
            .into(),
    ];
    if grid.outline.analysis.contrasts.is_empty() {
        about.push("The analysis of this study compares nothing.".into());
    }
    about
}

/// The findings of one kind at a sparsity, in the order of the study's tickets and checks.
fn found<'g>(grid: &'g Grid<'_>, kind: Difference, sparsity: &str) -> Vec<&'g Finding> {
    let scope = Scope::Sparsity(sparsity.to_owned());
    let here = |f: &&Finding| f.scope == scope && Difference::of(&f.contrast) == kind;
    let place = |arm: &Arm| {
        let ticket = grid.outline.tickets.iter();
        let check = grid.outline.checks.iter();
        let check = |name: &str| check.clone().position(|c| c.name == name);
        (
            ticket.clone().position(|t| t.name == arm.ticket),
            arm.check.as_deref().and_then(check),
        )
    };
    let findings = grid.findings.found.findings.iter();
    let mut all: Vec<&Finding> = findings.filter(here).collect();
    all.sort_by_key(|f| (place(&f.contrast.plus), place(&f.contrast.minus)));
    all
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "contrast"),
        Column::hidden(Kind::Words, "sparsity"),
        Column::new(Kind::Words, "plus", "arm"),
        Column::new(Kind::Words, "minus", "minus"),
        Column::hidden(Kind::Words, "role"),
        Column::hidden(Kind::Words, "state"),
        Column::new(Kind::Interval, "accuracy", "accuracy, points"),
        Column::new(Kind::Interval, "test_loss", "test loss"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Spread, "accuracy", "sd (df), points"),
        Column::hidden(Kind::Spread, "test_loss"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, sparsity: &str, f: &Finding) -> Vec<Entry> {
    let absent = verdicts::not_measured(f);
    let from = |value| Entry::from(value, f.keys.iter().copied());
    let own = |value| match absent {
        Some(_) => Value::Blank.into(),
        None => from(value),
    };
    let (accuracy, loss) = (&f.accuracy.estimate, &f.test_loss.estimate);
    let [plus, minus] = verdicts::arms(grid, &f.contrast);
    vec![
        Entry::text(Difference::of(&f.contrast).word()),
        Entry::text(sparsity),
        plus,
        minus,
        Entry::text(verdicts::part(&f.contrast)),
        Entry::text(state(f)),
        match absent {
            Some(word) => Value::Absent(word).into(),
            None => from(Value::difference(accuracy, 2)),
        },
        own(Value::difference(loss, 4)),
        match absent {
            Some(_) => Value::Of(0, 0).into(),
            None => from(Value::Of(f.seeds.len(), f.asked)),
        },
        own(Value::spread(accuracy, 2)),
        own(Value::spread(loss, 4)),
        Entry::text(notes(grid, f).join("; ")),
    ]
}

fn state(f: &Finding) -> &'static str {
    if let Some(word) = verdicts::not_measured(f) {
        return word;
    }
    match f.seeds.len() {
        0 => "missing",
        n if n < f.asked => "incomplete",
        _ => "measured",
    }
}

/// The part that the pair plays, and what became of its runs.
pub(super) fn notes(grid: &Grid<'_>, f: &Finding) -> Vec<String> {
    let part = match f.contrast.role {
        Role::Question => None,
        Role::SameLaw => Some("A/A control"),
        Role::Positive | Role::NoiseFloor => Some(verdicts::part(&f.contrast)),
    };
    let part = part.map(String::from).into_iter();
    part.chain(verdicts::runs(grid, f)).collect()
}
