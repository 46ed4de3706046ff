//! The evidence of a study: a bundle beside its report that answers every question about a
//! number but "do it again".
//!
//! It holds the pin, every action behind every cell with its recipe, and of their results what
//! is small: metrics, which test images were right, masks, counts, certificates. Scores,
//! weights and data stay behind, named by their digests.
use crate::{
    Error,
    pin::{Pin, PinnedCell},
};
use jackpot_store::{Packing, Selection, Store};
use std::path::Path;

/// The file's name in a study's folder.
pub const EVIDENCE: &str = "evidence.tar.zst";

/// Outputs that are large and can be made again from the recipes.
const LEFT_OUT: [&str; 5] = ["checkpoint", "scores", "test", "train", "weights"];

/// What of a store the study's results are: for its evidence, or, with other outputs left
/// out, for a bundle that somebody asks for.
pub fn selection(store: &Store, name: &str) -> Result<Selection, Error> {
    let pin = Pin::read(store, name)?;
    let pinned = pin
        .cells
        .iter()
        .flat_map(|cell| [cell.mask, cell.selection]);
    let pinned = pinned
        .flatten()
        .filter(|object| store.has(object))
        .collect();
    let actions = match pin.actions.is_empty() {
        false => pin.actions.into_iter().collect(),
        // A pin of the first release: whatever made the results, in this store.
        true => {
            let named = |cell: &PinnedCell| [cell.action, cell.mask, cell.selection];
            let named = pin.cells.iter().flat_map(named).flatten().collect();
            store.reach(&named).map_err(Error::from_store)?.actions
        }
    };
    Ok(Selection {
        pins: [name.to_owned()].into(),
        actions,
        without: LEFT_OUT.map(str::to_owned).into(),
        objects: pinned,
    })
}

/// The bytes of the evidence of the study's last run: a function of its results alone.
pub fn evidence(store: &Store, name: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let selection = selection(store, name)?;
    store
        .export(&selection, Packing::Zstd, &mut bytes, &|_, _| ())
        .map_err(|error| Error(format!("the evidence of `{name}`: {error}")))?;
    Ok(bytes)
}

/// Where the results of the study in `folder` are read from: the store that the user names;
/// else the store around `here`, if the study was run on it; else the folder's evidence.
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
        if store.read_pin(name).map_err(Error::from_store)?.is_some() {
            return Ok(store);
        }
    }
    Store::open(&evidence).map_err(Error::from_store)
}
