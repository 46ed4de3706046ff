//! Checks as a study asks for them: what each step changes, in the order of the pipeline.
use crate::{
    Error,
    describe::titles::{UNMODIFIED, told_apart},
    messages::{distinct, hint},
    spec::{
        names::slug,
        repeat::Sweep,
        ticket::{stage::WeightsSource, tickets::Ticket},
    },
};
use jackpot_net::{Order, Training};
use jackpot_protocol::ConfigValue;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

/// A change made to what a ticket sees or is.
#[derive(Clone, Debug)]
pub struct Check {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// What it was written as, if one block of the file stands for several.
    pub series: Option<Sweep>,
    /// Applied in this order, which is that of the pipeline.
    pub steps: Vec<CheckStep>,
    /// What the dense training before pruning does otherwise.
    pub pretraining: Pretraining,
    /// The weights that the ticket's own training starts from instead of the ticket's; `None` means the
    /// ticket's.
    pub start: Option<WeightsSource>,
    /// What the ticket's own training draws anew; everything before it stays.
    pub redraw: Vec<ResampledKey>,
    /// Names of the tickets it is applied to; `None` means all.
    pub tickets: Option<Vec<String>>,
}

/// One item of a check.
#[derive(Clone, Debug)]
pub struct CheckStep {
    /// What is changed.
    pub on: CheckTarget,
    /// The item.
    pub item: String,
    /// As given; defaults are filled in when the plugin is known.
    pub params: BTreeMap<String, ConfigValue>,
}

/// What a step of a check changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckTarget {
    /// The data of pretraining and of scoring; never what a ticket is trained on in the end.
    Data,
    /// The data that dense trainings before pruning see.
    PretrainingData,
    /// The data that a method draws its batches from.
    ScoringData,
    /// The scores, before weights are selected.
    Scores,
    /// The mask.
    Mask,
    /// The weights that the ticket's training starts from, under its mask.
    Weights,
}

impl CheckTarget {
    /// Its place in the pipeline.
    fn rank(self) -> u32 {
        match self {
            CheckTarget::Data | CheckTarget::PretrainingData | CheckTarget::ScoringData => 0,
            CheckTarget::Scores => 1,
            CheckTarget::Mask => 2,
            CheckTarget::Weights => 3,
        }
    }

    /// As a study file spells it.
    pub fn name(self) -> &'static str {
        match self {
            CheckTarget::Data => "data",
            CheckTarget::PretrainingData => "pretraining-data",
            CheckTarget::ScoringData => "scoring-data",
            CheckTarget::Scores => "scores",
            CheckTarget::Mask => "mask",
            CheckTarget::Weights => "weights",
        }
    }
}

/// The stages that see data and may see changed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataStage {
    /// Dense trainings and rounds, before the ticket's own training.
    Pretraining,
    /// A method's batches.
    Scoring,
}

impl CheckStep {
    /// Whether it changes the data of that stage.
    pub fn changes(&self, stage: DataStage) -> bool {
        match self.on {
            CheckTarget::Data => true,
            CheckTarget::PretrainingData => stage == DataStage::Pretraining,
            CheckTarget::ScoringData => stage == DataStage::Scoring,
            _ => false,
        }
    }
}

/// A key of the ticket's own training that a check draws anew: the noise that any other run of
/// the same ticket would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResampledKey {
    /// The order of the training rows.
    Order,
    /// Crops and flips.
    Augment,
}

impl ResampledKey {
    /// As a study file spells it.
    pub fn name(self) -> &'static str {
        match self {
            ResampledKey::Order => "order",
            ResampledKey::Augment => "augment",
        }
    }
}

impl std::fmt::Display for ResampledKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a dense training before pruning does otherwise than the study's `[training]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Rows in stored order, the same in every epoch, instead of shuffled.
    pub order: Option<Order>,
    /// Steps of an epoch.
    pub steps_per_epoch: Option<EpochSteps>,
    /// Epochs; the schedule is stretched or cut to them.
    pub epochs: Option<u32>,
}

