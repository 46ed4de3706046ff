//! How many weights each layer keeps, as a study asks for it.
use crate::{Error, messages::value_kind};
use jackpot_protocol::ConfigValue;
use jackpot_prune::{Granularity, LayerConstraints, PruningScope};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

/// How many weights each layer keeps.
#[derive(Clone, Debug)]
pub enum Allocation {
    /// The largest scores of all layers in scope.
    Global(PruningScope),
    /// A plugin's counts.
    Rule {
        /// The item.
        item: String,
        /// As given.
        params: BTreeMap<String, ConfigValue>,
    },
    /// The user's own densities by layer, as decimal text; the layers that are not named share
    /// the rest.
    Table(BTreeMap<String, String>),
    /// The counts of another ticket's mask.
    Copy {
        /// The ticket.
        ticket: String,
        /// Of which seed.
        seed: DonorSeed,
    },
    /// Nothing is written: the method gives masks, and chooses itself what is kept.
    ByMethod,
}

impl Allocation {
    /// The item of a plugin that counts.
    pub(crate) fn item(&self) -> Option<&str> {
        match self {
            Allocation::Rule { item, .. } => Some(item),
            _ => None,
        }
    }
}

/// Whose mask is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DonorSeed {
    /// Of the same seed.
    #[default]
    Same,
    /// Of the next seed in the study's list; after the last comes the first.
    Next,
}

/// `"global"`, `"smart-ratio"`, `{ rule = "global", scope = "convolutions" }`,
/// `{ rule = "smart-ratio", params = {} }`, `{ copy = "ticket", seed = "next" }` or
/// `{ densities = { "conv1.weight" = 0.5 } }`; each table may hold `whole`, `floor` and `unit`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct AllocationSection(Table);

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rule: Option<String>,
    scope: Option<PruningScope>,
    #[serde(default)]
    params: BTreeMap<String, ConfigValue>,
    copy: Option<String>,
    seed: Option<DonorSeed>,
    densities: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    whole: Vec<Whole>,
    floor: Option<u64>,
    unit: Option<Granularity>,
}

/// Layers that an allocation may leave alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Whole {
    /// The layers that read the image.
    First,
    /// The layers that write the logits.
    Classifier,
}

impl TryFrom<Value> for AllocationSection {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(rule) => Ok(AllocationSection(Table {
                rule: Some(rule),
                ..Table::default()
            })),
            Value::Table(_) => value
                .try_into()
                .map(AllocationSection)
                .map_err(|e: toml::de::Error| e.message().to_owned()),
            other => Err(format!(
                "`allocation`: expected a rule's name or a table with `rule`, `copy` or `densities`, found {}",
                value_kind(&other)
            )),
        }
    }
}

/// How many each layer keeps, what is kept whatever that says, and what is kept as one.
pub(crate) fn allocation(
    ticket: &str,
    section: &AllocationSection,
) -> Result<(Allocation, LayerConstraints, Granularity), Error> {
    let t = section.0.clone();
    let refuse = |what: String| Error(format!("ticket `{ticket}`: `allocation`: {what}"));
    let reserve = LayerConstraints {
        keep_first_dense: t.whole.contains(&Whole::First),
        keep_classifier_dense: t.whole.contains(&Whole::Classifier),
        min_weights: t.floor.unwrap_or(0),
    };
    let global = t.rule.as_deref() == Some("global");
    let rule = t.rule.is_some() && !global;
    let meaning = [
        ("scope", t.scope.is_some(), global, "`rule = \"global\"`"),
        ("params", !t.params.is_empty(), rule, "the rule of a plugin"),
        ("seed", t.seed.is_some(), t.copy.is_some(), "`copy`"),
    ];
    let made = match (t.rule, t.copy, t.densities) {
        (Some(_), None, None) if global => Allocation::Global(t.scope.unwrap_or_default()),
        (Some(item), None, None) => Allocation::Rule {
            item,
            params: t.params,
        },
        (None, Some(donor), None) => Allocation::Copy {
            ticket: donor,
            seed: t.seed.unwrap_or_default(),
        },
        // The shortest spelling of a double is the text that it was written as.
        (None, None, Some(densities)) => Allocation::Table(
            densities
                .into_iter()
                .map(|(layer, density)| (layer, density.to_string()))
                .collect(),
        ),
        (None, None, None) => {
            return Err(refuse(
                "expected `rule`, `copy` or `densities`, found none".into(),
            ));
        }
        (rule, copy, densities) => {
            let given = [
                ("rule", rule.is_some()),
                ("copy", copy.is_some()),
                ("densities", densities.is_some()),
            ];
            let names: Vec<_> = given.iter().filter(|g| g.1).map(|g| g.0).collect();
            let both = if names.len() == 2 { "both" } else { "all of" };
            return Err(refuse(format!(
                "expected `rule`, `copy` or `densities`, found {both} `{}`",
                names.join("` and `")
            )));
        }
    };
    let stray = meaning.iter().find(|(_, given, fits, _)| *given && !fits);
    if let Some((field, _, _, with)) = stray {
        return Err(refuse(format!("`{field}` has a meaning with {with} only")));
    }
    Ok((made, reserve, t.unit.unwrap_or_default()))
}
