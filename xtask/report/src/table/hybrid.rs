//! Hybrid tickets against what they are made of: learning-rate rewinding and the random ticket.

use super::{Column, Data, Entry, Kind, Section, Table, Value, differences, spell, verdicts};
use crate::cells::{Cell, Grid, UNMODIFIED, metrics};
use crate::digest::of_inputs;
use crate::groups::Group;
use crate::groups::{kind, members};
use crate::verdict::scope_title;
use jackpot_results::{ContrastScope as Scope, Finding};
use jackpot_study::{Arm, TicketKind};

pub(super) fn table(grid: &Grid<'_>) -> Table {
    let all = members(grid, Group::Hybrid);
    let is_hybrid = |name: &str| {
        let mut hybrids = all
            .iter()
            .filter(|t| kind(grid, t) == Some(TicketKind::Hybrid));
        hybrids.any(|t| t.name == name)
    };
    // Tickets of two arms as they are, the hybrid one first: as the analysis compares them.
    let about_one = |f: &&Finding| {
        let unmodified = |arm: &Arm| arm.check.is_none();
        let (plus, minus) = (&f.contrast.plus, &f.contrast.minus);
        let unmodified = unmodified(plus) && unmodified(minus);
        f.contrast.is_pair() && unmodified && is_hybrid(&plus.ticket) && plus != minus
    };
    let findings = || grid.findings.found.findings.iter().filter(about_one);
    let mut scopes: Vec<Scope> = grid.sparsities().into_iter().map(of_sparsity).collect();
    scopes.extend([Scope::Average, Scope::AverageUncollapsed]);
    let sections = scopes.iter().filter_map(|scope| {
        let here = findings().filter(|f| f.scope == *scope);
        let rows = here.map(|f| row(grid, f)).collect();
        let section = Section::of("", columns(scope), rows)?;
        let heading = match scope {
            Scope::Sparsity(text) => spell::sparsity(text),
            other => crate::verdict::capital(&scope_title(other)),
        };
        Some(Section { heading, ..section })
    });
    let mut about = vec![
        "Hybrid tickets (scores of trained weights within counts that no score chose, trained on \
         from those weights) against what they are made of. *Difference* is hybrid − other over \
         pairs of one seed, with a 95 % interval, and *verdict* what the analysis says of it, both as in the \
         table of verdicts. Averages over sparsities are of each seed; those without collapse leave \
         out sparsities at which a run of either collapsed or diverged."
            .into(),
    ];
    if !all.iter().any(|t| is_hybrid(&t.name)) {
        about.push("This study has no hybrid ticket.".into());
    }
    Table {
        name: "hybrid",
        title: "hybrid tickets",
        about,
        sections: sections.collect(),
        data: Data::Rows,
        keys: &["scope", "ticket", "against"],
        // A deviation is pooled over more cells than those that are shown.
        inputs: of_inputs(metrics(&grid.cells)),
    }
}

fn of_sparsity(text: &str) -> Scope {
    Scope::Sparsity(text.to_owned())
}

/// An average has no accuracies of one cell.
fn columns(scope: &Scope) -> Vec<Column> {
    let cell = |kind, name: &str, title: &str| match scope {
        Scope::Sparsity(_) => Column::new(kind, name, title),
        _ => Column::hidden(kind, name),
    };
    vec![
        Column::hidden(Kind::Words, "scope"),
        Column::new(Kind::Words, "ticket", "hybrid"),
        Column::new(Kind::Words, "against", "against"),
        cell(Kind::MeanSd, "accuracy", "hybrid, %"),
        cell(Kind::MeanSd, "other_accuracy", "other, %"),
        Column::new(Kind::Interval, "difference", "difference, points"),
        Column::new(Kind::Words, "verdict", "verdict"),
        Column::new(Kind::Of, "n", "n"),
        cell(Kind::Count, "pairs_collapsed", "pairs collapsed"),
        Column::new(Kind::Notes, "notes", "notes"),
    ]
}

fn row(grid: &Grid<'_>, f: &Finding) -> Vec<Entry> {
    let from = |value| Entry::from(value, f.keys.iter().copied());
    let cell = |arm: &Arm| match &f.scope {
        Scope::Sparsity(text) => grid.cell(text, &arm.ticket, UNMODIFIED),
        _ => None,
    };
    let (arm, base) = (cell(&f.contrast.plus), cell(&f.contrast.minus));
    let accuracy = |cell: Option<&Cell<'_>>| match cell {
        Some(cell) => Entry::from(Value::mean_sd(grid.summary(cell).accuracy, 2), cell.keys()),
        None => Value::Blank.into(),
    };
    let [plus, minus] = verdicts::arms(grid, &f.contrast);
    vec![
        Entry::text(f.scope.word()),
        plus,
        minus,
        accuracy(arm),
        accuracy(base),
        from(Value::difference(&f.accuracy.estimate, 2)),
        from(verdicts::verdict(&f.accuracy)),
        from(Value::Of(f.seeds.len(), f.asked)),
        match arm.zip(base) {
            Some((arm, base)) => Value::Count(collapsed(grid, arm, base)).into(),
            None => Value::Blank.into(),
        },
        Entry::text(differences::notes(grid, f).join("; ")),
    ]
}

/// Pairs of one seed of which an arm collapsed or diverged.
fn collapsed(grid: &Grid<'_>, arm: &Cell<'_>, base: &Cell<'_>) -> u64 {
    let pairs = arm
        .trained()
        .filter_map(|(seed, a)| Some((a, base.of_seed(seed)?)));
    let collapsed = pairs.filter(|(a, b)| !(grid.learned(a) && grid.learned(b)));
    collapsed.count() as u64
}
