//! Actions in words, with the seeds behind their random keys.
use super::Tracer;
use jackpot_store::{Digest, Look, canonical};
use jackpot_study::{Keys, Recipe, RunManifest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The seeds that pins name.
pub(super) fn seeds(pins: &[(String, RunManifest)]) -> BTreeSet<u64> {
    let cells = pins.iter().flat_map(|(_, pin)| &pin.cells);
    cells.filter_map(|c| c.seed.parse().ok()).collect()
}

/// The random keys of every seed that a pin names, in hexadecimal.
pub(super) fn keys_of_seeds(pins: &[(String, RunManifest)]) -> BTreeMap<String, u64> {
    let cells = pins.iter().flat_map(|(_, pin)| &pin.cells);
    let checks: BTreeSet<&str> = cells.map(|c| c.check.as_str()).collect();
    let mut known = BTreeMap::new();
    for seed in seeds(pins) {
        let keys = Keys::of(seed);
        let mut all = vec![
            keys.init(),
            keys.redrawn(),
            keys.order(),
            keys.augment(),
            keys.score_batch(),
            keys.selection(),
            keys.allocation(),
        ];
        for step in 0..MOST_STEPS {
            all.extend(checks.iter().map(|check| keys.check(check, step)));
        }
        for key in all {
            known.entry(key.to_hex()).or_insert(seed);
        }
    }
    known
}

/// More steps than checks have: a key that is not found is named by its first digits.
const MOST_STEPS: usize = 4;

impl Tracer<'_> {
    /// What an action does, whose cell it fills, and what it used.
    pub(super) fn action_words(&self, key: &Digest, recipe: &Recipe) -> String {
        let words = recipe.describe(&|key, item| self.seed(key, item));
        let used = self.used(key).unwrap_or_default();
        format!("{words}{used}{}", self.cells_of(key))
    }

    /// " [quick: snip at 0.9, seed 1 and 2 more]": the cells that an action or mask fills.
    pub(super) fn cells_of(&self, digest: &Digest) -> String {
        self.cells.get(digest).map_or(String::new(), |cells| {
            let more = match cells.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            format!(" [{}{more}]", cells[0])
        })
    }

    /// "seed 3", or the key's first digits where no pin tells the seed.
    fn seed(&self, key: &str, item: Option<&str>) -> String {
        let of_item = |item: &str| {
            // A step of a check on data draws by its item's name.
            let drawn = |seed: &&u64| {
                let keys = Keys::of(**seed);
                (0..MOST_STEPS).any(|before| keys.corruption(item, before).to_hex() == key)
            };
            self.seed_numbers.iter().find(drawn)
        };
        match self.seeds.get(key).or_else(|| item.and_then(of_item)) {
            Some(seed) => format!("seed {seed}"),
            None => format!("key {}…", key.get(..8).unwrap_or(key)),
        }
    }

    /// What a plugin's certificate says that it was given: services and batches.
    fn used(&self, key: &Digest) -> Option<String> {
        let Ok(Look::Sound(action)) = self.store.look_action(key) else {
            return None;
        };
        let certificate = action.outputs.get("certificate")?;
        let Ok(Look::Sound(bytes)) = self.store.look(certificate) else {
            return None;
        };
        let value = canonical::parse(&bytes).ok()?;
        let services = value["services"].as_array()?;
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let services: Vec<String> = services.iter().filter_map(text).collect();
        // The whole service is named beside its parts.
        let whole = |s: &&String| !services.iter().any(|t| t.starts_with(&format!("{s} ")));
        let named: Vec<&str> = services
            .iter()
            .filter(whole)
            .map(|s| s.strip_prefix("jackpot.").unwrap_or(s))
            .collect();
        let batches = value["batches"].as_array().map_or(0, Vec::len);
        let drawn = match batches {
            0 => String::new(),
            1 => ", one draw of batches".to_owned(),
            n => format!(", {n} draws of batches"),
        };
        if named.is_empty() {
            Some("; used no service".to_owned())
        } else {
            Some(format!("; used {}{drawn}", named.join(", ")))
        }
    }
}
