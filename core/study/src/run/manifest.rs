//! `pins/NAME.json`: which action fills which cell of a study's grid.
//!
//! Canonical JSON, so the same study on the same store gives the same bytes.
use crate::{Error, plan::lineage::Lineage, spec::names::NO_CHECK, toolbox::Libtorch};
use jackpot_net::Architecture;
use jackpot_store::{Digest, Look, Store, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the reason of a cell begins with whose unmodified ticket has no result.
pub const IDENTICAL_TO: &str = "identical to the unmodified ticket";

/// What the last run of a study left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// Of this file: 1.
    pub format: u32,
    /// sha256 of `study.toml`.
    pub study: Digest,
    /// Of the study: tells it from another one whose folder has the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As recipes spell it.
    pub device_class: String,
    /// Version and build.
    pub libtorch: Libtorch,
    /// The network that was pruned, in a study without settings; pins of the first release do
    /// not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The network of each setting of a study that has settings, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Architecture>,
    /// In the plan's order.
    pub cells: Vec<ManifestCell>,
    /// Keys of every finished action of the plan, in order: what the cells come from. Pins of
    /// the first releases do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Digest>,
    /// What is known of the masks, of a study whose masks are large together; see
    /// [`crate::summarise_masks`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survey: Option<Digest>,
}

/// One cell: exactly one of `action`, `identical`, `not_applicable`, `failed`, `collapsed`, or none
/// of them (missing).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestCell {
    /// Name of the setting, in a study that has settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check, or `none`.
    pub check: String,
    /// Decimal text.
    pub sparsity: String,
    /// Decimal text: 64 bits do not fit a JSON number.
    pub seed: String,
    /// Key of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Digest>,
    /// The mask that the training was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Digest>,
    /// How sharp the selection of that mask was, if a selection made it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Digest>,
    /// Key of the longest dense training that mask or weights come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretraining: Option<Digest>,
    /// Key of the evaluation of the pruned network before its training, where the study asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// What the result comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Why nothing had to run: the cell is its unmodified ticket, which has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identical: Option<String>,
    /// Why the check cannot be applied to the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Why nothing was trained: the mask leaves no path, and the study skips such trainings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<String>,
}

impl ManifestCell {
    /// As reports name it: `snip under rearrange at 0.9, seed 3`.
    pub fn describe(&self) -> String {
        let check = match self.check.as_str() {
            NO_CHECK => String::new(),
            check => format!(" under {check}"),
        };
        let setting = match &self.setting {
            None => String::new(),
            Some(setting) => format!(" in {setting}"),
        };
        format!(
            "{}{check} at {}, seed {}{setting}",
            self.ticket, self.sparsity, self.seed
        )
    }

    /// The study's seed of this cell; `study` names the manifest in messages.
    ///
    /// # Errors
    /// Text that is not a number.
    pub fn seed_number(&self, study: &str) -> Result<u64, Error> {
        self.seed.parse().map_err(|_| {
            Error(format!(
                "pins/{study}.json: `seed`: expected a number, found `{}`",
                self.seed
            ))
        })
    }
}

impl RunManifest {
    /// Writes `pins/NAME.json`, replacing what was there.
    pub fn write(&self, store: &Store, name: &str) -> Result<(), Error> {
        let value = serde_json::to_value(self).map_err(|e| Error(format!("pin `{name}`: {e}")))?;
        let bytes = canonical::to_bytes(&value).map_err(Error::from_store)?;
        store.write_pin(name, &bytes).map_err(Error::from_store)
    }

    /// Refuses to replace the pin of another study whose folder has the same name.
    pub fn refuse_strangers(store: &Store, name: &str, title: &str) -> Result<(), Error> {
        let Some(pin) = RunManifest::find(store, name)? else {
            return Ok(());
        };
        match pin.title {
            Some(other) if other != title => Err(Error(format!(
                "pins/{name}.json holds the results of another study in a folder of this name, titled `{other}`; rename this folder, or replace them with `--replace-pin` (the results themselves stay in the store)"
            ))),
            _ => Ok(()),
        }
    }

    /// Reads `pins/NAME.json`.
    pub fn read(store: &Store, name: &str) -> Result<RunManifest, Error> {
        RunManifest::find(store, name)?.ok_or_else(|| {
            Error(format!(
                "{}: no results of the study `{name}`: expected `pins/{name}.json`, found nothing; run `jackpot run {name}` first",
                store.place().display()
            ))
        })
    }

    /// Every pin of a store by name, in order. One that cannot be read is left out and left
    /// where it is: the audit of the store names it.
    pub fn all(store: &Store) -> Result<Vec<(String, RunManifest)>, Error> {
        let names = store.pin_names().map_err(Error::from_store)?;
        let read = |name: String| match store.look_pin(&name) {
            Ok(Look::Sound(bytes)) => {
                let pin = RunManifest::parse(&name, &bytes).ok()?;
                Some((name, pin))
            }
            _ => None,
        };
        Ok(names.into_iter().filter_map(read).collect())
    }

    fn find(store: &Store, name: &str) -> Result<Option<RunManifest>, Error> {
        let Some(bytes) = store.read_pin(name).map_err(Error::from_store)? else {
            return Ok(None);
        };
        RunManifest::parse(name, &bytes).map(Some)
    }

    /// Parses the bytes of `pins/NAME.json`.
    ///
    /// # Errors
    /// Bytes that are no manifest of this format.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<RunManifest, Error> {
        let wrong = |why: &dyn std::fmt::Display| Error(format!("pins/{name}.json: {why}"));
        let value = canonical::parse(bytes).map_err(|e| wrong(&e))?;
        let pin: RunManifest = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        if pin.format != 1 {
            return Err(wrong(&format!("expected format 1, found {}", pin.format)));
        }
        Ok(pin)
    }
}
