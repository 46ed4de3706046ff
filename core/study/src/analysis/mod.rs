//! What a study will conclude from its runs, declared before they are run.
//!
//! The plan of an analysis is an object of its own: which contrasts, which test each needs, which
//! margins, which families, how many seeds. Its sha256 goes into `study.lock` before the first
//! training, and whatever is changed later stands there too.
pub(crate) mod declared;
mod evaluate;
mod foresee;
mod pairs;
mod pools;
pub(crate) mod section;
mod standard;
mod text;

pub(crate) use declared::variance_declared;
pub use declared::{Declared, PlanChange, PlanChanges, declare, plan_changes};
pub use evaluate::{Controls, Finding, Findings, Images, Scope, Table, findings};
pub use foresee::{REFERENCE_SD, Settles, asked_margin, settles};
pub use pools::Pool;

use crate::{Error, recipe::floats_to_text};
use jackpot_stats::{Claim, Spending, Variance, level};
use jackpot_store::{Digest, canonical};
use serde::{Deserialize, Serialize};

/// The analysis that a study declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// Of this object: 1.
    pub format: u32,
    /// In the order in which they are reported.
    pub contrasts: Vec<Contrast>,
    /// What counts as no difference, unless a contrast says otherwise.
    pub margins: Margins,
    /// Of differences: a cell's own, or pooled over the cells of one table and sparsity.
    pub variance: Variance,
    /// What becomes of collapsed and diverged runs.
    pub collapsed: CollapsedRuns,
    /// Numbers of seeds at which verdicts are drawn, rising.
    pub looks: Vec<u32>,
    /// How the level is shared among the looks.
    pub spending: Spending,
}

/// One comparison, at every sparsity that has both arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// Which test it needs.
    pub claim: Claim,
    /// Contrasts of one family are corrected together.
    pub family: String,
    /// The part that it plays.
    pub role: Role,
    /// Of a positive control: what it controls. Of a question: which control says that its cells
    /// could have seen a difference. Plans say it only where it is not the allocation.
    #[serde(default, skip_serializing_if = "ControlOf::is_allocation")]
    pub control: ControlOf,
    /// Runs.
    pub plus: Arm,
    /// Runs that are subtracted, seed by seed.
    pub minus: Arm,
    /// Its own; none: the analysis'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margins: Option<Margins>,
}

/// A ticket, or a ticket under a check: `snip`, `snip under corrupted-data`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arm {
    /// Its name.
    pub ticket: String,
    /// Its name; none: the unmodified ticket.
    pub check: Option<String>,
}

/// The part that a contrast plays in its study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What the study asks.
    #[default]
    Question,
    /// A difference is expected: where none shows, the cell could not have seen one.
    Positive,
    /// Both arms have the same law (A/A): what shows is noise.
    SameLaw,
    /// The same ticket, trained with other draws: how far runs differ by chance alone.
    NoiseFloor,
}

/// What a positive control varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlOf {
    /// How many weights each layer keeps: uniform against smart ratios.
    #[default]
    Allocation,
    /// Which weights of a layer are kept: scores against inverted scores, in the same counts.
    Placement,
}

impl ControlOf {
    fn is_allocation(&self) -> bool {
        *self == ControlOf::Allocation
    }
}

/// How far from 0 counts as no difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margins {
    /// Of test accuracies, in points.
    pub accuracy: Margin,
    /// Of test losses, in nats.
    pub test_loss: Margin,
}

/// A margin: a number, or a share of a gap between two arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Margin {
    /// In the response's unit.
    Fixed(#[serde(with = "text")] f64),
    /// Of what the first arm is better than the second, seed by seed.
    Share {
        /// Above 0.
        #[serde(with = "text")]
        share: f64,
        /// The better arm.
        plus: Arm,
        /// The worse arm.
        minus: Arm,
    },
}

/// What becomes of collapsed and diverged runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CollapsedRuns {
    /// Their cells stay out of the pooled variance and use their own; averages over sparsities
    /// are given with and without them.
    #[default]
    Apart,
    /// Their seeds are left out of the comparison.
    Excluded,
}

/// Points of accuracy, where a study does not say its margin.
pub const MARGIN: f64 = 0.5;
/// Nats of test loss, where a study does not say its margin: what half a point of accuracy
/// comes to at these accuracies.
pub const LOSS_MARGIN: f64 = 0.02;
/// A run counts as collapsed when its last accuracy is at most this many points over chance.
/// Four times the deviation of a coin per class on 4,000 test images is under it.
pub const COLLAPSE_POINTS: f64 = 2.0;
/// Of every test, over all looks and after correction.
pub const LEVEL: f64 = 0.05;

impl Analysis {
    /// Canonical JSON: what is hashed and what the lock holds.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut value = serde_json::to_value(self)
            .map_err(|e| Error(format!("`analysis`: cannot be written: {e}")))?;
        floats_to_text(&mut value)?;
        let bytes = canonical::to_bytes(&value).map_err(Error::from_store)?;
        String::from_utf8(bytes).map_err(|e| Error(format!("`analysis`: {e}")))
    }

    /// The sha256 of [`Self::to_json`].
    pub fn digest(&self) -> Result<Digest, Error> {
        Ok(Digest::of(self.to_json()?.as_bytes()))
    }

    /// The level of every test at this number of seeds; none: no look is planned there.
    pub fn level(&self, seeds: usize) -> Option<f64> {
        level(self.spending, LEVEL, &self.looks, seeds as u32)
    }

    /// What holds for a contrast.
    pub fn margins<'a>(&'a self, contrast: &'a Contrast) -> &'a Margins {
        contrast.margins.as_ref().unwrap_or(&self.margins)
    }
}

impl Contrast {
    /// "snip − snip under corrupted-data", in names.
    pub fn name(&self) -> String {
        format!("{} − {}", self.plus, self.minus)
    }

    /// Whether the two arms are one ticket, with and without a check.
    pub fn is_within_ticket(&self) -> bool {
        self.plus.ticket == self.minus.ticket
    }
}

impl Arm {
    /// The unmodified ticket.
    pub fn of(ticket: &str) -> Arm {
        Arm {
            ticket: ticket.to_owned(),
            check: None,
        }
    }

    /// A ticket under a check.
    pub fn under(ticket: &str, check: &str) -> Arm {
        Arm {
            ticket: ticket.to_owned(),
            check: Some(check.to_owned()),
        }
    }

    /// As runs name it.
    pub fn check_name(&self) -> &str {
        self.check.as_deref().unwrap_or(crate::NO_CHECK)
    }
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.check {
            None => f.write_str(&self.ticket),
            Some(check) => write!(f, "{} under {check}", self.ticket),
        }
    }
}

impl From<Arm> for String {
    fn from(arm: Arm) -> String {
        arm.to_string()
    }
}

impl TryFrom<String> for Arm {
    type Error = String;
    fn try_from(text: String) -> Result<Arm, String> {
        let (ticket, check) = match text.split_once(" under ") {
            Some((ticket, check)) => (ticket.trim(), Some(check.trim().to_owned())),
            None => (text.trim(), None),
        };
        let word = |w: &str| !w.is_empty() && !w.contains(char::is_whitespace);
        match word(ticket) && check.as_deref().is_none_or(word) {
            true => Ok(Arm {
                ticket: ticket.to_owned(),
                check,
            }),
            false => Err(format!(
                "expected a ticket (`snip`) or a ticket under a check (`snip under corrupted-data`), found `{text}`"
            )),
        }
    }
}
