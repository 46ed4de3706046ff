//! What the masks of a study's results have in common.
use crate::load::Results;
use jackpot_store::Store;
use jackpot_study::{Error, MaskedCell, Overlap, overlaps_of};

/// The unmodified tickets of every setting, sparsity and seed against each other, and each against its own
/// checks, as far as the store has the masks. Every mask read is verified; no more than those of
/// one sparsity and seed are in memory. Results that were read with a survey have them already.
///
/// # Errors
/// Masks that are damaged or of different layers.
pub fn overlaps(store: &Store, results: &Results) -> Result<Vec<Overlap>, Error> {
    if !results.overlaps.is_empty() {
        return Ok(results.overlaps.clone());
    }
    let cells = results.runs.iter().filter_map(|run| {
        Some(MaskedCell {
            setting: run.setting.as_deref(),
            ticket: &run.ticket,
            check: &run.check,
            sparsity: &run.sparsity,
            seed: run.seed,
            mask: run.facts.as_ref()?.mask,
        })
    });
    let cells: Vec<MaskedCell> = cells.collect();
    overlaps_of(store, &cells)
}
