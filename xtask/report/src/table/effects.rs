//! Effects of two factors: how much of what their tickets differ by each of them explains.

use super::{Column, Data, Entry, Kind, NOTHING, Section, Table, Value};
use crate::cells::{Grid, metrics};
use crate::digest::of_inputs;
use crate::verdict::scope_title;
use jackpot_results::FoundEffects;
use jackpot_stats::{Effects, Share};
use jackpot_study::CollapsedRuns;

/// With fewer there is no jackknife.
const LEAST_SEEDS: usize = 3;

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let declared = &grid.outline.analysis.effects;
    let sections = declared.iter().map(|of| {
        let found = grid.findings.effects.iter().filter(|f| f.of == *of);
        Section {
            heading: format!("{} × {}: `{}`", of.rows.name, of.columns.name, of.of),
            columns: columns(),
            rows: found.flat_map(rows).collect(),
        }
    });
    let mut about = vec![
        "Tickets of two factors, every level of one with every level of the other. *Share* is the \
         part of the variance between the true mean accuracies of these tickets that is explained \
         by one factor alone, by the other alone, and by neither alone (the interaction); the three \
         sum to 100 %. The noise of single runs is taken off: a variance is the mean, over pairs of \
         seeds, of the product of their effects, so that a share may lie a little below 0 where a \
         factor explains nothing. Intervals are 95 %, from the jackknife over seeds. *sd* is the \
         standard deviation of the tickets' true means. Averages over sparsities are of each seed."
            .into(),
    ];
    about.push(match grid.outline.analysis.collapsed {
        CollapsedRuns::Apart => {
            "Collapsed and diverged runs are in it, and the notes say how many: they widen what the \
             tickets differ by."
        }
        CollapsedRuns::Excluded => "Seeds with a collapsed or diverged run are left out.",
    }
    .into());
    if declared.is_empty() {
        about.push("The analysis of this study declares no effects of two factors.".into());
    }
    Table {
        name: "effects",
        title: "effects of two factors",
        about,
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["tickets", "scope", "factor"],
        inputs: of_inputs(metrics(&grid.cells)),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::hidden(Kind::Words, "tickets"),
        Column::new(Kind::Words, "scope", "sparsity"),
        Column::new(Kind::Words, "factor", "factor"),
        Column::new(Kind::Interval, "share", "share, %"),
        Column::new(Kind::Number, "sd", "sd, points"),
        Column::new(Kind::Of, "n", "n"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

/// One row a factor, and one for their interaction.
fn rows(f: &FoundEffects) -> Vec<Vec<Entry>> {
    let [rows, columns] = [&f.of.rows.name, &f.of.columns.name];
    let share = |of: fn(&Effects) -> Share| f.effects.as_ref().map(of);
    let factors = [
        (rows.clone(), rows.clone(), share(|e| e.rows)),
        (columns.clone(), columns.clone(), share(|e| e.columns)),
        (
            "interaction".into(),
            format!("{rows} × {columns}"),
            share(|e| e.interaction),
        ),
    ];
    factors
        .map(|(name, title, share)| row(f, name, title, share))
        .into()
}

fn row(f: &FoundEffects, name: String, title: String, share: Option<Share>) -> Vec<Entry> {
    let from = |value| Entry::from(value, f.keys.iter().copied());
    let share = share.map_or(Value::Absent(NOTHING), |share| Value::Range {
        mean: 100.0 * share.estimate,
        bounds: share.interval.map(|x| 100.0 * x).into(),
        digits: 1,
    });
    vec![
        Entry::text(f.of.of.clone()),
        Value::Named {
            name: f.scope.word().into(),
            title: scope_title(&f.scope),
        }
        .into(),
        Value::Named { name, title }.into(),
        from(share),
        from(Value::number(f.effects.map(|e| e.sd), 2)),
        from(Value::Of(f.seeds.len(), f.asked)),
        Entry::text(notes(f).join("; ")),
    ]
}

fn notes(f: &FoundEffects) -> Vec<String> {
    let mut notes = Vec::new();
    if f.effects.is_none() {
        notes.push(match f.seeds.len() {
            n if n < LEAST_SEEDS => {
                format!("needs {LEAST_SEEDS} seeds of which every run is there")
            }
            _ => "nothing is left when the noise of single runs is taken off".into(),
        });
    }
    if f.collapsed > 0 {
        notes.push(format!(
            "{} of {} runs in it collapsed or diverged",
            f.collapsed, f.runs
        ));
    }
    notes
}
