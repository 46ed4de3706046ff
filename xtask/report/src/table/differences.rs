//! Paired differences with intervals: a check against its ticket, a ticket against the smart
//! random ticket.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value, spell};
use crate::cells::{DENSE, Grid, metrics};
use crate::contrast::{Contrast, Estimate, Estimated, LEVEL, Role, SMART, estimates};
use crate::digest::of_inputs;

const CONTRASTS: [Contrast; 2] = [Contrast::Check, Contrast::Smart];

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let mut sections = Vec::new();
    for contrast in CONTRASTS {
        for sparsity in grid.sparsities() {
            let found = estimates(grid, contrast, sparsity);
            if !found.is_empty() {
                sections.push(section(contrast, sparsity, &found));
            }
        }
    }
    Table {
        name: "differences",
        title: "paired differences",
        about: about(grid),
        sections,
        data: Data::Rows,
        keys: &["contrast", "sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(grid.cells.iter().filter(|c| c.sparsity != DENSE))),
    }
}

fn about(grid: &Grid<'_>) -> Vec<String> {
    let mut about = vec![
        format!(
            "Mean difference between two runs of the same seed, over seeds, with a {:.0} % interval \
             (Student's t). The standard deviation of the differences is pooled over the cells of \
             one contrast and sparsity; cells with a collapsed or diverged run are left out of the \
             pool and use their own. Cells that share an arm are not independent, so the pooled \
             degrees of freedom (df) are an upper bound. The intervals are one cell's each, with no \
             correction for their number.",
            LEVEL * 100.0
        ),
        "*identical* marks a pair whose two arms are the same run by construction: nothing was \
         measured there. *A/A control* marks a pair whose arms have the same law, so that what \
         shows is noise; *positive control* one that is expected to differ."
            .into(),
    ];
    if !grid.outline.tickets.iter().any(|t| t.name == SMART) {
        about.push(format!(
            "This study has no ticket called `{SMART}` to compare the others with."
        ));
    }
    about
}

fn section(contrast: Contrast, sparsity: &str, rows: &[Estimated<'_, '_>]) -> Section {
    let what = match contrast {
        Contrast::Check => "check − unmodified ticket",
        Contrast::Smart => "ticket − smart random ticket",
    };
    let words = |name: &str| Column::new(Kind::Words, name, name);
    let check = match contrast {
        Contrast::Check => words("check"),
        Contrast::Smart => Column::hidden(Kind::Words, "check"),
    };
    let columns = vec![
        Column::hidden(Kind::Words, "contrast"),
        Column::hidden(Kind::Words, "sparsity"),
        words("ticket"),
        check,
        Column::hidden(Kind::Words, "role"),
        Column::hidden(Kind::Words, "state"),
        Column::new(Kind::Interval, "accuracy", "accuracy, points"),
        Column::new(Kind::Interval, "test_loss", "test loss"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Spread, "accuracy", "sd (df), points"),
        Column::hidden(Kind::Spread, "test_loss"),
        Column::new(Kind::Notes, "notes", "notes"),
    ];
    Section {
        heading: format!("{}: {what}", spell::sparsity(sparsity)),
        columns,
        rows: rows.iter().map(row).collect(),
    }
}

fn row(estimated: &Estimated<'_, '_>) -> Vec<Entry> {
    let pair = &estimated.pair;
    let identical = is_identical(estimated);
    let from = |value| Entry::from(value, pair.keys.iter().copied());
    let own = |value| match identical {
        true => Value::Blank.into(),
        false => from(value),
    };
    let accuracy = match identical {
        true => Value::Absent("identical").into(),
        false => from(interval(estimated.accuracy, 2)),
    };
    vec![
        Entry::text(match pair.contrast {
            Contrast::Check => "check-ticket",
            Contrast::Smart => "ticket-smart",
        }),
        Entry::text(pair.cell.sparsity),
        Entry::named(pair.cell.ticket),
        Entry::check(pair.cell.check),
        Entry::text(match pair.role {
            Role::Question => "question",
            Role::SameLaw => "a/a control",
            Role::Positive => "positive control",
        }),
        Entry::text(state(estimated)),
        accuracy,
        own(interval(estimated.loss, 4)),
        match identical {
            true => Value::Of(0, 0).into(),
            false => from(Value::Of(pair.accuracy.len(), pair.asked)),
        },
        own(spread(estimated.accuracy, 2)),
        own(spread(estimated.loss, 4)),
        Entry::text(notes(estimated).join("; ")),
    ]
}

fn state(estimated: &Estimated<'_, '_>) -> &'static str {
    match estimated {
        e if is_identical(e) => "identical",
        e if e.accuracy.is_none() => "missing",
        e if e.pair.accuracy.len() < e.pair.asked => "incomplete",
        _ => "measured",
    }
}

pub(super) fn interval(estimate: Option<Estimate>, digits: usize) -> Value {
    estimate.map_or(Value::Absent(NOTHING), |e| Value::Interval {
        mean: e.mean,
        bounds: e.half.map(|half| (e.mean - half, e.mean + half)),
        digits,
    })
}

fn spread(estimate: Option<Estimate>, digits: usize) -> Value {
    let spread = estimate.and_then(|e| e.spread);
    spread.map_or(Value::Absent(NOTHING), |s| Value::Spread {
        sd: s.sd,
        df: s.df as u64,
        digits,
    })
}

fn is_identical(estimated: &Estimated<'_, '_>) -> bool {
    estimated.accuracy.is_none() && estimated.pair.identical == estimated.pair.asked
}

pub(super) fn notes(estimated: &Estimated<'_, '_>) -> Vec<String> {
    let pair = &estimated.pair;
    let mut notes = Vec::new();
    match pair.role {
        Role::Question => {}
        Role::SameLaw => notes.push("A/A control".into()),
        Role::Positive => notes.push("positive control".into()),
    }
    match pair.because {
        Some(because) => notes.push(format!("not run: {}", spell::reason(because))),
        None if pair.identical > 0 => {
            let which = match pair.identical == pair.asked {
                true => String::new(),
                false => format!(" in {} of {} seeds", pair.identical, pair.asked),
            };
            notes.push(format!("both arms are one training (one recipe){which}"));
        }
        None => {}
    }
    if pair.unlike {
        notes.push("collapsed or diverged runs: own standard deviation".into());
    }
    notes
}
