//! Tickets as a study asks for them, and their spelling in `study.toml`.
use crate::{
    Error,
    describe::titles::told_apart,
    messages::{distinct, hint},
    spec::{
        names::slug,
        repeat::Sweep,
        ticket::{
            allocations::{Allocation, AllocationSection, allocation},
            profile::Profile,
            stage::{self, WeightsSource},
        },
        training::{TrainingSection, fits},
    },
};
use jackpot_net::{Compute, Training};
use jackpot_protocol::ConfigValue;
use jackpot_prune::{Granularity, LayerConstraints, RoundSchedule, Sparsity};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One way to get a network.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// In files.
    pub name: String,
    /// In tables.
    pub title: String,
    /// What it was written as, if one block of the file stands for several.
    pub series: Option<Sweep>,
    /// None: the dense network.
    pub sparse: Option<SparseTicket>,
}

/// Scores, allocation, selection, which weights training starts from, and that training.
#[derive(Clone, Debug)]
pub struct SparseTicket {
    /// The item that scores.
    pub method: String,
    /// As given; defaults are filled in when the plugin is known.
    pub params: BTreeMap<String, ConfigValue>,
    /// Which weights are scored.
    pub of: WeightsSource,
    /// How a method that works in rounds is called.
    pub calls: ScoringRounds,
    /// How many each layer keeps.
    pub allocation: Allocation,
    /// What the allocation leaves alone: layers that are kept whole, a least number a layer.
    pub reserve: LayerConstraints,
    /// What is kept or pruned as one.
    pub unit: Granularity,
    /// Which weights are trained.
    pub start: WeightsSource,
    /// The ticket's own training.
    pub training: Training,
    /// What that training is computed by.
    pub compute: Compute,
    /// Rounds of training and pruning before the last selection; `None` means one shot.
    pub rounds: Option<IterativePruning>,
    /// Ties and rounding; `None` means what the profile says, else exact.
    pub selection: Option<TieRule>,
    /// A preset of the method's and the allocation's parameters.
    pub profile: Option<Profile>,
}

/// How often a method is called and how the density falls from call to call.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScoringRounds {
    /// None: as the method was published.
    pub rounds: Option<u32>,
    /// None: exponential.
    pub schedule: Option<RoundSchedule>,
}

/// Iterative pruning: train, prune a share of what is left, rewind, again.
#[derive(Clone, Debug, PartialEq)]
pub struct IterativePruning {
    /// Of the weights that are left, pruned after every round.
    pub share: f64,
    /// Which weights the next round starts from; `Trained`: those that the round ended with.
    pub rewind: WeightsSource,
    /// The training of each round after the first, which is the dense training.
    pub training: Training,
    /// What it is computed by: as the ticket's own.
    pub compute: Compute,
}

impl IterativePruning {
    /// The pruned share of all weights after `round` rounds, 1 − (1 − share)^round, as
    /// decimal text of at most 12 digits.
    pub fn sparsity(&self, round: u32) -> Result<Sparsity, Error> {
        let kept = (0..round).fold(1.0, |kept, _| kept * (1.0 - self.share));
        Sparsity::try_from(format!("{:.12}", 1.0 - kept))
            .map_err(|e| Error(format!("`rounds`: after {round} rounds: {e}")))
    }

    /// How many rounds of pruning come before the one that ends at `kept` of `total` weights:
    /// as many as leave more than that.
    pub fn before(&self, kept: u64, total: u64) -> Result<u32, Error> {
        for round in 1..=MOST_ROUNDS {
            let sparsity = self.sparsity(round);
            if sparsity.map_or(0, |s| s.kept(total)) <= kept {
                return Ok(round - 1);
            }
        }
        Err(Error(format!(
            "`rounds.share`: {} a round keeps more than {kept} of {total} weights after {MOST_ROUNDS} rounds: prune a larger share a round, or less in all",
            self.share
        )))
    }
}

/// Every round is a training: more of them is a slip.
const MOST_ROUNDS: u32 = 200;

/// How ties and rounding are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TieRule {
    /// Exactly k, ties by lowest flat index.
    #[default]
    Exact,
    /// The rule of the method's released code.
    Published,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketSection {
    name: String,
    title: Option<String>,
    #[serde(default)]
    dense: bool,
    scores: Option<ScoresSection>,
    allocation: Option<AllocationSection>,
    start: Option<WeightsSource>,
    retrain: Option<TrainingSection>,
    rounds: Option<RoundsSection>,
    selection: Option<TieRule>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScoresSection {
    method: String,
    #[serde(default)]
    params: BTreeMap<String, ConfigValue>,
    of: Option<WeightsSource>,
    rounds: Option<u32>,
    schedule: Option<RoundSchedule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundsSection {
    share: f64,
    rewind: WeightsSource,
    epochs: Option<u32>,
}

/// What a ticket's stages are checked against.
pub(crate) struct Base<'a> {
    pub training: &'a Training,
    pub compute: Compute,
    pub rows: u32,
    /// Channels, height and width of the stored images.
    pub image: [u32; 3],
}

impl Base<'_> {
    fn steps_in_epoch(&self) -> u64 {
        self.training.steps_in_epoch(u64::from(self.rows))
    }
}

