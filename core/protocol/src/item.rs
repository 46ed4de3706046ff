//! What a plugin offers, as the supervisor knows it.
use crate::Failure;
use jackpot_abi as abi;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Whether an item proposes or transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Gives scores, masks or counts.
    Method,
    /// Changes what it is given.
    Check,
}

/// What an item writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// One f64 for each prunable weight, of which the larger are kept.
    Scores,
    /// 0 or 1 for each prunable weight.
    Masks,
    /// Weights to keep, one number for each layer.
    Counts,
    /// One f32 for each prunable weight.
    Weights,
    /// u8 [rows, channels, height, width].
    Images,
    /// i64 `[rows]`: a class for each row.
    Labels,
    /// 0 or 1 for each row: 1 for those that stay.
    Subset,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConfigValue {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A text.
    Text(String),
}

impl ConfigValue {
    fn kind(&self) -> &'static str {
        match self {
            ConfigValue::Bool(_) => "true or false",
            ConfigValue::Int(_) => "an integer",
            ConfigValue::Float(_) => "a number",
            ConfigValue::Text(_) => "text",
        }
    }
}

impl std::fmt::Display for ConfigValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConfigValue::Bool(v) => write!(f, "{v}"),
            ConfigValue::Int(v) => write!(f, "{v}"),
            ConfigValue::Float(v) => write!(f, "{v}"),
            ConfigValue::Text(v) => write!(f, "{v}"),
        }
    }
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// The name by which a study file sets it.
    pub name: String,
    /// What it does, in one sentence.
    pub doc: String,
    /// The default value, whose type is the parameter's.
    pub default: ConfigValue,
    /// Least value. Where `min` and `max` are both 0, there are no bounds.
    pub min: f64,
    /// Greatest value, inclusive.
    pub max: f64,
    /// The texts that are allowed. Where the list is empty, any text is.
    pub choices: Vec<String>,
}

/// One method or check of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginItem {
    /// `snip`, or `org.you.name`.
    pub id: String,
    /// Informative; what is hashed is the file.
    pub version: String,
    /// What the item does, in one sentence.
    pub summary: String,
    /// Whether it proposes or transforms.
    pub kind: Kind,
    /// What the item writes.
    pub output: Output,
    /// The `JKP_NEEDS_*` bits that it declares.
    pub needs: u32,
    /// JKP_KEEPS_*, JKP_CHANGES_OUTPUT, ... bits.
    pub promises: u32,
    /// Declared parameters, in the plugin's order.
    pub params: Vec<Param>,
    /// Rounds that the method was published with. 0 means one.
    pub rounds_hint: u32,
}

