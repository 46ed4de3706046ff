//! What a finished action read, by name, and the plugin that it ran.
use crate::actions::recipe::{By, Input, Item, Recipe};
use jackpot_store::Digest;

impl Recipe {
    /// What an action reads, by the name that its recipe has for it.
    pub fn reads(&self) -> Vec<(&'static str, Digest)> {
        let mut named: Vec<(&'static str, Option<&Input>)> = Vec::new();
        match self {
            Recipe::Data { .. } | Recipe::Init { .. } => {}
            Recipe::Score {
                weights,
                reference,
                data,
                mask,
                ..
            } => named.extend([
                ("mask", mask.as_ref()),
                ("weights", weights.as_ref()),
                ("reference", reference.as_ref()),
                ("train", data.as_ref().map(|d| &d.train)),
                ("normalisation", data.as_ref().map(|d| &d.normalisation)),
            ]),
            Recipe::Allocate {
                scores, weights, ..
            } => named.extend([("scores", scores.as_ref()), ("weights", weights.as_ref())]),
            Recipe::Select {
                scores, by, within, ..
            } => {
                named.push(("scores", Some(scores)));
                match by {
                    By::Counts(i) => named.push(("counts", Some(i))),
                    By::Mask(i) => named.push(("mask", Some(i))),
                    By::Global { .. } | By::Table { .. } => {}
                }
                named.push(("within", within.as_ref()));
            }
            Recipe::Check {
                on,
                input,
                mask,
                donor,
                reference,
                ..
            } => {
                let on = if *on == "data" { "train" } else { on };
                named.extend([
                    (on, Some(input)),
                    ("mask", mask.as_ref()),
                    ("donor", donor.as_ref()),
                    ("reference", reference.as_ref()),
                ]);
            }
            Recipe::Train {
                weights,
                mask,
                train,
                test,
                normalisation,
                ..
            } => named.extend([
                ("mask", mask.as_ref()),
                ("weights", Some(weights)),
                ("train", Some(train)),
                ("test", Some(test)),
                ("normalisation", Some(normalisation)),
            ]),
            Recipe::Evaluate {
                weights,
                mask,
                test,
                normalisation,
                ..
            } => named.extend([
                ("mask", Some(mask)),
                ("weights", Some(weights)),
                ("test", Some(test)),
                ("normalisation", Some(normalisation)),
            ]),
        }
        let known = named.into_iter();
        known
            .filter_map(|(role, input)| Some((role, input?.object().ok()?)))
            .collect()
    }

    /// The plugin that an action ran.
    pub fn plugin(&self) -> Option<&Item> {
        match self {
            Recipe::Score { item, .. }
            | Recipe::Allocate { item, .. }
            | Recipe::Check { item, .. } => Some(item),
            _ => None,
        }
    }
}
