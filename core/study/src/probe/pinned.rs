//! `pins/NAME.probe.json`: what a probe found. Canonical JSON, so the same masks are the same
//! bytes.
use crate::{Collapse, Error, MaskFacts, floats::floats_to_text, toolbox::Libtorch};
use jackpot_store::{Digest, Store, canonical};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// What a probe of a study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeResult {
    /// Of this file: 1.
    pub format: u32,
    /// sha256 of `study.toml`.
    pub study: Digest,
    /// As recipes spell it.
    pub device_class: String,
    /// Version and build.
    pub libtorch: Libtorch,
    /// As papers name it.
    pub network: String,
    /// The study's own.
    pub width: u32,
    /// Each ticket's own masks, the study's own width first.
    pub masks: Vec<MaskRow>,
    /// Masks of data-dependent tickets against others, at the study's own width.
    pub comparisons: Vec<MaskComparison>,
    /// Tickets that masks alone say nothing about.
    pub left_out: Vec<OmittedTicket>,
}

/// One ticket's mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskRow {
    /// Of the network.
    pub width: u32,
    /// Name of the ticket.
    pub ticket: String,
    /// Decimal text.
    pub sparsity: String,
    /// Decimal text.
    pub seed: String,
    /// The mask.
    pub mask: Digest,
    /// Services that its plugins used.
    pub access: Vec<String>,
    /// Prunable weights.
    pub weights: u64,
    /// Kept weights.
    pub kept: u64,
    /// Kept weights on a path from the image to a logit.
    pub effective: u64,
    /// Channels that a shift makes constants.
    pub constant: u64,
    /// The layer that keeps the fewest.
    pub smallest: String,
    /// How many that are.
    pub smallest_kept: u64,
    /// Layers that keep nothing.
    pub empty: Vec<String>,
    /// `none`, `at risk` or `certain`.
    pub collapse: String,
    /// Why; empty for `none`.
    pub why: String,
    /// Spearman's correlation of the kept share with depth.
    #[serde(deserialize_with = "optional")]
    pub depth: Option<f64>,
    /// Kept share of the projections; `None` if there are none.
    #[serde(deserialize_with = "optional")]
    pub projections: Option<f64>,
    /// Kept share of the classifier.
    #[serde(deserialize_with = "optional")]
    pub classifier: Option<f64>,
    /// At the study's own width.
    pub layers: Vec<LayerRow>,
}

/// One layer of one mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRow {
    /// In the state_dict.
    pub name: String,
    /// All of them.
    pub weights: u64,
    /// Kept ones.
    pub kept: u64,
    /// What the initial scale alone would keep, for magnitude of the first weights.
    #[serde(deserialize_with = "optional")]
    pub null: Option<f64>,
}

/// One ticket's mask against another one of the same cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskComparison {
    /// Name of the ticket.
    pub ticket: String,
    /// Decimal text.
    pub sparsity: String,
    /// Decimal text.
    pub seed: String,
    /// `another batch`, `another initialisation`, or the name of a check.
    pub with: String,
    /// The other mask.
    pub mask: Digest,
    /// Share of the kept weights that the other mask keeps too.
    #[serde(deserialize_with = "number")]
    pub overlap: f64,
    /// The same by chance, layer by layer.
    #[serde(deserialize_with = "number")]
    pub chance: f64,
    /// Of the interval that holds chance with 95 %.
    #[serde(deserialize_with = "number")]
    pub low: f64,
    /// Of the interval that holds chance with 95 %.
    #[serde(deserialize_with = "number")]
    pub high: f64,
    /// 0: no more change than another batch makes; 1: chance. None for another batch itself,
    /// and where that lands on chance.
    #[serde(deserialize_with = "optional")]
    pub index: Option<f64>,
    /// Total variation of the two allocations.
    #[serde(deserialize_with = "number")]
    pub allocation: f64,
}

/// A ticket that a probe says nothing about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OmittedTicket {
    /// Its name.
    pub ticket: String,
    /// In words.
    pub why: String,
}

impl MaskRow {
    /// The facts; everything else is empty.
    pub(super) fn of(facts: MaskFacts) -> MaskRow {
        let (collapse, why) = match facts.collapse {
            Collapse::None => ("none", String::new()),
            Collapse::AtRisk(why) => ("at risk", why),
            Collapse::Certain(why) => ("certain", why),
        };
        MaskRow {
            width: 0,
            ticket: String::new(),
            sparsity: String::new(),
            seed: String::new(),
            mask: facts.mask,
            access: Vec::new(),
            weights: facts.total,
            kept: facts.kept,
            effective: facts.effective,
            constant: facts.constant,
            smallest: facts.smallest.0,
            smallest_kept: facts.smallest.1,
            empty: facts.empty,
            collapse: collapse.to_owned(),
            why,
            depth: facts.depth,
            projections: None,
            classifier: None,
            layers: Vec::new(),
        }
    }
}

/// Canonical JSON spells a float as text.
fn number<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    let text = String::deserialize(d)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("expected a number as text, found `{text}`")))
}

fn optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    let text = Option::<String>::deserialize(d)?;
    let parse = |text: String| {
        let wrong = || D::Error::custom(format!("expected a number as text, found `{text}`"));
        text.parse().map_err(|_| wrong())
    };
    text.map(parse).transpose()
}

/// The pin's name.
fn pin(study: &str) -> String {
    format!("{study}.probe")
}

impl ProbeResult {
    /// The value that is pinned: no float but as text.
    pub fn to_value(&self) -> Result<serde_json::Value, Error> {
        let mut value =
            serde_json::to_value(self).map_err(|e| Error(format!("the probe's result: {e}")))?;
        floats_to_text(&mut value)?;
        Ok(value)
    }

    /// Writes `pins/NAME.probe.json`, replacing what was there.
    pub(super) fn write(&self, store: &Store, study: &str) -> Result<(), Error> {
        let bytes = canonical::to_bytes(&self.to_value()?).map_err(Error::from_store)?;
        store
            .write_pin(&pin(study), &bytes)
            .map_err(Error::from_store)
    }

    /// Reads `pins/NAME.probe.json`.
    pub fn read(store: &Store, study: &str) -> Result<ProbeResult, Error> {
        let name = pin(study);
        let bytes = store.read_pin(&name).map_err(Error::from_store)?;
        let bytes = bytes.ok_or_else(|| {
            Error(format!(
                "{}: no probe of the study `{study}`: expected `pins/{name}.json`, found nothing; run `jackpot probe {study}` first",
                store.place().display()
            ))
        })?;
        let wrong = |why: &dyn std::fmt::Display| Error(format!("pins/{name}.json: {why}"));
        let value = canonical::parse(&bytes).map_err(|e| wrong(&e))?;
        let probed: ProbeResult = serde_json::from_value(value).map_err(|e| wrong(&e))?;
        if probed.format != 1 {
            return Err(wrong(&format!(
                "expected format 1, found {}",
                probed.format
            )));
        }
        Ok(probed)
    }
}