/// How many steps an epoch has.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum EpochSteps {
    /// So many.
    Count(u32),
    /// This share of the steps that the clean data gives an epoch, rounded.
    Share(f64),
}

impl Pretraining {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Pretraining::default()
    }

    /// The study's training with these changes, where the clean data has so many rows.
    pub fn apply(&self, base: &Training, rows: u32) -> Training {
        let mut training = base.clone();
        if let Some(order) = self.order {
            training.order = order;
        }
        if let Some(epochs) = self.epochs {
            // A round's training is the rest of the schedule after its rewinding point.
            training.epochs = epochs.saturating_sub(training.offset_epochs).max(1);
        }
        training.steps_per_epoch = match self.steps_per_epoch {
            None => training.steps_per_epoch,
            Some(EpochSteps::Count(n)) => Some(n),
            Some(EpochSteps::Share(share)) => {
                let steps = share * base.steps_in_epoch(u64::from(rows)) as f64;
                Some((steps.round() as u32).max(1))
            }
        };
        training
    }

    fn check(&self, check: &str) -> Result<(), Error> {
        let refuse = |found: String| {
            Err(Error(format!(
                "check `{check}`: `pretraining.steps_per_epoch`: expected a number of steps (390) or a share of the clean epoch's (0.5, 1.0), found {found}"
            )))
        };
        if self.epochs == Some(0) {
            return Err(Error(format!(
                "check `{check}`: `pretraining.epochs`: expected at least 1, found 0"
            )));
        }
        match self.steps_per_epoch {
            Some(EpochSteps::Count(0)) => refuse("0".into()),
            Some(EpochSteps::Share(x)) if !(x > 0.0 && x <= 1.0) => refuse(x.to_string()),
            _ => Ok(()),
        }
    }
}

impl Check {
    /// Whether the study asks for this check on that ticket.
    pub fn applies_to(&self, ticket: &str) -> bool {
        self.tickets
            .as_ref()
            .is_none_or(|t| t.iter().any(|x| x == ticket))
    }

    /// Its steps on one target, each with its place among all.
    pub fn on(&self, target: CheckTarget) -> impl Iterator<Item = (usize, &CheckStep)> {
        let all = self.steps.iter().enumerate();
        all.filter(move |(_, step)| step.on == target)
    }

    /// Whether that stage runs otherwise than without the check.
    pub fn changes(&self, stage: DataStage) -> bool {
        let otherwise = stage == DataStage::Pretraining && !self.pretraining.is_empty();
        otherwise || self.on_data_of(stage).next().is_some()
    }

    /// Its steps on the data of one stage.
    pub fn on_data_of(&self, stage: DataStage) -> impl Iterator<Item = &CheckStep> {
        self.steps.iter().filter(move |step| step.changes(stage))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckSection {
    name: String,
    title: Option<String>,
    on: Option<CheckTarget>,
    #[serde(default)]
    steps: Vec<StepSection>,
    #[serde(default)]
    pretraining: Pretraining,
    start: Option<WeightsSource>,
    #[serde(default)]
    redraw: Vec<ResampledKey>,
    tickets: Option<Vec<String>>,
}

/// `"random-labels"` or `{ check = "random-labels", on = "data", params = { share = 0.5 } }`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct StepSection {
    check: String,
    on: Option<CheckTarget>,
    params: BTreeMap<String, ConfigValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    check: String,
    on: Option<CheckTarget>,
    #[serde(default)]
    params: BTreeMap<String, ConfigValue>,
}

impl TryFrom<Value> for StepSection {
    type Error = String;
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(check) => Ok(StepSection {
                check,
                on: None,
                params: BTreeMap::new(),
            }),
            Value::Table(_) => {
                let t: StepTable = value
                    .try_into()
                    .map_err(|e: toml::de::Error| e.message().to_owned())?;
                Ok(StepSection {
                    check: t.check,
                    on: t.on,
                    params: t.params,
                })
            }
            other => Err(format!(
                "`steps`: expected a check's name or a table with `check`, found {}",
                crate::messages::value_kind(&other)
            )),
        }
    }
}

