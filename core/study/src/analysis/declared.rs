//! The analysis plans that a study had, in `study.lock`, and what was changed after the fact.
//!
//! The cache makes it free to add seeds until a verdict pleases. Nothing forbids it: it is
//! recorded, and stands beside each verdict that it touches.
use super::{Analysis, Contrast};
use crate::{
    Error,
    plan::assess::{Memo, State, assess},
    plan::graph::{Content, Plan},
    run::lock::Lock,
};
use jackpot_stats::Variance;
use jackpot_store::Store;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::Path};

/// One analysis plan, as it was when `jackpot run` first saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Of `plan`.
    pub sha256: String,
    /// The study's seeds then.
    pub seeds: Vec<u64>,
    /// Trainings of the study that were done then.
    pub done: u64,
    /// Trainings that the study asked for then.
    pub of: u64,
    /// Whether a report had been drawn before, so that verdicts had been seen.
    pub seen: bool,
    /// The plan itself: canonical JSON.
    pub plan: String,
}

/// Writes the plan's analysis into `study.lock` of its folder, unless it stands there as the last
/// one. Returns what was written. To be called before the first training.
///
/// # Errors
/// When the lock cannot be read or written, or the store cannot be read.
pub fn declare(plan: &Plan, store: &Store) -> Result<Option<Declared>, Error> {
    let study = &plan.study;
    let found = Lock::read(&study.folder)?;
    let mut lock = found.unwrap_or_else(|| {
        Lock::new(
            study.digest,
            plan.device.class.clone(),
            plan.libtorch.to_string(),
        )
    });
    let sha256 = study.analysis.digest()?.to_string();
    if lock
        .analysis
        .last()
        .is_some_and(|d| d.covers(&sha256, &study.seeds))
    {
        return Ok(None);
    }
    let trainings: BTreeSet<usize> = plan
        .cells
        .iter()
        .filter_map(|c| match c.content {
            Content::Run { train, .. } => Some(train),
            Content::Identical { .. } | Content::NotApplicable { .. } => None,
        })
        .collect();
    let states = assess(plan, store, &mut Memo::default(), &mut |d| store.has(d))?.states;
    let cached = |t: &&usize| states[**t] == State::Cached;
    let declared = Declared {
        sha256,
        seeds: study.seeds.clone(),
        done: trainings.iter().filter(cached).count() as u64,
        of: trainings.len() as u64,
        seen: !lock.output.is_empty(),
        plan: study.analysis.to_json()?,
    };
    lock.analysis.push(declared.clone());
    lock.write(&study.folder)?;
    Ok(Some(declared))
}

impl Declared {
    /// The same plan with the same seeds, or with more as planned: the number of seeds at which
    /// verdicts are drawn is part of the plan.
    fn covers(&self, sha256: &str, seeds: &[u64]) -> bool {
        self.sha256 == sha256 && self.seeds.iter().all(|s| seeds.contains(s))
    }

    /// "before the first training", "when 12 of 78 trainings were done and a report was drawn".
    pub fn when(&self) -> String {
        match (self.done, self.seen) {
            (0, _) => "before the first training".into(),
            (done, false) => format!("when {done} of {} trainings were done", self.of),
            (done, true) => format!(
                "when {done} of {} trainings were done and a report had been drawn",
                self.of
            ),
        }
    }

    fn analysis(&self) -> Result<Analysis, Error> {
        serde_json::from_str(&self.plan).map_err(|e| {
            Error(format!(
                "study.lock: the analysis plan {}: {e}; restore the file, or remove that entry and say so",
                &self.sha256[..self.sha256.len().min(12)]
            ))
        })
    }
}

/// The variance that a study declared for these seeds or some of them, where one did: a default
/// that a later release changes is not a change of the plan. Other seeds are another study.
pub(crate) fn variance_declared(folder: &Path, seeds: &[u64]) -> Result<Option<Variance>, Error> {
    let lock = Lock::read(folder)?;
    let last = lock.as_ref().and_then(|l| l.analysis.last());
    let goes_on = |d: &&Declared| d.seeds.iter().all(|s| seeds.contains(s));
    let plan = last.filter(goes_on).map(Declared::analysis).transpose()?;
    Ok(plan.map(|plan| plan.variance))
}

/// What a reader must know of how the analysis came to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanChanges {
    /// When the first plan was declared; none: no plan is.
    pub first: Option<Declared>,
    /// The plan in force is the one that was declared last.
    pub is_declared: bool,
    /// After the first training, in order.
    pub changes: Vec<PlanChange>,
}

