//! What a report reads of a study's masks, for evidence that has no room for the masks.
//!
//! A summary is an object that the manifest of the run names. It is made while the masks are there, of masks
//! that were verified, and read only where they are not.
use crate::{
    Error,
    floats::{floats_from_text, floats_to_text},
    masks::{
        facts::MaskFacts,
        overlaps::{MaskedCell, Overlap, overlaps_of},
        recorded::{LayerCounts, RecordedMasks},
    },
    run::manifest::RunManifest,
};
use jackpot_store::{Digest, Store, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The format's version; a reader refuses another.
const FORMAT: u32 = 1;

/// How many bytes the evidence may have with the masks in it. It is committed with the report.
pub const EVIDENCE_ROOM: u64 = 10_000_000;

/// Facts and layer counts of every mask, and what masks have in common.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskSummary {
    format: u32,
    pub masks: Vec<SummarisedMask>,
    pub overlaps: Vec<Overlap>,
}

/// One mask in the network of one setting.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummarisedMask {
    pub setting: Option<String>,
    pub facts: MaskFacts,
    pub layers: LayerCounts,
}

/// The summary of the masks of a study that may have no room in its evidence; `None` where they
/// have. The summary of the run before serves again where its manifest names the same masks.
pub(crate) fn summary_for_evidence(
    store: &Store,
    name: &str,
    pin: &RunManifest,
) -> Result<Option<Digest>, Error> {
    if bytes_of_masks(pin)? <= EVIDENCE_ROOM / 2 {
        return Ok(None);
    }
    if let Ok(before) = RunManifest::read(store, name)
        && before.cells == pin.cells
        && before.survey.is_some_and(|survey| store.has(&survey))
    {
        return Ok(before.survey);
    }
    summarise_masks(store, name, pin).map(Some)
}

/// Summarises the masks of a run and stores the summary. The same masks give the same bytes.
///
/// # Errors
/// Masks or results that are damaged; a store that cannot be written.
pub fn summarise_masks(store: &Store, name: &str, pin: &RunManifest) -> Result<Digest, Error> {
    let recorded = RecordedMasks::read(store, pin)?;
    let overlaps = overlaps(store, name, pin, &recorded)?;
    let masks = recorded
        .known
        .into_iter()
        .map(|((setting, _), (mut facts, layers))| {
            // Canonical JSON has no -0.
            facts.depth = facts.depth.map(|depth| depth + 0.0);
            SummarisedMask {
                setting,
                facts,
                layers,
            }
        });
    let summary = MaskSummary {
        format: FORMAT,
        masks: masks.collect(),
        overlaps,
    };
    let wrong = |e: serde_json::Error| Error(format!("the survey of `{name}`: {e}"));
    let mut value = serde_json::to_value(&summary).map_err(wrong)?;
    floats_to_text(&mut value)?;
    let bytes = canonical::to_bytes(&value).map_err(Error::from_store)?;
    store.put(&bytes).map_err(Error::from_store)
}

/// What the masks of a run have in common; taken from the summary of the run before where masks are
/// not kept.
fn overlaps(
    store: &Store,
    name: &str,
    pin: &RunManifest,
    recorded: &RecordedMasks<'_>,
) -> Result<Vec<Overlap>, Error> {
    if !recorded.overlaps.is_empty() {
        return Ok(recorded.overlaps.clone());
    }
    let mut cells = Vec::new();
    for cell in pin.cells.iter().filter(|cell| recorded.knows(cell)) {
        let seed = cell.seed_number(name)?;
        cells.extend(cell.mask.map(|mask| MaskedCell {
            setting: cell.setting.as_deref(),
            ticket: &cell.ticket,
            check: &cell.check,
            sparsity: &cell.sparsity,
            seed,
            mask,
        }));
    }
    overlaps_of(store, &cells)
}

impl MaskSummary {
    /// The summary that a manifest names, verified; `None` where it names none or the store has it not.
    pub(crate) fn read(store: &Store, pin: &RunManifest) -> Result<Option<MaskSummary>, Error> {
        let Some(digest) = pin.survey.filter(|survey| store.has(survey)) else {
            return Ok(None);
        };
        let wrong = |why: &dyn std::fmt::Display| Error(format!("survey {digest}: {why}"));
        let bytes = store.get(&digest).map_err(Error::from_store)?;
        let mut value = canonical::parse(&bytes).map_err(|e| wrong(&e))?;
        floats_from_text(&mut value);
        let summary: MaskSummary = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        match summary.format {
            FORMAT => Ok(Some(summary)),
            other => Err(wrong(&format!("expected format {FORMAT}, found {other}"))),
        }
    }
}

/// How many bytes the masks of a run take at one bit per weight.
///
/// # Errors
/// An architecture in the manifest that describes no network.
pub fn bytes_of_masks(pin: &RunManifest) -> Result<u64, Error> {
    let cells = pin.cells.iter();
    let masks = cells.filter_map(|cell| Some((cell.setting.as_deref(), cell.mask?)));
    let mut bytes = 0;
    for (setting, _) in masks.collect::<BTreeSet<_>>() {
        let architecture = match setting {
            Some(name) => pin.settings.get(name),
            None => pin.architecture.as_ref(),
        };
        // Pins of the first release do not say: their networks were small.
        if let Some(architecture) = architecture {
            let network = architecture.build().map_err(|e| Error(e.to_string()))?;
            bytes += network.prunable_weights().div_ceil(8);
        }
    }
    Ok(bytes)
}