pub(crate) fn tickets(
    given: &[TicketSection],
    series: &[Option<Sweep>],
    base: &Base,
) -> Result<Vec<Ticket>, Error> {
    let names: Vec<String> = given.iter().map(|t| t.name.clone()).collect();
    distinct("ticket.name", names)?;
    let titled: Vec<(&str, &str)> = (given.iter())
        .map(|t| {
            (
                t.name.as_str(),
                t.title.as_ref().unwrap_or(&t.name).as_str(),
            )
        })
        .collect();
    told_apart("ticket", &titled, &[])?;
    let mut out: Vec<Ticket> = Vec::new();
    for (t, series) in given.iter().zip(series) {
        slug("ticket", &t.name)?;
        let title = t.title.clone().unwrap_or_else(|| t.name.clone());
        let name = t.name.clone();
        let sparse = if t.dense {
            dense(t)?
        } else {
            Some(sparse(t, base)?)
        };
        if let Some(Allocation::Copy { ticket, .. }) = sparse.as_ref().map(|s| &s.allocation) {
            copied(&name, ticket, &out)?;
        }
        out.push(Ticket {
            name,
            title,
            series: series.clone(),
            sparse,
        });
    }
    Ok(out)
}

/// Only an earlier ticket can be copied, so no circle can be written.
fn copied(name: &str, donor: &str, earlier: &[Ticket]) -> Result<(), Error> {
    match earlier.iter().find(|o| o.name == donor) {
        Some(Ticket {
            sparse: Some(_), ..
        }) => Ok(()),
        Some(_) => Err(Error(format!(
            "ticket `{name}`: `allocation.copy`: `{donor}` is dense and has no mask"
        ))),
        None => {
            let earlier = earlier.iter().map(|o| o.name.as_str());
            Err(Error(format!(
                "ticket `{name}`: `allocation.copy`: expected a ticket that stands above it, found `{donor}`{}",
                hint(donor, earlier)
            )))
        }
    }
}

fn dense(t: &TicketSection) -> Result<Option<SparseTicket>, Error> {
    let extra = [
        ("scores", t.scores.is_some()),
        ("allocation", t.allocation.is_some()),
        ("start", t.start.is_some()),
        ("retrain", t.retrain.is_some()),
        ("rounds", t.rounds.is_some()),
        ("selection", t.selection.is_some()),
        ("profile", t.profile.is_some()),
    ];
    match extra.iter().find(|(_, given)| *given) {
        None => Ok(None),
        Some((field, _)) => Err(Error(format!(
            "ticket `{}`: `{field}` has no meaning with `dense = true`; remove one of the two",
            t.name
        ))),
    }
}

/// What is said where a sparse ticket lacks a field.
pub(crate) fn missing(ticket: &str, field: &str, example: &str) -> Error {
    Error(format!(
        "ticket `{ticket}`: expected `{field} = {example}` (or `dense = true`), found nothing"
    ))
}

fn sparse(t: &TicketSection, base: &Base) -> Result<SparseTicket, Error> {
    let name = &t.name;
    let missing = || missing(name, "scores", "{ method = \"magnitude\" }");
    let scores = t.scores.as_ref().ok_or_else(missing)?;
    // Whether the method needs one is known when its plugin is.
    let (allocation, reserve, unit) = match &t.allocation {
        Some(section) => allocation(name, section)?,
        None => (
            Allocation::ByMethod,
            LayerConstraints::default(),
            Granularity::default(),
        ),
    };
    let rounds = t
        .rounds
        .as_ref()
        .map(|r| rounds(name, r, t.retrain.as_ref(), base))
        .transpose()?;
    let of = match (&rounds, scores.of) {
        (None, of) => of.unwrap_or_default(),
        (Some(_), None | Some(WeightsSource::Trained)) => WeightsSource::Trained,
        (Some(_), Some(other)) => {
            return Err(Error(format!(
                "ticket `{name}`: `scores.of`: with `rounds` each round's trained weights are scored; expected `trained` or nothing, found {other}"
            )));
        }
    };
    let rewind = rounds.as_ref().map(|r| r.rewind);
    let start = t.start.or(rewind).unwrap_or_default();
    for (field, stage) in [("scores.of", of), ("start", start)] {
        checked(name, field, stage, base)?;
    }
    let calls = ScoringRounds {
        rounds: scores.rounds,
        schedule: scores.schedule,
    };
    by_counts(name, unit, &allocation, rounds.as_ref())?;
    one_shot(name, &calls, &allocation, rounds.as_ref())?;
    Ok(SparseTicket {
        allocation,
        reserve,
        unit,
        method: scores.method.clone(),
        params: scores.params.clone(),
        of,
        calls,
        start,
        training: retraining(name, t.retrain.as_ref(), start, base)?,
        compute: compute(t.retrain.as_ref(), base),
        rounds,
        selection: t.selection,
        profile: t.profile,
    })
}

