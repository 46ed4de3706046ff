//! Table `effects`: the share of the variance between tickets that each of two factors explains.

use crate::model::analysis::titles::scope_title;
use crate::model::cells::metrics;
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::columns::Columns;
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, NOTHING, Value};
use jackpot_results::FoundEffects;
use jackpot_stats::{Effects, Share};
use jackpot_study::CollapsedRuns;

/// The fewest seeds for the jackknife.
const LEAST_SEEDS: usize = 3;

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let declared = &grid.outline.analysis.effects;
    let sections = declared.iter().map(|of| {
        let found = grid.findings.effects.iter().filter(|f| f.of == *of);
        let heading = format!("{} × {}: `{}`", of.rows.name, of.columns.name, of.of);
        columns().section(heading, found.flat_map(rows))
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
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

/// The share of one factor, or of the interaction of both.
struct FactorRow<'g> {
    found: &'g FoundEffects,
    name: String,
    title: String,
    share: Option<Share>,
}

impl FactorRow<'_> {
    fn value(&self, value: Value) -> Entry {
        Entry::of_runs(value, self.found.keys.iter().copied())
    }
}

fn columns<'g>() -> Columns<'static, FactorRow<'g>> {
    let columns: Columns<'static, FactorRow<'g>> = Columns::new();
    columns
        .text("tickets", None, |row| Entry::text(&row.found.of.of))
        .text("scope", "sparsity", |row| {
            let (name, title) = (row.found.scope.word().into(), scope_title(&row.found.scope));
            Value::Named { name, title }.into()
        })
        .text("factor", "factor", |row| {
            let (name, title) = (row.name.clone(), row.title.clone());
            Value::Named { name, title }.into()
        })
        .interval("share", "share, %", |row| {
            let share = row.share.map(|share| Value::Range {
                mean: 100.0 * share.estimate,
                bounds: share.interval.map(|x| 100.0 * x).into(),
                digits: 1,
            });
            row.value(share.unwrap_or(Value::Absent(NOTHING)))
        })
        .number("sd", "sd, points", |row| {
            row.value(Value::number(row.found.effects.map(|e| e.sd), 2))
        })
        .n(|row| row.value(Value::CountOf(row.found.seeds.len(), row.found.asked)))
        .notes(|row| notes(row.found))
}

/// One row for each factor, and one for their interaction.
fn rows(found: &FoundEffects) -> [FactorRow<'_>; 3] {
    let [rows, columns] = [&found.of.rows.name, &found.of.columns.name];
    let share = |of: fn(&Effects) -> Share| found.effects.as_ref().map(of);
    let factors = [
        (rows.clone(), rows.clone(), share(|e| e.rows)),
        (columns.clone(), columns.clone(), share(|e| e.columns)),
        (
            "interaction".into(),
            format!("{rows} × {columns}"),
            share(|e| e.interaction),
        ),
    ];
    factors.map(|(name, title, share)| FactorRow {
        found,
        name,
        title,
        share,
    })
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
