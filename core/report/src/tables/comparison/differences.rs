//! Table `differences`: the estimates behind the verdicts, one arm minus another at each sparsity.

use crate::model::cells::metrics;
use crate::model::format::{self, DENSE};
use crate::model::grid::Grid;
use crate::model::inputs::inputs_of;
use crate::tables::columns::Columns;
use crate::tables::comparison::finding::{FindingRow, not_measured, role_word};
use crate::tables::table::{Data, Table};
use crate::tables::value::{Entry, Value};
use jackpot_results::{ContrastScope, Finding};
use jackpot_stats::Variance;
use jackpot_study::{Arm, Contrast};

pub(crate) fn table(grid: &Grid<'_>) -> Table {
    let mut sections = Vec::new();
    for kind in KINDS {
        for sparsity in std::iter::once(DENSE).chain(grid.sparsities()) {
            let rows = found(grid, kind, sparsity).into_iter();
            let rows = rows.map(|finding| FindingRow { grid, finding });
            let heading = format!("{}: {}", format::sparsity(sparsity), kind.title());
            sections.extend(columns(sparsity).section_if_any(heading, rows));
        }
    }
    Table {
        name: "differences",
        title: "paired differences",
        about: about(grid),
        sections,
        data: Data::Rows,
        keys: &["contrast", "sparsity", "plus", "minus"],
        // Standard deviations are pooled over more cells than those of the two arms.
        inputs: inputs_of(metrics(&grid.cells)),
    }
}

/// What a difference compares.
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

    /// The word for programs.
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
         measured there. *A/A control* marks a pair whose arms have the same distribution, so that what \
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
    let scope = ContrastScope::Sparsity(sparsity.to_owned());
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

fn columns<'f, 'g: 'f, 'a: 'g>(sparsity: &'f str) -> Columns<'f, FindingRow<'g, 'a>> {
    let columns: Columns<'f, FindingRow<'g, 'a>> = Columns::new();
    columns
        .text("contrast", None, |row| {
            Entry::text(Difference::of(&row.finding.contrast).word())
        })
        .text("sparsity", None, move |_| Entry::text(sparsity))
        .text("plus", "arm", FindingRow::plus)
        .text("minus", "minus", FindingRow::minus)
        .text("role", None, |row| {
            Entry::text(role_word(&row.finding.contrast))
        })
        .text("state", None, |row| Entry::text(state(row.finding)))
        .interval("accuracy", "accuracy, points", FindingRow::accuracy)
        .interval("test_loss", "test loss", |row| {
            row.measured(Value::difference(&row.finding.test_loss.estimate, 4))
        })
        .n(|row| row.measured_n())
        .spread("accuracy", "sd (df), points", |row| {
            row.measured(Value::spread(&row.finding.accuracy.estimate, 2))
        })
        .spread("test_loss", None, |row| {
            row.measured(Value::spread(&row.finding.test_loss.estimate, 4))
        })
        .notes(FindingRow::notes)
}

fn state(f: &Finding) -> &'static str {
    if let Some(word) = not_measured(f) {
        return word;
    }
    match f.seeds.len() {
        0 => "missing",
        n if n < f.asked => "incomplete",
        _ => "measured",
    }
}