/// The study's engine and precision, or the ticket's own.
fn compute(retrain: Option<&TrainingSection>, base: &Base) -> Compute {
    retrain.map_or(base.compute, |own| own.compute(base.compute))
}

fn checked(ticket: &str, field: &str, stage: WeightsSource, base: &Base) -> Result<(), Error> {
    let steps = base.steps_in_epoch();
    let field = format!("ticket `{ticket}`: `{field}`");
    stage::check(&field, stage, base.training, steps)
}

fn rounds(
    ticket: &str,
    r: &RoundsSection,
    retrain: Option<&TrainingSection>,
    base: &Base,
) -> Result<IterativePruning, Error> {
    if !(r.share > 0.0 && r.share < 1.0) {
        return Err(Error(format!(
            "ticket `{ticket}`: `rounds.share`: expected the share of the remaining weights that a round prunes, above 0 and below 1, found {}",
            r.share
        )));
    }
    if r.epochs == Some(0) {
        return Err(Error(format!(
            "ticket `{ticket}`: `rounds.epochs`: expected at least 1, found 0"
        )));
    }
    checked(ticket, "rounds.rewind", r.rewind, base)?;
    let mut training = retraining(ticket, retrain, r.rewind, base)?;
    training.epochs = r.epochs.unwrap_or(training.epochs);
    training
        .validate()
        .map_err(|e| Error(format!("ticket `{ticket}`: `rounds`: {e}")))?;
    Ok(IterativePruning {
        share: r.share,
        rewind: r.rewind,
        training,
        compute: compute(retrain, base),
    })
}

/// Whole filters are chosen within a layer, as many as an allocation counts.
fn by_counts(
    ticket: &str,
    unit: Granularity,
    allocation: &Allocation,
    rounds: Option<&IterativePruning>,
) -> Result<(), Error> {
    let instead = match (allocation, rounds) {
        _ if unit.is_weights() => return Ok(()),
        (_, Some(_)) => {
            "`rounds` of training and pruning select single weights over all layers; leave `unit` out, and let another ticket of filters `copy` the counts"
        }
        (Allocation::Global(_), None) => {
            "`global` has none; write the rule of a plugin (`{ rule = \"uniform\", unit = \"filters\" }`), `densities` or `copy`"
        }
        _ => return Ok(()),
    };
    Err(Error(format!(
        "ticket `{ticket}`: `allocation.unit`: `filters` takes counts per layer: {instead}"
    )))
}

/// What rounds cannot be combined with.
fn one_shot(
    ticket: &str,
    calls: &ScoringRounds,
    allocation: &Allocation,
    rounds: Option<&IterativePruning>,
) -> Result<(), Error> {
    let refuse = |what: &str| Err(Error(format!("ticket `{ticket}`: {what}")));
    if calls.rounds == Some(0) {
        return refuse("`scores.rounds`: expected at least 1, found 0");
    }
    if calls.schedule.is_some() && calls.rounds == Some(1) {
        return refuse("`scores.schedule` has no meaning with `rounds = 1`");
    }
    if rounds.is_none() {
        return Ok(());
    }
    if !matches!(allocation, Allocation::Global(_) | Allocation::ByMethod) {
        return refuse(
            "`rounds`: rounds of training and pruning select globally; expected `allocation` to be `global`; to train other weights with its counts, let another ticket `copy` it",
        );
    }
    match calls.rounds {
        None | Some(1) => Ok(()),
        Some(_) => refuse(
            "`scores.rounds` and `rounds`: a method is called once after each training; remove one of the two",
        ),
    }
}

/// The ticket's own training: the study's; from an epoch or step of the dense training the
/// rest of its schedule; then what `retrain` says otherwise.
fn retraining(
    ticket: &str,
    given: Option<&TrainingSection>,
    start: WeightsSource,
    base: &Base,
) -> Result<Training, Error> {
    let mut training = base.training.clone();
    let epoch = match start {
        WeightsSource::Epoch(n) => n,
        WeightsSource::Step(n) => (n / base.steps_in_epoch()) as u32,
        _ => 0,
    };
    training.offset_epochs += epoch;
    training.epochs -= epoch;
    let Some(section) = given else {
        return Ok(training);
    };
    let training = section.apply(&training, &format!("ticket `{ticket}`: `retrain`"))?;
    let of = format!("ticket `{ticket}`: `retrain");
    let shown = fits(&training, base.image, base.rows, &of)?;
    let taken = fits(base.training, base.image, base.rows, "`training")?;
    if shown != taken {
        return Err(Error(format!(
            "{of}.augment.crop`: the network takes images of {}×{} as `training.augment` shows them, found {}×{}",
            taken[1], taken[2], shown[1], shown[2]
        )));
    }
    Ok(training)
}
