//! How many weights two masks of one cell keep in common, and how many they would by chance.
use crate::{
    Error,
    results::load::{Results, Run, mask},
    spec::names::NO_CHECK,
};
use jackpot_prune::{Mask, chance_of_masks};
use jackpot_store::{Digest, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, btree_map::Entry};

/// Two masks of one sparsity and one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Name of the setting; none in a study without settings.
    pub setting: Option<String>,
    /// Decimal text.
    pub sparsity: String,
    /// Of the study.
    pub seed: u64,
    /// Ticket and check; the check is `none` for the unmodified ticket.
    pub first: (String, String),
    /// Ticket and check.
    pub second: (String, String),
    /// Both masks, in that order.
    pub masks: [Digest; 2],
    /// Weights kept by each.
    pub kept: [u64; 2],
    /// Weights kept by both.
    pub shared: u64,
    /// Weights kept by both where only the counts a layer are alike: Σ k·k'/n, of whole filters
    /// where both masks keep those.
    pub chance: f64,
    /// Half of the interval that holds 95 % of such masks.
    pub width: f64,
}

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
    let mut groups: BTreeMap<(Option<&str>, &str, u64), Vec<&Run>> = BTreeMap::new();
    for run in results.runs.iter().filter(|r| r.facts.is_some()) {
        let group = groups
            .entry((run.setting.as_deref(), &run.sparsity, run.seed))
            .or_default();
        group.push(run);
    }
    let mut found = Vec::new();
    for runs in groups.values() {
        of_group(store, runs, &mut found)?;
    }
    Ok(found)
}

fn of_group(store: &Store, runs: &[&Run], found: &mut Vec<Overlap>) -> Result<(), Error> {
    let mut pairs: Vec<(&Run, &Run)> = Vec::new();
    for (place, first) in runs.iter().enumerate() {
        if first.check != NO_CHECK {
            continue;
        }
        let later = runs.iter().skip(place + 1).filter(|r| r.check == NO_CHECK);
        let own = |r: &&&Run| r.ticket == first.ticket && r.check != NO_CHECK;
        let seconds = later.chain(runs.iter().filter(own));
        pairs.extend(seconds.map(|second| (*first, *second)));
    }
    // Only masks that are compared are read: a survey without pairs has no masks to read.
    let mut masks: BTreeMap<Digest, Mask> = BTreeMap::new();
    let compared = pairs.iter().flat_map(|(first, second)| [first, second]);
    for digest in compared.filter_map(|r| Some(r.facts.as_ref()?.mask)) {
        if let Entry::Vacant(place) = masks.entry(digest) {
            place.insert(mask(store, &digest)?);
        }
    }
    for (first, second) in pairs {
        found.extend(overlap(first, second, &masks)?);
    }
    Ok(())
}

fn overlap(
    first: &Run,
    second: &Run,
    masks: &BTreeMap<Digest, Mask>,
) -> Result<Option<Overlap>, Error> {
    let of = |run: &Run| run.facts.as_ref().map(|f| f.mask);
    let (Some(a), Some(b)) = (of(first), of(second)) else {
        return Ok(None);
    };
    let (one, other) = (&masks[&a], &masks[&b]);
    let shared = one.overlap(other).map_err(|e| Error(e.to_string()))?;
    let chance = chance_of_masks(one, other);
    let name = |run: &Run| (run.ticket.clone(), run.check.clone());
    Ok(Some(Overlap {
        setting: first.setting.clone(),
        sparsity: first.sparsity.clone(),
        seed: first.seed,
        first: name(first),
        second: name(second),
        masks: [a, b],
        kept: [one.kept(), other.kept()],
        shared: shared.iter().sum(),
        chance: chance.mean,
        width: chance.width(),
    }))
}