pub(crate) fn checks(
    given: Vec<CheckSection>,
    series: &[Option<Sweep>],
    tickets: &[Ticket],
) -> Result<Vec<Check>, Error> {
    if !given.is_empty() {
        let names: Vec<String> = given.iter().map(|c| c.name.clone()).collect();
        distinct("check.name", names)?;
    }
    let titled: Vec<(&str, &str)> = (given.iter())
        .map(|c| {
            (
                c.name.as_str(),
                c.title.as_ref().unwrap_or(&c.name).as_str(),
            )
        })
        .collect();
    told_apart("check", &titled, &UNMODIFIED)?;
    let all = given.into_iter().zip(series);
    all.map(|(c, s)| check(c, s.clone(), tickets)).collect()
}

fn check(c: CheckSection, series: Option<Sweep>, tickets: &[Ticket]) -> Result<Check, Error> {
    slug("check", &c.name)?;
    let nothing = c.start.is_none() && c.redraw.is_empty();
    if c.steps.is_empty() && c.pretraining.is_empty() && nothing {
        return Err(Error(format!(
            "check `{}`: `steps`: expected at least one check, found an empty list: it would change nothing",
            c.name
        )));
    }
    c.pretraining.check(&c.name)?;
    if let Some(start) = c.start.filter(|s| s.is_learned()) {
        return Err(Error(format!(
            "check `{}`: `start`: expected `redrawn` (re-initialisation), `initial` or an object, found {start}: what is trained before belongs to a ticket",
            c.name
        )));
    }
    let named = c.tickets.map(|t| named(&c.name, t, tickets)).transpose()?;
    Ok(Check {
        title: c.title.unwrap_or_else(|| c.name.clone()),
        steps: steps(&c.name, c.on, c.steps)?,
        name: c.name,
        series,
        pretraining: c.pretraining,
        start: c.start,
        redraw: if c.redraw.is_empty() {
            Vec::new()
        } else {
            distinct("check.redraw", c.redraw)?
        },
        tickets: named,
    })
}

/// The tickets that a check names; the name of a block with `each`, as it is written, is all
/// that it stands for.
fn named(check: &str, given: Vec<String>, tickets: &[Ticket]) -> Result<Vec<String>, Error> {
    let mut named = Vec::new();
    for name in given {
        let written = |t: &&Ticket| t.series.as_ref().is_some_and(|s| s.name == name);
        let found = tickets.iter().filter(|t| t.name == name || written(t));
        let before = named.len();
        named.extend(found.map(|t| t.name.clone()));
        if named.len() == before {
            return Err(Error(format!(
                "check `{check}`: `tickets`: expected a ticket of this study, found `{name}`{}",
                hint(&name, tickets.iter().map(|t| t.name.as_str()))
            )));
        }
    }
    Ok(named)
}

/// Every step with its target; they stand in the order of the pipeline.
fn steps(
    check: &str,
    on: Option<CheckTarget>,
    given: Vec<StepSection>,
) -> Result<Vec<CheckStep>, Error> {
    let mut steps: Vec<CheckStep> = Vec::new();
    for s in given {
        let on = s.on.or(on).ok_or_else(|| {
            Error(format!(
                "check `{check}`: `on`: expected `data`, `pretraining-data`, `scoring-data`, `scores`, `mask` or `weights`, of the check or of its step `{}`, found nothing",
                s.check
            ))
        })?;
        if let Some(before) = steps.last().filter(|b| b.on.rank() > on.rank()) {
            return Err(Error(format!(
                "check `{check}`: `steps`: `{}` on the {} stands after `{}` on the {}; the pipeline's order is data, scores, mask, weights",
                s.check,
                on.name(),
                before.item,
                before.on.name()
            )));
        }
        steps.push(CheckStep {
            on,
            item: s.check,
            params: s.params,
        });
    }
    Ok(steps)
}
