//! The sections of `study.toml` as they are written; [`crate::file`] makes sense of them.
use crate::training::TrainingSection;
use jackpot_host::{ConfigValue, Scope};
use jackpot_net::{Activation, Family};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};
use toml::{Spanned, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyFile {
    pub title: String,
    pub sparsities: Vec<Spanned<Value>>,
    pub seeds: Vec<u64>,
    #[serde(default)]
    pub tables: Vec<String>,
    #[serde(default)]
    pub figures: Vec<String>,
    pub data: DataSection,
    pub network: NetworkSection,
    pub training: TrainingSection,
    #[serde(default)]
    pub run: RunSection,
    pub ticket: Vec<TicketSection>,
    #[serde(default)]
    pub check: Vec<CheckSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSection {
    pub set: String,
    pub folder: Option<PathBuf>,
    pub resize: Option<u32>,
    pub pad_to: Option<u32>,
    pub train_subset: Option<u32>,
    pub memory_mb: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSection {
    pub family: Family,
    pub depth: u32,
    pub width: Option<u32>,
    #[serde(default)]
    pub activation: Activation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunSection {
    pub device: String,
    pub device_class: String,
    pub threads: u32,
    pub plugin_seconds: f64,
    pub plugin_memory_mb: u64,
    pub plugin_scratch_mb: u64,
    pub keep_checkpoints: bool,
}

impl Default for RunSection {
    fn default() -> Self {
        RunSection {
            device: "cpu".into(),
            device_class: "cpu-avx2".into(),
            threads: 1,
            plugin_seconds: 300.0,
            plugin_memory_mb: 8192,
            plugin_scratch_mb: 1024,
            keep_checkpoints: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketSection {
    pub name: String,
    pub title: Option<String>,
    #[serde(default)]
    pub dense: bool,
    pub scores: Option<ScoresSection>,
    pub allocation: Option<AllocationSection>,
    pub start: Option<Stage>,
    pub selection: Option<Selection>,
}

/// Which weights: as drawn, or as a dense training left them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// As drawn from the seed's key `init`.
    #[default]
    Initial,
    /// After a dense training of the study's length.
    Trained,
}

/// How ties and rounding are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// Exactly k, ties by lowest flat index.
    #[default]
    Exact,
    /// The rule of the method's released code.
    Published,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoresSection {
    pub method: String,
    #[serde(default)]
    pub params: BTreeMap<String, ConfigValue>,
    #[serde(default)]
    pub of: Stage,
}

/// `"global"`, `"smart-ratio"`, `{ rule = "global", scope = "convolutions" }`,
/// `{ rule = "smart-ratio", params = {} }` or `{ copy = "ticket" }`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct AllocationSection {
    pub rule: Option<String>,
    pub scope: Option<Scope>,
    pub params: BTreeMap<String, ConfigValue>,
    pub copy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllocationTable {
    rule: Option<String>,
    scope: Option<Scope>,
    #[serde(default)]
    params: BTreeMap<String, ConfigValue>,
    copy: Option<String>,
}

impl TryFrom<Value> for AllocationSection {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(rule) => Ok(AllocationSection {
                rule: Some(rule),
                scope: None,
                params: BTreeMap::new(),
                copy: None,
            }),
            Value::Table(_) => {
                let t: AllocationTable = value
                    .try_into()
                    .map_err(|e: toml::de::Error| e.message().to_owned())?;
                Ok(AllocationSection {
                    rule: t.rule,
                    scope: t.scope,
                    params: t.params,
                    copy: t.copy,
                })
            }
            other => Err(format!(
                "`allocation`: expected a rule's name or a table with `rule` or `copy`, found {}",
                value_kind(&other)
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckSection {
    pub name: String,
    pub title: Option<String>,
    pub on: Target,
    pub steps: Vec<StepSection>,
    pub tickets: Option<Vec<String>>,
}

/// What a check changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The data that a method sees; never what a ticket is trained on in the end.
    Data,
    /// The mask.
    Mask,
}

/// `"random-labels"` or `{ check = "random-labels", params = { share = 0.5 } }`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct StepSection {
    pub check: String,
    pub params: BTreeMap<String, ConfigValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    check: String,
    #[serde(default)]
    params: BTreeMap<String, ConfigValue>,
}

impl TryFrom<Value> for StepSection {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(check) => Ok(StepSection {
                check,
                params: BTreeMap::new(),
            }),
            Value::Table(_) => {
                let t: StepTable = value
                    .try_into()
                    .map_err(|e: toml::de::Error| e.message().to_owned())?;
                Ok(StepSection {
                    check: t.check,
                    params: t.params,
                })
            }
            other => Err(format!(
                "`steps`: expected a check's name or a table with `check`, found {}",
                value_kind(&other)
            )),
        }
    }
}

/// "an integer", "a string": what a value is, with its article.
fn value_kind(value: &Value) -> String {
    let kind = value.type_str();
    let article = match kind.starts_with(['a', 'i']) {
        true => "an",
        false => "a",
    };
    format!("{article} {kind}")
}
