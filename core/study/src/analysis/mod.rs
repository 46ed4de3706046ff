//! What a study will conclude from its runs, declared before they are run.
//!
//! The plan of an analysis is an object of its own: which contrasts, which test each needs, which
//! margins, which families, how many seeds. Its sha256 goes into `study.lock` before the first
//! training, and whatever is changed later stands there too.
pub(crate) mod declared;
mod factorial;
pub(crate) mod section;
mod standard;
mod text;

pub(crate) use declared::variance_declared;
pub use declared::{DeclaredAnalysis, declare};
pub use factorial::{Factor, Factorial};

use crate::{Error, floats::floats_to_text};
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
    /// What was seen before this plan was declared, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot: Option<String>,
    /// Tickets of two factors, of which each explains a share of what they differ by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Factorial>,
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
    /// Two more arms, whose difference is subtracted from that of the first two: a difference of
    /// differences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less: Option<ArmPair>,
    /// All arms along a number, of which `minus` is the first and `plus` the last: what is compared
    /// are the values at both ends of the line through them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<Dose>,
    /// Its own; `None` means the analysis'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margins: Option<Margins>,
}

/// One arm less another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmPair {
    /// Runs.
    pub plus: Arm,
    /// Runs that are subtracted, seed by seed.
    pub minus: Arm,
}

/// An arm and its place along a number that was given with `each`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dose {
    /// The number; 0 for the unmodified ticket.
    #[serde(with = "text")]
    pub at: f64,
    /// Runs.
    pub arm: Arm,
}

/// An arm of a contrast, with its weight in either side.
pub struct WeightedArm<'a> {
    /// Runs.
    pub arm: &'a Arm,
    /// Its weight in the side that is compared.
    pub plus: f64,
    /// Its weight in the side that is subtracted.
    pub minus: f64,
}

/// A ticket, or a ticket under a check, of one setting where it says so: `snip`, `snip under
/// corrupted-data`, `snip under corrupted-data in long`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arm {
    /// Its name.
    pub ticket: String,
    /// Its name; `None` means the unmodified ticket.
    pub check: Option<String>,
    /// The name of the setting; `None` means each.
    pub setting: Option<String>,
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
    /// The A/A control: both arms have the same distribution, so what shows is noise.
    #[serde(rename = "same-law")]
    SameDistribution,
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

    /// The level of every test at this number of seeds; `None` if no look is planned there.
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
        let first = format!("{} − {}", self.plus, self.minus);
        match &self.less {
            _ if !self.trend.is_empty() => format!("trend from {} to {}", self.minus, self.plus),
            Some(less) => format!("({first}) − ({} − {})", less.plus, less.minus),
            None => first,
        }
    }

    /// Whether it compares runs of several settings, or of one among them.
    pub fn is_across_settings(&self) -> bool {
        self.plus.setting.is_some()
    }

    /// Its arms: what is compared is the weighted sum on either side.
    pub fn terms(&self) -> Vec<WeightedArm<'_>> {
        let term = |arm, plus, minus| WeightedArm { arm, plus, minus };
        if !self.trend.is_empty() {
            return line(&self.trend);
        }
        let Some(less) = &self.less else {
            return vec![term(&self.plus, 1.0, 0.0), term(&self.minus, 0.0, 1.0)];
        };
        vec![
            term(&self.plus, 1.0, 0.0),
            term(&self.minus, -1.0, 0.0),
            term(&less.plus, 0.0, 1.0),
            term(&less.minus, 0.0, -1.0),
        ]
    }

    /// Whether it is one arm less another, and nothing else.
    pub fn is_pair(&self) -> bool {
        self.less.is_none() && self.trend.is_empty()
    }

    /// Whether it is one ticket of one setting less the same ticket under a check, or the like.
    pub fn is_within_ticket(&self) -> bool {
        let same = self.plus.ticket == self.minus.ticket && self.plus.setting == self.minus.setting;
        same && self.is_pair()
    }
}

/// The line of least squares through the doses, as the weights that their values have in its value
/// at the last dose (plus) and at the first (minus).
fn line(doses: &[Dose]) -> Vec<WeightedArm<'_>> {
    let n = doses.len() as f64;
    let mean = doses.iter().map(|d| d.at).sum::<f64>() / n;
    let square = doses.iter().map(|d| (d.at - mean).powi(2)).sum::<f64>();
    let (first, last) = (doses[0].at, doses[doses.len() - 1].at);
    let weight = |dose: &Dose, at: f64| 1.0 / n + (dose.at - mean) * (at - mean) / square;
    let terms = doses.iter().map(|dose| WeightedArm {
        arm: &dose.arm,
        plus: weight(dose, last),
        minus: weight(dose, first),
    });
    terms.collect()
}

impl Arm {
    /// The unmodified ticket.
    pub fn of(ticket: &str) -> Arm {
        Arm {
            ticket: ticket.to_owned(),
            check: None,
            setting: None,
        }
    }

    /// A ticket under a check.
    pub fn under(ticket: &str, check: &str) -> Arm {
        Arm {
            ticket: ticket.to_owned(),
            check: Some(check.to_owned()),
            setting: None,
        }
    }

    /// Its ticket without the check, in the same setting.
    pub fn unmodified(&self) -> Arm {
        Arm {
            check: None,
            ..self.clone()
        }
    }

    /// As runs name it.
    pub fn check_name(&self) -> &str {
        self.check.as_deref().unwrap_or(crate::NO_CHECK)
    }
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.ticket)?;
        if let Some(check) = &self.check {
            write!(f, " under {check}")?;
        }
        match &self.setting {
            Some(setting) => write!(f, " in {setting}"),
            None => Ok(()),
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
        let split = |text: &str, word: &str| match text.split_once(word) {
            Some((before, after)) => (before.trim().to_owned(), Some(after.trim().to_owned())),
            None => (text.trim().to_owned(), None),
        };
        let (cell, setting) = split(&text, " in ");
        let (ticket, check) = split(&cell, " under ");
        let is_word = |w: &String| !w.is_empty() && !w.contains(char::is_whitespace);
        if is_word(&ticket) && [&check, &setting].iter().all(|w| w.iter().all(is_word)) {
            return Ok(Arm {
                ticket,
                check,
                setting,
            });
        }
        Err(format!(
            "expected a ticket (`snip`) or a ticket under a check (`snip under corrupted-data`), of one setting where it matters (`snip under corrupted-data in long`), found `{text}`"
        ))
    }
}
