//! The optimisers that a training can name.

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// How a gradient g becomes a step, as PyTorch's `torch.optim` defines it. The formulas
/// stand with the arithmetic, in `jackpot_nn`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// With momentum, without Nesterov and without dampening.
    #[default]
    Sgd,
    /// SGD with Nesterov's momentum.
    Nesterov,
    /// Kingma & Ba (2015); the weight decay is added to the gradient.
    Adam(AdamSettings),
    /// Loshchilov & Hutter (2019): Adam whose weight decay shrinks the weights directly.
    AdamW(AdamSettings),
}

/// Decay rates of Adam's two running means, and what keeps its quotient finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamSettings {
    /// Decay rate of the mean gradient.
    pub beta1: f64,
    /// Decay rate of the mean squared gradient.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

impl Default for AdamSettings {
    /// PyTorch's: 0.9, 0.999, 1e-8.
    fn default() -> AdamSettings {
        AdamSettings {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

impl Optimizer {
    const NAMES: &'static [&'static str] = &["sgd", "nesterov", "adam", "adamw"];

    /// Its name in a study file and a recipe.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd => "sgd",
            Optimizer::Nesterov => "nesterov",
            Optimizer::Adam(_) => "adam",
            Optimizer::AdamW(_) => "adamw",
        }
    }

    /// The settings of Adam and AdamW.
    pub fn adam(&self) -> Option<&AdamSettings> {
        match self {
            Optimizer::Adam(settings) | Optimizer::AdamW(settings) => Some(settings),
            Optimizer::Sgd | Optimizer::Nesterov => None,
        }
    }

    fn named<E: de::Error>(name: &str, settings: Option<AdamSettings>) -> Result<Self, E> {
        match (name, settings) {
            ("sgd", None) => Ok(Optimizer::Sgd),
            ("nesterov", None) => Ok(Optimizer::Nesterov),
            ("adam", settings) => Ok(Optimizer::Adam(settings.unwrap_or_default())),
            ("adamw", settings) => Ok(Optimizer::AdamW(settings.unwrap_or_default())),
            ("sgd" | "nesterov", Some(_)) => Err(E::custom(format!(
                "the optimizer `{name}` has no settings of its own: write `optimizer = \"{name}\"`"
            ))),
            _ => Err(E::unknown_variant(name, Optimizer::NAMES)),
        }
    }
}

/// `"adam"` takes the defaults, `{ adam = { beta2 = 0.99 } }` changes some.
impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Spelling;
        impl<'de> Visitor<'de> for Spelling {
            type Value = Optimizer;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an optimizer's name or `{ adam = { … } }`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Optimizer, E> {
                Optimizer::named(name, None)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Optimizer, A::Error> {
                let Some(name) = map.next_key::<String>()? else {
                    return Err(de::Error::custom("expected one optimizer, found none"));
                };
                let settings = map.next_value()?;
                if let Some(second) = map.next_key::<String>()? {
                    return Err(de::Error::custom(format!(
                        "expected one optimizer, found `{name}` and `{second}`"
                    )));
                }
                Optimizer::named(&name, Some(settings))
            }
        }
        from.deserialize_any(Spelling)
    }
}
