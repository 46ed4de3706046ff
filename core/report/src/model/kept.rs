//! The kept share of each layer, by ticket and sparsity, for the table and the figure.

use crate::Error;
use crate::model::cells::Cell;
use crate::model::grid::Grid;
use jackpot_results::Named;
use jackpot_stats::{mean, sample_sd};
use jackpot_store::Digest;

/// Every unmodified ticket at one sparsity.
pub(crate) struct KeptShares<'a> {
    pub sparsity: &'a str,
    /// Name and weights of each layer, in forward order.
    pub layers: Vec<(&'a str, u64)>,
    pub tickets: Vec<TicketShares<'a>>,
}

/// One ticket's kept shares.
pub(crate) struct TicketShares<'a> {
    pub ticket: &'a Named,
    pub n: usize,
    /// The keys of the trainings that used the masks.
    pub keys: Vec<Digest>,
    /// The percentage of each layer's weights that is kept: the mean over seeds and its standard
    /// deviation.
    pub shares: Vec<(f64, Option<f64>)>,
    /// The percentage of all prunable weights that is kept.
    pub whole: f64,
}

/// The cells whose masks are shown: unmodified tickets without the dense network.
pub(crate) fn shown<'g, 'a>(grid: &'g Grid<'a>) -> impl Iterator<Item = &'g Cell<'a>> {
    grid.sparse().filter(|c| c.check.is_none())
}

/// The masks from which [`all`] is computed.
pub(crate) fn masks(grid: &Grid<'_>) -> Vec<Digest> {
    shown(grid)
        .flat_map(Cell::trained)
        .filter_map(|(_, t)| t.mask)
        .collect()
}

/// The kept shares at every sparsity, in the study's order.
///
/// # Errors
/// When two runs disagree about the layers, or one keeps more than there is.
pub(crate) fn all<'a>(grid: &Grid<'a>) -> Result<Vec<KeptShares<'a>>, Error> {
    let of = |sparsity| kept(grid, sparsity);
    grid.sparsities().into_iter().map(of).collect()
}

fn kept<'a>(grid: &Grid<'a>, sparsity: &'a str) -> Result<KeptShares<'a>, Error> {
    let mut kept = KeptShares {
        sparsity,
        layers: Vec::new(),
        tickets: Vec::new(),
    };
    for cell in shown(grid).filter(|c| c.sparsity == sparsity) {
        let Some((layers, by)) = of_cell(cell)? else {
            continue;
        };
        if kept.layers.is_empty() {
            kept.layers = layers;
        } else if kept.layers != layers {
            return Err(differ(cell, "lists other layers than the runs before it"));
        }
        kept.tickets.push(by);
    }
    Ok(kept)
}

/// Name and weights of each layer, in forward order.
type Layers<'a> = Vec<(&'a str, u64)>;

/// The name and number of weights of each layer, and what the masks of one cell keep. `None` if no
/// run of the cell has a mask.
///
/// # Errors
/// As [`all`]'s.
pub(crate) fn of_cell<'a>(
    cell: &Cell<'a>,
) -> Result<Option<(Layers<'a>, TicketShares<'a>)>, Error> {
    let with_layers = cell.trained().filter(|(_, t)| !t.layers.is_empty());
    let (keys, runs): (Vec<_>, Vec<_>) = with_layers.map(|(_, t)| (t.key, &t.layers)).unzip();
    let names = |layers: &'a [(String, u64, u64)]| -> Vec<(&'a str, u64)> {
        layers
            .iter()
            .map(|(name, n, _)| (name.as_str(), *n))
            .collect()
    };
    let Some(first) = runs.first().map(|layers| names(layers)) else {
        return Ok(None);
    };
    for layers in &runs {
        if names(layers) != first {
            return Err(differ(cell, "lists other layers than the runs before it"));
        }
        if layers
            .iter()
            .any(|(_, weights, kept)| kept > weights || *weights == 0)
        {
            return Err(differ(cell, "keeps more weights of a layer than it has"));
        }
    }
    Ok(Some((first, by(cell.ticket, keys, &runs))))
}

fn differ(cell: &Cell<'_>, what: &str) -> Error {
    Error::Study(format!(
        "a mask of `{}` at {} {what}",
        cell.ticket.name, cell.sparsity
    ))
}

fn by<'a>(
    ticket: &'a Named,
    keys: Vec<Digest>,
    runs: &[&Vec<(String, u64, u64)>],
) -> TicketShares<'a> {
    let share = |kept: u64, weights: u64| 100.0 * kept as f64 / weights as f64;
    let layers = (0..runs[0].len()).map(|i| {
        let values: Vec<f64> = runs.iter().map(|l| share(l[i].2, l[i].1)).collect();
        (mean(&values).unwrap_or_default(), sample_sd(&values))
    });
    let whole: Vec<f64> = runs
        .iter()
        .map(|layers| {
            share(
                layers.iter().map(|l| l.2).sum(),
                layers.iter().map(|l| l.1).sum(),
            )
        })
        .collect();
    TicketShares {
        ticket,
        n: runs.len(),
        keys,
        shares: layers.collect(),
        whole: mean(&whole).unwrap_or_default(),
    }
}
