//! The masks of a run, read back from the store or from the summary that the run left.
use crate::{
    Error,
    masks::{facts::MaskFacts, overlaps::Overlap, summary::MaskSummary},
    run::manifest::{ManifestCell, RunManifest},
};
use jackpot_net::{Architecture, Network};
use jackpot_prune::Mask;
use jackpot_store::{Digest, Store};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The masks that a run made, each read once: their facts and layer counts.
pub struct RecordedMasks<'a> {
    store: &'a Store,
    /// The networks by the name of the setting.
    networks: BTreeMap<Option<String>, Network>,
    pub(crate) known: BTreeMap<(Option<String>, Digest), (MaskFacts, LayerCounts)>,
    /// What masks have in common according to the summary; empty where the masks themselves are
    /// kept.
    pub overlaps: Vec<Overlap>,
}

/// Name, weights and kept weights of each layer, in forward order.
pub type LayerCounts = Vec<(String, u64, u64)>;

impl<'a> RecordedMasks<'a> {
    /// Reads and verifies every mask of a run that the store keeps; where some are not kept, also
    /// the summary that the run left of them.
    ///
    /// # Errors
    /// Masks or a summary that are damaged, or of other layers than the network's.
    pub fn read(store: &'a Store, pin: &RunManifest) -> Result<RecordedMasks<'a>, Error> {
        let build = |a: &Architecture| a.build().map_err(|e| Error(e.to_string()));
        let mut networks = BTreeMap::new();
        for (name, architecture) in &pin.settings {
            networks.insert(Some(name.clone()), build(architecture)?);
        }
        let trained = pin.cells.iter().find_map(|c| c.action);
        match (&pin.architecture, trained) {
            (Some(architecture), _) => {
                networks.insert(None, build(architecture)?);
            }
            (None, Some(key)) if networks.is_empty() => {
                networks.insert(None, trained_network(store, &key)?);
            }
            _ => {}
        }
        let mut masks = RecordedMasks {
            store,
            networks,
            known: BTreeMap::new(),
            overlaps: Vec::new(),
        };
        let kept: BTreeSet<_> = pin.cells.iter().filter_map(|c| masks.name(c)).collect();
        let kept: Vec<_> = kept.into_iter().collect();
        let made: Vec<_> = kept.par_iter().map(|mask| masks.make(mask)).collect();
        for (mask, made) in kept.into_iter().zip(made) {
            masks.known.insert(mask, made?);
        }
        let absent = |cell: &ManifestCell| cell.mask.is_some_and(|mask| !store.has(&mask));
        if pin.cells.iter().any(absent)
            && let Some(summary) = MaskSummary::read(store, pin)?
        {
            for one in summary.masks {
                let name = (one.setting, one.facts.mask);
                masks.known.entry(name).or_insert((one.facts, one.layers));
            }
            masks.overlaps = summary.overlaps;
        }
        Ok(masks)
    }

    /// By what the facts of a cell are looked up; `None` for a dense network and where the mask is
    /// not kept.
    fn name(&self, cell: &ManifestCell) -> Option<(Option<String>, Digest)> {
        let digest = cell.mask.filter(|m| self.store.has(m))?;
        let known = self.networks.contains_key(&cell.setting);
        known.then(|| (cell.setting.clone(), digest))
    }

    fn make(
        &self,
        (setting, digest): &(Option<String>, Digest),
    ) -> Result<(MaskFacts, LayerCounts), Error> {
        let mask = mask(self.store, digest)?;
        let facts = MaskFacts::of(&self.networks[setting], &mask, *digest)?;
        Ok((facts, counted(&mask)))
    }

    fn known(&self, cell: &ManifestCell) -> Option<&(MaskFacts, LayerCounts)> {
        self.known.get(&(cell.setting.clone(), cell.mask?))
    }

    /// Whether the facts of a cell's mask are known.
    pub fn knows(&self, cell: &ManifestCell) -> bool {
        self.known(cell).is_some()
    }

    /// The counts of each layer, from the mask of a cell or, for a dense network, from the
    /// architecture in the recipe of its training.
    ///
    /// # Errors
    /// A mask, or of a dense network a recipe, that is gone or damaged.
    pub fn layers(&self, cell: &ManifestCell, key: &Digest) -> Result<LayerCounts, Error> {
        let mask = match (self.known(cell), cell.mask) {
            (Some((_, layers)), _) => return Ok(layers.clone()),
            (None, Some(digest)) => mask(self.store, &digest)?,
            (None, None) => Mask::dense(&trained_network(self.store, key)?),
        };
        Ok(counted(&mask))
    }

    /// Facts of a cell's mask and of its selection; `None` for a dense network and where they are
    /// not known.
    ///
    /// # Errors
    /// A selection that is damaged.
    pub fn facts(&self, cell: &ManifestCell) -> Result<Option<MaskFacts>, Error> {
        let Some((facts, _)) = self.known(cell) else {
            return Ok(None);
        };
        let mut facts = facts.clone();
        if let Some(selection) = cell.selection.filter(|s| self.store.has(s)) {
            let bytes = self.store.get(&selection).map_err(Error::from_store)?;
            let selected = serde_json::from_slice(&bytes);
            let selected = selected.map_err(|e| Error(format!("selection {selection}: {e}")))?;
            facts.selected = Some(selected);
        }
        Ok(Some(facts))
    }
}

/// A mask of the store, verified.
pub(crate) fn mask(store: &Store, digest: &Digest) -> Result<Mask, Error> {
    let bytes = store.get(digest).map_err(Error::from_store)?;
    Mask::from_bytes(&bytes).map_err(|e| Error(format!("mask {digest}: {e}")))
}

fn counted(mask: &Mask) -> LayerCounts {
    let rows = mask.layers.iter().zip(mask.counts());
    rows.map(|(l, kept)| (l.name.clone(), l.kept.len() as u64, kept))
        .collect()
}

fn trained_network(store: &Store, key: &Digest) -> Result<Network, Error> {
    let recipe = store.recipe(key).map_err(Error::from_store)?;
    let wrong = |e: &dyn std::fmt::Display| Error(format!("recipe {key}: `architecture`: {e}"));
    let architecture: Architecture =
        serde_json::from_value(recipe["architecture"].clone()).map_err(|e| wrong(&e))?;
    architecture.build().map_err(|e| wrong(&e))
}
