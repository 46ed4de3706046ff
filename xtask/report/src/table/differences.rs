//! Paired differences with intervals: a check against its ticket, a ticket against the smart
//! random ticket.

use super::{Section, Table, frame_error, spell};
use crate::Error;
use crate::cells::{DENSE, Grid, metrics};
use crate::contrast::{Contrast, Estimate, Estimated, LEVEL, Role, SMART, estimates};
use crate::digest::of_inputs;
use crate::stats::settle;
use polars::df;

const CONTRASTS: [Contrast; 2] = [Contrast::Check, Contrast::Smart];

pub(super) fn table(grid: &Grid<'_>) -> Result<Table, Error> {
    let (mut sections, mut all) = (Vec::new(), Vec::new());
    for contrast in CONTRASTS {
        for sparsity in grid.sparsities() {
            let found = estimates(grid, contrast, sparsity);
            if !found.is_empty() {
                sections.push(section(contrast, sparsity, &found));
            }
            all.extend(found);
        }
    }
    Ok(Table {
        name: "differences",
        title: "paired differences",
        about: about(grid),
        sections,
        frame: frame(&all)?,
        keys: &["contrast", "sparsity", "ticket", "check"],
        inputs: of_inputs(metrics(grid.cells.iter().filter(|c| c.sparsity != DENSE))),
    })
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
    let (what, left) = match contrast {
        Contrast::Check => ("check − unmodified ticket", vec!["ticket", "check"]),
        Contrast::Smart => ("ticket − smart random ticket", vec!["ticket"]),
    };
    let heading = format!("{}: {what}", spell::sparsity(sparsity));
    let columns = [
        "accuracy, points",
        "test loss",
        "n",
        "sd (df), points",
        "notes",
    ];
    Section {
        heading,
        left: left.len(),
        header: left.into_iter().chain(columns).map(String::from).collect(),
        rows: rows.iter().map(row).collect(),
    }
}

fn row(estimated: &Estimated<'_, '_>) -> Vec<String> {
    let pair = &estimated.pair;
    let mut row = vec![pair.cell.ticket.title.clone()];
    row.extend(pair.cell.check.map(|c| c.title.clone()));
    let spread = estimated.accuracy.and_then(|e| e.spread);
    row.extend(match is_identical(estimated) {
        true => ["identical", "", "", ""].map(String::from),
        false => [
            interval(estimated.accuracy, 2),
            interval(estimated.loss, 4),
            spell::of(pair.accuracy.len(), pair.asked),
            spread.map_or("–".into(), |s| {
                format!("{} ({})", spell::number(s.sd, 2), s.df)
            }),
        ],
    });
    row.push(notes(estimated).join("; "));
    row
}

fn is_identical(estimated: &Estimated<'_, '_>) -> bool {
    estimated.accuracy.is_none() && estimated.pair.identical == estimated.pair.asked
}

/// `+0.12 [−0.40, +0.64]`, or the mean alone where nothing says how it varies.
fn interval(estimate: Option<Estimate>, digits: usize) -> String {
    match estimate {
        None => "–".into(),
        Some(Estimate {
            mean, half: None, ..
        }) => spell::signed(mean, digits),
        Some(Estimate {
            mean,
            half: Some(half),
            ..
        }) => format!(
            "{} [{}, {}]",
            spell::signed(mean, digits),
            spell::signed(mean - half, digits),
            spell::signed(mean + half, digits)
        ),
    }
}

fn notes(estimated: &Estimated<'_, '_>) -> Vec<String> {
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

fn frame(rows: &[Estimated<'_, '_>]) -> Result<polars::prelude::DataFrame, Error> {
    let accuracy = |of: fn(Estimate) -> Option<f64>| -> Vec<Option<f64>> {
        rows.iter()
            .map(|e| e.accuracy.and_then(of).map(settle))
            .collect()
    };
    let loss = |of: fn(Estimate) -> Option<f64>| -> Vec<Option<f64>> {
        rows.iter()
            .map(|e| e.loss.and_then(of).map(settle))
            .collect()
    };
    let df = |of: fn(&Estimated<'_, '_>) -> Option<Estimate>| -> Vec<Option<u32>> {
        rows.iter()
            .map(|e| of(e).and_then(|x| x.spread).map(|s| s.df as u32))
            .collect()
    };
    let low = |e: Estimate| e.half.map(|half| e.mean - half);
    let high = |e: Estimate| e.half.map(|half| e.mean + half);
    let text = |of: fn(&Estimated<'_, '_>) -> &'static str| rows.iter().map(of).collect::<Vec<_>>();
    df!(
        "contrast" => text(|e| match e.pair.contrast {
            Contrast::Check => "check-ticket",
            Contrast::Smart => "ticket-smart",
        }),
        "sparsity" => rows.iter().map(|e| e.pair.cell.sparsity).collect::<Vec<_>>(),
        "ticket" => rows.iter().map(|e| e.pair.cell.ticket.name.as_str()).collect::<Vec<_>>(),
        "check" => rows.iter().map(|e| e.pair.cell.check_name()).collect::<Vec<_>>(),
        "role" => text(|e| match e.pair.role {
            Role::Question => "question",
            Role::SameLaw => "a/a control",
            Role::Positive => "positive control",
        }),
        "state" => text(|e| match e {
            e if is_identical(e) => "identical",
            e if e.accuracy.is_none() => "missing",
            e if e.pair.accuracy.len() < e.pair.asked => "incomplete",
            _ => "measured",
        }),
        "n" => rows.iter().map(|e| e.pair.accuracy.len() as u32).collect::<Vec<_>>(),
        "accuracy_mean" => accuracy(|e| Some(e.mean)),
        "accuracy_low" => accuracy(low),
        "accuracy_high" => accuracy(high),
        "accuracy_sd" => accuracy(|e| e.spread.map(|s| s.sd)),
        "accuracy_df" => df(|e| e.accuracy),
        "test_loss_mean" => loss(|e| Some(e.mean)),
        "test_loss_low" => loss(low),
        "test_loss_high" => loss(high),
        "test_loss_sd" => loss(|e| e.spread.map(|s| s.sd)),
        "test_loss_df" => df(|e| e.loss),
        "notes" => rows.iter().map(|e| notes(e).join("; ")).collect::<Vec<_>>(),
    )
    .map_err(frame_error("differences"))
}
