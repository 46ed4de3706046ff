//! The evidence of a study: a bundle beside its report that answers every question about a
//! number but "do it again".
//!
//! It holds the manifest of the run, every action behind every cell with its recipe, and of their results what
//! is small: metrics, which test images were right, masks, counts, certificates. Scores,
//! weights and data stay behind, named by their digests; so do masks where they have no room,
//! and what a report reads of them is in the survey that the pin names.
use jackpot_store::{BundleSelection, Look, Packing, Store};
use jackpot_study::{EVIDENCE_ROOM, Error, ManifestCell, RunManifest, bytes_of_masks};
use std::path::Path;

/// The file's name in a study's folder.
pub const EVIDENCE: &str = "evidence.tar.zst";

/// Outputs that are large and can be made again from the recipes.
const LEFT_OUT: [&str; 5] = ["checkpoint", "scores", "test", "train", "weights"];

/// By which factor packing shrinks masks at most, at the sparsities that are studied.
const PACKED: u64 = 8;

/// Which actions and objects of a store are the results of a study: for its evidence, or, with
/// other outputs left out, for a bundle.
///
/// # Errors
/// A study without results in this store, or a store that cannot be read.
pub fn selection(store: &Store, name: &str) -> Result<BundleSelection, Error> {
    let pin = RunManifest::read(store, name)?;
    let pinned = pin
        .cells
        .iter()
        .flat_map(|cell| [cell.mask, cell.selection]);
    let pinned = pinned
        .chain([pin.survey])
        .flatten()
        .filter(|object| store.has(object))
        .collect();
    let actions = if pin.actions.is_empty() {
        // A pin of the first release: whatever made the results, in this store.
        let named = |cell: &ManifestCell| [cell.action, cell.mask, cell.selection];
        let named = pin.cells.iter().flat_map(named).flatten().collect();
        store.reach(&named).map_err(Error::from_store)?.actions
    } else {
        pin.actions.into_iter().collect()
    };
    Ok(BundleSelection {
        pins: [name.to_owned()].into(),
        actions,
        without: LEFT_OUT.map(str::to_owned).into(),
        objects: pinned,
    })
}

/// The bytes of the evidence of the study's last run: a function of its results alone.
///
/// # Errors
/// As [`selection`], or an object of it that is gone or damaged.
pub fn evidence(store: &Store, name: &str) -> Result<Vec<u8>, Error> {
    evidence_within(store, name, EVIDENCE_ROOM)
}

/// As [`evidence()`]; masks are part of it if the whole then has at most `room` bytes, or if the
/// manifest names no summary of them.
///
/// # Errors
/// As [`evidence()`].
pub fn evidence_within(store: &Store, name: &str, room: u64) -> Result<Vec<u8>, Error> {
    let mut selection = selection(store, name)?;
    let pin = RunManifest::read(store, name)?;
    let packed = |selection: &BundleSelection| {
        let mut bytes = Vec::new();
        let exported = store.export(selection, Packing::Zstd, &mut bytes, &|_, _| ());
        let failed = |error| Error(format!("the evidence of `{name}`: {error}"));
        exported.map(|_| bytes).map_err(failed)
    };
    let survey = pin.survey.filter(|survey| store.has(survey));
    if survey.is_none() || bytes_of_masks(&pin)? / PACKED <= room {
        let whole = packed(&selection)?;
        if survey.is_none() || whole.len() as u64 <= room {
            return Ok(whole);
        }
    }
    let masks = pin.cells.iter().filter_map(|cell| cell.mask);
    for mask in masks {
        selection.objects.remove(&mask);
    }
    selection.without.insert("mask".to_owned());
    packed(&selection)
}

/// Where the results of the study in `folder` are read from: the store that the user names;
/// else the store around `here`, if anything of the study was run on it; else the folder's evidence.
///
/// # Errors
/// No store, or one that cannot be read.
pub fn results_of(
    folder: &Path,
    name: &str,
    explicit: Option<&Path>,
    here: &Path,
) -> Result<Store, Error> {
    let evidence = folder.join(EVIDENCE);
    let located = Store::locate(explicit, here);
    if explicit.is_some() || !evidence.is_file() {
        return located
            .and_then(|root| Store::open(&root))
            .map_err(Error::from_store);
    }
    if let Ok(root) = located {
        let store = Store::open(&root).map_err(Error::from_store)?;
        if was_run(&store, name)? {
            return Ok(store);
        }
    }
    Store::open(&evidence).map_err(Error::from_store)
}

/// Whether anything of the study was run on this store. A clone comes with pins and without
/// results; a store that has lost or damaged some of them is still the one that was run on, and
/// reading it says so.
fn was_run(store: &Store, name: &str) -> Result<bool, Error> {
    let pin = match store.look_pin(name).map_err(Error::from_store)? {
        Look::Sound(bytes) => RunManifest::parse(name, &bytes)?,
        Look::Absent => return Ok(false),
        Look::Damaged(_) => return Ok(true),
    };
    for key in pin.cells.iter().filter_map(|cell| cell.action) {
        let found = store.look_action(&key).map_err(Error::from_store)?;
        if !matches!(found, Look::Absent) {
            return Ok(true);
        }
    }
    Ok(false)
}