impl PluginItem {
    /// What a run of an item is called in messages.
    pub fn action(&self) -> &'static str {
        use Kind::*;
        use Output::*;
        match (self.kind, self.output) {
            (Method, Scores) => "score",
            (Method, Masks) => "mask",
            (Method, Counts) => "allocate",
            (Method, _) => "run",
            (Check, Scores) => "check scores",
            (Check, Masks) => "check mask",
            (Check, Counts) => "check counts",
            (Check, Weights) => "check weights",
            (Check, Images) => "check images",
            (Check, Labels) => "check labels",
            (Check, Subset) => "check subset",
        }
    }

    /// Whether it declares images or labels. Only such items are given data, checks on data aside. A
    /// gradient of an all-ones input needs no data.
    pub fn needs_data(&self) -> bool {
        self.needs & (abi::JKP_NEEDS_INPUTS | abi::JKP_NEEDS_LABELS) != 0
    }

    /// Whether it needs the values of the weights, to read them or to differentiate at them.
    pub fn needs_weights(&self) -> bool {
        self.needs & abi::JKP_NEEDS_WEIGHTS != 0 || self.needs_autodiff()
    }

    /// Whether it declares gradients or Hessian-vector products: only a server with autodiff can run
    /// it.
    pub fn needs_autodiff(&self) -> bool {
        self.needs & (abi::JKP_NEEDS_GRAD | abi::JKP_NEEDS_HVP) != 0
    }

    /// Whether it declares random numbers: its result is a function of the run's key.
    pub fn needs_rng(&self) -> bool {
        self.needs & abi::JKP_NEEDS_RNG != 0
    }

    /// The names of what it promises, as certificates spell them.
    pub fn promised(&self) -> Vec<&'static str> {
        let kept = |(bit, _): &&(u32, &str)| self.promises & bit != 0;
        let names = crate::promises::NAMES.iter().filter(kept);
        names.map(|(_, name)| *name).collect()
    }

    /// Whether it is an allocation that reads scores: they are its input.
    pub fn needs_scores(&self) -> bool {
        self.needs & abi::JKP_NEEDS_SCORES != 0
    }

    /// Whether it reads another ticket's mask.
    pub fn needs_donor(&self) -> bool {
        self.needs & abi::JKP_NEEDS_DONOR != 0
    }

    /// Whether it reads the initial weights, beside trained ones.
    pub fn needs_reference(&self) -> bool {
        self.needs & abi::JKP_NEEDS_REF != 0
    }

    /// Every declared parameter, defaults filled in; refuses unknown names (with the nearest),
    /// wrong types, out of bounds.
    pub fn configure(
        &self,
        given: &BTreeMap<String, ConfigValue>,
    ) -> Result<BTreeMap<String, ConfigValue>, Failure> {
        if let Some(unknown) = given
            .keys()
            .find(|name| !self.params.iter().any(|p| p.name == **name))
        {
            return Err(self.unknown_parameter(unknown));
        }
        let value = |p: &Param| {
            let value = match given.get(&p.name) {
                Some(value) => p.accept(value).map_err(|why| {
                    Failure::new(
                        "invalid",
                        format!("parameter `{}` of `{}`: {why}", p.name, self.id),
                    )
                })?,
                None => p.default.clone(),
            };
            Ok((p.name.clone(), value))
        };
        self.params.iter().map(value).collect()
    }

    fn unknown_parameter(&self, unknown: &str) -> Failure {
        let nearest = self
            .params
            .iter()
            .map(|p| {
                (
                    strsim::damerau_levenshtein(unknown, &p.name),
                    p.name.as_str(),
                )
            })
            .min();
        let hint = match nearest {
            None => "it has no parameters".to_string(),
            Some((distance, name)) if distance <= 3 => format!("did you mean `{name}`?"),
            Some(_) => {
                let names: Vec<String> = self
                    .params
                    .iter()
                    .map(|p| format!("`{}`", p.name))
                    .collect();
                format!("it has {}", names.join(", "))
            }
        };
        Failure::new(
            "invalid",
            format!("`{}` has no parameter `{unknown}`: {hint}", self.id),
        )
    }
}

/// Why an item cannot have this id, if it cannot. Ids stand in file names, tables and command
/// lines.
pub fn unfit_id(id: &str) -> Option<&'static str> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !id.chars().all(known) {
        return Some("an id has the letters a to z and A to Z, digits, `.`, `-` and `_` alone");
    }
    let parts_begin = id
        .split('.')
        .all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()));
    (!parts_begin)
        .then_some("an id, and what stands after each dot in it, begins with a letter or a digit")
}

impl Param {
    /// The value in this parameter's type, or why not.
    pub fn accept(&self, given: &ConfigValue) -> Result<ConfigValue, String> {
        use ConfigValue::*;
        let value = match (&self.default, given) {
            (Bool(_), Bool(_)) | (Int(_), Int(_)) | (Text(_), Text(_)) => given.clone(),
            (Float(_), Float(v)) if v.is_finite() => given.clone(),
            (Float(_), Float(_)) => return Err(format!("expected a finite number, found {given}")),
            // 2^53: beyond it an integer is no longer the number that was written.
            (Float(_), Int(v)) if v.unsigned_abs() <= 1 << 53 => Float(*v as f64),
            (expected, _) => {
                return Err(format!(
                    "expected {}, found `{given}`, {}",
                    expected.kind(),
                    given.kind()
                ));
            }
        };
        let number = match value {
            Int(v) => v as f64,
            Float(v) => v,
            _ => self.min,
        };
        if (self.min != 0.0 || self.max != 0.0) && !(self.min..=self.max).contains(&number) {
            return Err(format!(
                "expected {} to {}, found {given}",
                self.min, self.max
            ));
        }
        match &value {
            Text(v) if !self.choices.is_empty() && !self.choices.contains(v) => Err(format!(
                "expected one of `{}`, found `{v}`",
                self.choices.join("`, `")
            )),
            _ => Ok(value),
        }
    }
}

/// A plugin file and what its table says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plugin {
    /// Where the library lies.
    pub path: PathBuf,
    /// The sha256 of the file, in hex.
    pub sha256: String,
    /// The plugin's own name.
    pub name: String,
    /// The plugin's version, informative.
    pub version: String,
    /// The license, as an SPDX expression.
    pub license: String,
    /// The methods and checks that it offers.
    pub items: Vec<PluginItem>,
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
