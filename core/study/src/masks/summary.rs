//! What a report reads of a study's masks, for evidence that has no room for the masks.
//!
//! A survey is an object that the pin names. It is made while the masks are there, of masks
//! that were verified, and read only where they are not.
use crate::{
    Error,
    floats::floats_from_text,
    floats::floats_to_text,
    masks::facts::MaskFacts,
    masks::overlaps::{MaskedCell, Overlap, overlaps_of},
    masks::recorded::{LayerCounts, RecordedMasks},
    run::manifest::Pin,
};
use jackpot_store::{Digest, Store, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The format's version; a reader refuses another.
const FORMAT: u32 = 1;

/// Bytes that the evidence may have with the masks in it: it is committed with the report.
pub const EVIDENCE_ROOM: u64 = 10_000_000;

/// Facts and layer counts of every mask, and what masks have in common.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Survey {
    format: u32,
    pub masks: Vec<Surveyed>,
    pub overlaps: Vec<Overlap>,
}

/// One mask in one setting's network.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Surveyed {
    pub setting: Option<String>,
    pub facts: MaskFacts,
    pub layers: LayerCounts,
}

/// The survey of a study whose masks may have no room in its evidence; none: they have. That of
/// the pin before serves again where it names the same masks.
pub(crate) fn surveyed(store: &Store, name: &str, pin: &Pin) -> Result<Option<Digest>, Error> {
    if bytes_of_masks(pin)? <= EVIDENCE_ROOM / 2 {
        return Ok(None);
    }
    if let Ok(before) = Pin::read(store, name)
        && before.cells == pin.cells
        && before.survey.is_some_and(|survey| store.has(&survey))
    {
        return Ok(before.survey);
    }
    survey(store, name, pin).map(Some)
}

/// Makes the survey of a pin's masks and stores it. The same masks give the same bytes.
///
/// # Errors
/// Masks or results that are damaged; a store that cannot be written.
pub fn survey(store: &Store, name: &str, pin: &Pin) -> Result<Digest, Error> {
    let recorded = RecordedMasks::read(store, pin)?;
    let overlaps = overlaps(store, name, pin, &recorded)?;
    let masks = recorded
        .known
        .into_iter()
        .map(|((setting, _), (mut facts, layers))| {
            // Canonical JSON has no -0.
            facts.depth = facts.depth.map(|depth| depth + 0.0);
            Surveyed {
                setting,
                facts,
                layers,
            }
        });
    let survey = Survey {
        format: FORMAT,
        masks: masks.collect(),
        overlaps,
    };
    let wrong = |e: serde_json::Error| Error(format!("the survey of `{name}`: {e}"));
    let mut value = serde_json::to_value(&survey).map_err(wrong)?;
    floats_to_text(&mut value)?;
    let bytes = canonical::to_bytes(&value).map_err(Error::from_store)?;
    store.put(&bytes).map_err(Error::from_store)
}

/// What the masks of a run have in common: as the summary before says, where it was needed.
fn overlaps(
    store: &Store,
    name: &str,
    pin: &Pin,
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

impl Survey {
    /// The survey that a pin names, verified; none: it names none, or it is not here.
    pub(crate) fn read(store: &Store, pin: &Pin) -> Result<Option<Survey>, Error> {
        let Some(digest) = pin.survey.filter(|survey| store.has(survey)) else {
            return Ok(None);
        };
        let wrong = |why: &dyn std::fmt::Display| Error(format!("survey {digest}: {why}"));
        let bytes = store.get(&digest).map_err(Error::from_store)?;
        let mut value = canonical::parse(&bytes).map_err(|e| wrong(&e))?;
        floats_from_text(&mut value);
        let survey: Survey = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        match survey.format {
            FORMAT => Ok(Some(survey)),
            other => Err(wrong(&format!("expected format {FORMAT}, found {other}"))),
        }
    }
}

/// Bytes that a pin's masks take at one bit a weight.
///
/// # Errors
/// A network that the pin does not describe as one.
pub fn bytes_of_masks(pin: &Pin) -> Result<u64, Error> {
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