/// One thing that was not planned before the first training.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanChange {
    /// In words.
    pub what: String,
    /// Families whose verdicts it touches; none: all.
    pub families: Option<BTreeSet<String>>,
}

impl PlanChanges {
    /// Numbers, from 1, of the changes that touch a contrast's verdicts.
    pub fn touching(&self, contrast: &Contrast) -> Vec<usize> {
        let touches = |c: &PlanChange| {
            c.families
                .as_ref()
                .is_none_or(|f| f.contains(&contrast.family))
        };
        let all = self.changes.iter().enumerate().filter(|(_, c)| touches(c));
        all.map(|(i, _)| i + 1).collect()
    }
}

/// Compares what was declared with the analysis in force.
///
/// # Errors
/// When a plan in the lock cannot be read or does not have its digest.
pub fn plan_changes(
    declared: &[Declared],
    analysis: &Analysis,
    seeds: &[u64],
) -> Result<PlanChanges, Error> {
    let mut found = PlanChanges {
        first: declared.first().cloned(),
        ..PlanChanges::default()
    };
    let mut all = |what: String| {
        found.changes.push(PlanChange {
            what,
            families: None,
        });
    };
    let Some(first) = declared.first() else {
        all("no analysis plan was declared before this report; `jackpot run` declares it".into());
        return Ok(found);
    };
    for one in declared {
        let digest = jackpot_store::Digest::of(one.plan.as_bytes()).to_string();
        if digest != one.sha256 {
            return Err(Error(format!(
                "study.lock: the analysis plan {} hashes to {digest}: it was changed by hand",
                one.sha256
            )));
        }
    }
    if first.done > 0 {
        all(format!("the analysis plan was declared {}", first.when()));
    }
    for pair in declared.windows(2) {
        if pair[1].done > 0 {
            found.changes.extend(between(&pair[0], &pair[1])?);
        }
    }
    let last = declared.last().unwrap_or(first);
    found.is_declared = last.covers(&analysis.digest()?.to_string(), seeds);
    if !found.is_declared {
        found.changes.push(PlanChange {
            what:
                "study.toml asks for another analysis than was declared; `jackpot run` records it"
                    .into(),
            families: None,
        });
    }
    Ok(found)
}

/// From one declared plan to the next.
fn between(old: &Declared, new: &Declared) -> Result<Option<PlanChange>, Error> {
    let (was, is) = (old.analysis()?, new.analysis()?);
    let mut words = Vec::new();
    let mut differ = |what: &str, was: String, is: String| {
        if was != is {
            words.push(format!("{what}: {was} → {is}"));
        }
    };
    for ((what, was), (_, is)) in rules(&was).into_iter().zip(rules(&is)) {
        differ(what, was, is);
    }
    if !old.seeds.iter().all(|s| new.seeds.contains(s)) || was.looks != is.looks {
        let [was, is] = [&old.seeds, &new.seeds].map(|s| format!("{s:?}"));
        differ("seeds", was, is);
    }
    let whole = !words.is_empty();
    let mut families = BTreeSet::new();
    for (these, those, what) in [(&was, &is, "removed"), (&is, &was, "added")] {
        for contrast in these
            .contrasts
            .iter()
            .filter(|c| !those.contrasts.contains(c))
        {
            words.push(format!("{what} {} ({})", contrast.name(), contrast.family));
            families.insert(contrast.family.clone());
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(PlanChange {
        what: format!(
            "the analysis plan was changed {}: {}",
            new.when(),
            words.join("; ")
        ),
        families: (!whole).then_some(families),
    }))
}

/// What holds for every contrast, in words.
fn rules(analysis: &Analysis) -> [(&'static str, String); 8] {
    let effects: Vec<&str> = analysis.effects.iter().map(|e| e.of.as_str()).collect();
    let or_none = |text: &str| if text.is_empty() { "none" } else { text }.to_owned();
    [
        ("margin of accuracy", words_of(&analysis.margins.accuracy)),
        ("margin of loss", words_of(&analysis.margins.test_loss)),
        ("variance", format!("{:?}", analysis.variance)),
        ("collapsed runs", format!("{:?}", analysis.collapsed)),
        ("looks", format!("{:?}", analysis.looks)),
        ("spending", format!("{:?}", analysis.spending)),
        ("effects of two factors", or_none(&effects.join(", "))),
        ("pilot", or_none(analysis.pilot.as_deref().unwrap_or(""))),
    ]
}

/// A margin, for people, without its unit.
pub(crate) fn words_of(margin: &super::Margin) -> String {
    match margin {
        super::Margin::Fixed(x) => x.to_string(),
        super::Margin::Share { share, plus, minus } => format!("{share} of ({plus} − {minus})"),
    }
}
