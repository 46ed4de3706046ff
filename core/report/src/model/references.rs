//! Published numbers to compare a study with: those of `data/references.toml`, and those that the
//! study file lists itself.

use crate::Error;
use crate::model::cells::{Cell, UNMODIFIED};
use crate::model::format::DENSE;
use crate::model::grid::Grid;
use jackpot_results::{CheckSummary, PruningSummary, TicketSummary};
use jackpot_study::CheckTarget;
use serde::Deserialize;

const DATA: &str = include_str!("../../data/references.toml");

/// One published accuracy, and the cell of the study with which it is compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PublishedAccuracy {
    pub ticket: String,
    pub check: String,
    /// As the study file writes it.
    pub sparsity: String,
    /// Test accuracy in percent.
    pub accuracy: f64,
    /// Standard deviation in points of accuracy.
    pub sd: Option<f64>,
    pub runs: Option<u32>,
    pub whose: String,
    pub source: String,
    /// The known differences of protocol.
    pub differences: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceFile {
    series: Vec<Series>,
}

/// Numbers of one method at several sparsities.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    whose: String,
    source: String,
    set: String,
    network: String,
    width: u32,
    method: String,
    check: String,
    runs: Option<u32>,
    #[serde(default)]
    differences: String,
    sparsity: Vec<f64>,
    accuracy: Vec<f64>,
}

/// Every published accuracy that belongs to a cell of this study, in the order of the grid.
///
/// # Errors
/// When `data/references.toml` cannot be read, which is a fault of this crate.
pub(crate) fn published(grid: &Grid<'_>) -> Result<Vec<PublishedAccuracy>, Error> {
    let carried = carried()?;
    let mut found = Vec::new();
    for cell in &grid.cells {
        let own = grid.outline.references.iter().filter(|r| {
            let here = (r.ticket.as_str(), r.check.as_str()) == names(cell);
            here && is_at(cell, r.sparsity)
        });
        found.extend(own.map(|r| PublishedAccuracy {
            ticket: r.ticket.clone(),
            check: r.check.clone(),
            sparsity: cell.sparsity.to_owned(),
            accuracy: r.accuracy,
            sd: r.sd,
            runs: r.runs,
            whose: r.whose.clone(),
            source: r.source.clone(),
            differences: r.differences.clone(),
        }));
        let about = |s: &&Series| is_about(grid, s) && is_of(grid, cell, s);
        for series in carried.iter().filter(about) {
            let numbers = series.sparsity.iter().zip(&series.accuracy);
            let here = numbers.filter(|(sparsity, _)| is_at(cell, **sparsity));
            found.extend(here.map(|(_, accuracy)| of_series(cell, series, *accuracy)));
        }
    }
    Ok(found)
}

fn carried() -> Result<Vec<Series>, Error> {
    let wrong = |message: String| Error::File {
        path: "data/references.toml".into(),
        message,
    };
    let carried: ReferenceFile = toml::from_str(DATA).map_err(|e| wrong(e.to_string()))?;
    match carried
        .series
        .iter()
        .find(|s| s.sparsity.len() != s.accuracy.len())
    {
        None => Ok(carried.series),
        Some(s) => Err(wrong(format!(
            "`{}` of {}: expected an accuracy for each sparsity",
            s.method, s.source
        ))),
    }
}

fn of_series(cell: &Cell<'_>, series: &Series, accuracy: f64) -> PublishedAccuracy {
    let (ticket, check) = names(cell);
    PublishedAccuracy {
        ticket: ticket.to_owned(),
        check: check.to_owned(),
        sparsity: cell.sparsity.to_owned(),
        accuracy,
        sd: None,
        runs: series.runs,
        whose: series.whose.clone(),
        source: series.source.clone(),
        differences: series.differences.clone(),
    }
}

fn names<'a>(cell: &Cell<'a>) -> (&'a str, &'a str) {
    (cell.ticket.name.as_str(), cell.check_name())
}

/// Whether the cell has this sparsity. Both are decimal numbers of a few digits.
fn is_at(cell: &Cell<'_>, sparsity: f64) -> bool {
    let own = cell.sparsity.parse::<f64>();
    own.is_ok_and(|own| (own - sparsity).abs() < 1e-12)
}

fn is_about(grid: &Grid<'_>, series: &Series) -> bool {
    let subject = &grid.outline.subject;
    (
        subject.set.as_str(),
        subject.network.as_str(),
        subject.width,
    ) == (series.set.as_str(), series.network.as_str(), series.width)
}

fn is_of(grid: &Grid<'_>, cell: &Cell<'_>, series: &Series) -> bool {
    let (ticket, check) = names(cell);
    let method = grid.outline.ways.get(ticket).and_then(method);
    let changed = match check {
        UNMODIFIED => Some("none"),
        check => grid.outline.changes.get(check).and_then(kind),
    };
    let dense = (cell.sparsity == DENSE) == (series.method == "dense");
    dense && method == Some(series.method.as_str()) && changed == Some(series.check.as_str())
}

/// The name that published tables use for a ticket. It follows from how the ticket is made, not
/// from its name in the study file.
fn method(way: &TicketSummary) -> Option<&'static str> {
    let Some(sparse) = &way.sparse else {
        return Some("dense");
    };
    // A ticket that was given the weights of a stored object is not the published one.
    let object = sparse.of_object || sparse.start_object;
    if sparse.rounds.is_some() || !sparse.unit.is_weights() || object {
        return None;
    }
    let PruningSummary {
        method,
        rule,
        of_learned,
        start_learned,
        ..
    } = sparse;
    Some(
        match (method.as_str(), rule.as_str(), of_learned, start_learned) {
            ("random", "smart-ratio", _, false) => "random_ticket_smart_ratio",
            ("snip", "global", false, false) => "snip",
            ("grasp", "global", false, false) => "grasp",
            ("magnitude", "global", true, true) => "lr_rewinding",
            ("magnitude", "smart-ratio", true, true) => "hybrid_ticket",
            _ => return None,
        },
    )
}

/// The name that published tables use for a check.
fn kind(change: &CheckSummary) -> Option<&'static str> {
    let on = |target| change.steps.iter().all(|(on, _)| *on == target);
    let items: Vec<&str> = change.items.iter().map(String::as_str).collect();
    match items.as_slice() {
        ["random-labels", "random-pixels"] if on(CheckTarget::Data) => Some("corrupted_data"),
        ["layerwise-rearrange"] if on(CheckTarget::Mask) => Some("layerwise_rearrange"),
        _ => None,
    }
}
