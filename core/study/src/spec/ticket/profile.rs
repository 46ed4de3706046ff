//! Presets: a method as its authors released it, or with the released code's defects mended.
use crate::{Error, messages::hint};
use jackpot_protocol::{ConfigValue, PluginItem};
use jackpot_prune::SelectionRule;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A method's or check's parameters, complete.
pub type Config = BTreeMap<String, ConfigValue>;

/// A preset of an item's parameters, and of the selection that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// As the released code does it, defects included.
    Published,
    /// As its paper's formula says.
    Corrected,
}

impl Profile {
    /// As a study file spells it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Published => "published",
            Profile::Corrected => "corrected",
        }
    }
}

impl FromStr for Profile {
    type Err = Error;
    fn from_str(word: &str) -> Result<Profile, Error> {
        match word {
            "published" => Ok(Profile::Published),
            "corrected" => Ok(Profile::Corrected),
            other => Err(Error(format!(
                "expected published or corrected, found `{other}`{}",
                hint(other, ["published", "corrected"])
            ))),
        }
    }
}

/// An item's parameters under a profile: its own parameter `profile`. Where only the selection
/// differs there are none; None: the item is the same under both.
pub fn preset(item: &PluginItem, profile: Profile) -> Option<Config> {
    if item.params.iter().any(|p| p.name == "profile") {
        let value = ConfigValue::Text(profile.name().to_owned());
        return Some(Config::from([("profile".to_owned(), value)]));
    }
    published_rule(&item.id).is_ok().then(Config::new)
}

/// The selection rule of a method's released code.
pub fn published_rule(method: &str) -> Result<SelectionRule, Error> {
    match method.rsplit('.').next().unwrap_or(method) {
        "snip" => Ok(SelectionRule::PublishedSnip),
        "grasp" => Ok(SelectionRule::PublishedGrasp),
        _ => Err(Error(format!(
            "`selection`: no published rule is known for `{method}`, only for `snip` and `grasp`; write `selection = \"exact\"`"
        ))),
    }
}
