//! How many weights two masks of one cell keep in common, and how many they would by chance.
use crate::{Error, masks::recorded::mask, spec::names::NO_CHECK};
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

/// A cell of a study's grid whose mask is known.
#[derive(Clone, Copy, Debug)]
pub struct MaskedCell<'a> {
    /// Name of the setting; none in a study without settings.
    pub setting: Option<&'a str>,
    /// Name of the ticket.
    pub ticket: &'a str,
    /// Name of the check; `none` for the unmodified ticket.
    pub check: &'a str,
    /// Decimal text.
    pub sparsity: &'a str,
    /// Of the study.
    pub seed: u64,
    /// The mask.
    pub mask: Digest,
}

/// The unmodified tickets of every setting, sparsity and seed against each other, and each against its own
/// checks. Every mask read is verified; no more than those of one sparsity and seed are in memory.
///
/// # Errors
/// Masks that are gone, damaged or of different layers.
pub fn overlaps_of(store: &Store, cells: &[MaskedCell<'_>]) -> Result<Vec<Overlap>, Error> {
    let mut groups: BTreeMap<(Option<&str>, &str, u64), Vec<&MaskedCell>> = BTreeMap::new();
    for cell in cells {
        let group = (cell.setting, cell.sparsity, cell.seed);
        groups.entry(group).or_default().push(cell);
    }
    let mut found = Vec::new();
    for cells in groups.values() {
        of_group(store, cells, &mut found)?;
    }
    Ok(found)
}

fn of_group(
    store: &Store,
    cells: &[&MaskedCell<'_>],
    found: &mut Vec<Overlap>,
) -> Result<(), Error> {
    let mut pairs: Vec<(&MaskedCell, &MaskedCell)> = Vec::new();
    for (place, first) in cells.iter().enumerate() {
        if first.check != NO_CHECK {
            continue;
        }
        let later = cells.iter().skip(place + 1).filter(|c| c.check == NO_CHECK);
        let own = |c: &&&MaskedCell| c.ticket == first.ticket && c.check != NO_CHECK;
        let seconds = later.chain(cells.iter().filter(own));
        pairs.extend(seconds.map(|second| (*first, *second)));
    }
    // Only masks that are compared are read: a survey without pairs has no masks to read.
    let mut masks: BTreeMap<Digest, Mask> = BTreeMap::new();
    let compared = pairs.iter().flat_map(|(first, second)| [first, second]);
    for digest in compared.map(|cell| cell.mask) {
        if let Entry::Vacant(place) = masks.entry(digest) {
            place.insert(mask(store, &digest)?);
        }
    }
    for (first, second) in pairs {
        found.push(overlap(first, second, &masks)?);
    }
    Ok(())
}

fn overlap(
    first: &MaskedCell<'_>,
    second: &MaskedCell<'_>,
    masks: &BTreeMap<Digest, Mask>,
) -> Result<Overlap, Error> {
    let (one, other) = (&masks[&first.mask], &masks[&second.mask]);
    let shared = one.overlap(other).map_err(|e| Error(e.to_string()))?;
    let chance = chance_of_masks(one, other);
    let name = |cell: &MaskedCell| (cell.ticket.to_owned(), cell.check.to_owned());
    Ok(Overlap {
        setting: first.setting.map(str::to_owned),
        sparsity: first.sparsity.to_owned(),
        seed: first.seed,
        first: name(first),
        second: name(second),
        masks: [first.mask, second.mask],
        kept: [one.kept(), other.kept()],
        shared: shared.iter().sum(),
        chance: chance.mean,
        width: chance.width(),
    })
}
