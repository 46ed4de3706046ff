//! What is known of the rows that a stage sees before an image is read, and what is refused by
//! it: a training or a method that could not be given its batches.
//!
//! Which parameters of an item say how many rows it takes is known by the names that the
//! contract gives them.
use crate::{
    Error,
    plan::grid::{At, Builder},
    spec::{
        checks::{CheckStep, DataStage},
        ticket::profile::Config,
        training::batch_fits,
    },
};
use jackpot_data::{BatchSpec, scoring_batch};
use jackpot_net::{Training, held_back};
use jackpot_protocol::{ConfigValue, Kind, Output};
use jackpot_rng::Key;

/// What is known of rows before anything runs.
#[derive(Clone, Default)]
pub(crate) struct KnownRows {
    /// How many rows there are, unless a check leaves rows out by a rule of its own.
    count: Option<u64>,
    /// How many rows each class has, where the labels are known.
    by_class: Option<Vec<u64>>,
}

impl Builder {
    /// Of the clean training rows. In a trial, whatever images are here: nothing is refused.
    pub(super) fn clean_rows(&self) -> KnownRows {
        if self.plan.study.is_trial {
            return KnownRows::default();
        }
        KnownRows {
            count: Some(self.setting().data.train_rows.into()),
            by_class: self.by_class[self.setting].clone(),
        }
    }

    /// Of the rows that a stage before the ticket's own training sees.
    pub(super) fn rows_seen(&self, stage: DataStage, at: &At) -> Result<KnownRows, Error> {
        let mut steps = at.check.iter().flat_map(|c| c.on_data_of(stage));
        steps.try_fold(self.clean_rows(), |rows, step| {
            self.rows_after(step, rows, at)
        })
    }

    /// Of the rows that a step of a check leaves.
    fn rows_after(&self, step: &CheckStep, rows: KnownRows, at: &At) -> Result<KnownRows, Error> {
        let field = at.check_field();
        let (item, needs) = self.item(&step.item, &step.params, Kind::Check, &field)?;
        let share = match item.config.get("share") {
            Some(ConfigValue::Float(share)) => Some(*share),
            _ => None,
        };
        if share.is_some_and(|share| share <= 0.0) {
            return Err(Error(format!(
                "{field}: `{}`: `share`: expected the share of the rows, above 0, found 0: it would change nothing; leave the check out instead",
                step.item
            )));
        }
        match (needs.output, share) {
            // Labels may be others afterwards: how many of each class is not known.
            (Output::Labels, _) => Ok(KnownRows {
                by_class: None,
                ..rows
            }),
            (Output::Subset, Some(share)) => {
                let balanced = item.config.get("balanced") == Some(&ConfigValue::Bool(true));
                let left = rows.part(share, balanced);
                let nothing = match (left.count, rows.count) {
                    (Some(0), _) => "no row",
                    (Some(left), Some(all)) if left == all => "every row",
                    _ => return Ok(left),
                };
                Err(Error(format!(
                    "{field}: `{}`: `share`: {share} of {} rows keeps {nothing}: expected a share between 0 and 1 that keeps some",
                    step.item,
                    rows.count.unwrap_or_default()
                )))
            }
            (Output::Subset, None) => Ok(KnownRows::default()),
            _ => Ok(rows),
        }
    }

    /// Refuses a training that these rows cannot be given to.
    pub(super) fn rows_fit(
        &self,
        training: &Training,
        rows: &KnownRows,
        at: &At,
    ) -> Result<(), Error> {
        let Some(count) = rows.count else {
            return Ok(());
        };
        let check = at.check.map(|c| format!(" under check `{}`", c.name));
        let place = format!("ticket `{}`{}", at.ticket.name, check.unwrap_or_default());
        let named = |e: jackpot_net::Error| Error(format!("{place}: `training`: {e}"));
        batch_fits(training, count, &format!("{place}: `training"))?;
        if let Some(by_class) = &rows.by_class {
            held_back(training.validation_rows, by_class).map_err(named)?;
        }
        let network = &self.plan.networks[self.setting];
        let trained = count.saturating_sub(training.validation_rows.into());
        network
            .refuse_single_values(training, trained)
            .map_err(named)
    }

    /// Refuses a method whose batches these rows cannot fill.
    pub(super) fn batches_fit(
        &self,
        config: &Config,
        rows: &KnownRows,
        at: &At,
    ) -> Result<(), Error> {
        let number = |name: &str| match config.get(name) {
            Some(ConfigValue::Int(n)) => u64::try_from(*n).ok(),
            _ => None,
        };
        let (per_class, size) = (number(PER_CLASS).unwrap_or(0), number(BATCH_SIZE));
        let (Some(count), true) = (rows.count, per_class > 0 || size.is_some()) else {
            return Ok(());
        };
        let spec = BatchSpec {
            key: Key::from_seed(0),
            n_batches: number("batches").unwrap_or(1),
            batch_size: size.unwrap_or(0),
            per_class,
            parts: 1,
            augment: false,
            shuffle: false,
        };
        let classes = self.setting().architecture.classes;
        let fits = scoring_batch(&spec, count, classes, rows.by_class.as_deref());
        fits.map(drop).map_err(|e| {
            Error(format!(
                "ticket `{}`: `scores.params.{}`{}: {e}",
                at.ticket.name,
                if per_class > 0 { PER_CLASS } else { BATCH_SIZE },
                at.on_changed_data()
            ))
        })
    }
}

/// Images of every class in a batch; 0: `batch_size` says how many.
const PER_CLASS: &str = "samples_per_class";
/// Images in a batch.
const BATCH_SIZE: &str = "batch_size";

impl KnownRows {
    /// What a share of them is, of each class or of all.
    fn part(&self, share: f64, balanced: bool) -> KnownRows {
        let part = |rows: u64| ((rows as f64 * share).round_ties_even() as u64).min(rows);
        if !balanced {
            return KnownRows {
                count: self.count.map(part),
                by_class: None,
            };
        }
        let by_class: Option<Vec<u64>> = (self.by_class.as_ref())
            .map(|classes| classes.iter().map(|&rows| part(rows)).collect());
        KnownRows {
            count: by_class.as_ref().map(|classes| classes.iter().sum()),
            by_class,
        }
    }
}
