//! Weights: drawn, or as a dense training left them at one of its stages.
use crate::{
    Error,
    actions::{
        init::InitRecipe,
        recipe::{ActionInput, Platform},
        train::TrainRecipe,
    },
    plan::{
        grid::{At, Builder},
        pipeline::rows::KnownRows,
    },
    spec::{
        checks::{DataStage, ResampledKey},
        ticket::stage::{self, WeightsSource},
    },
};
use jackpot_net::{Compute, Training};
use jackpot_rng::Key;

/// What a training of the plan is asked for with.
pub(crate) struct TrainRequest<'a> {
    pub title: String,
    pub weights: ActionInput,
    pub mask: Option<ActionInput>,
    pub rows: ActionInput,
    pub known: KnownRows,
    pub training: Training,
    pub compute: Compute,
    /// Keys that it does not share with the other trainings of its seed.
    pub redraw: &'a [ResampledKey],
}

impl Builder {
    /// The weights of a stage.
    pub(super) fn weights(&mut self, stage: WeightsSource, at: &At) -> Result<ActionInput, Error> {
        match stage {
            WeightsSource::Initial => self.drawn("init", at.keys().init().to_hex(), at),
            WeightsSource::Redrawn => self.drawn("init again", at.keys().redrawn().to_hex(), at),
            WeightsSource::Object(digest) => Ok(ActionInput::Object(digest)),
            WeightsSource::Trained | WeightsSource::Epoch(_) | WeightsSource::Step(_) => {
                self.pretrained(stage, at)
            }
        }
    }

    fn drawn(&mut self, what: &str, key: String, at: &At) -> Result<ActionInput, Error> {
        let recipe = InitRecipe {
            architecture: self.setting().architecture.clone(),
            key,
        };
        self.output(format!("{what}, seed {}", at.seed), recipe, "weights")
    }

    /// The dense training before pruning, under the check's changes to that stage.
    pub(super) fn pretraining(&self, at: &At) -> Training {
        let setting = self.setting();
        match at.check {
            None => setting.training.clone(),
            Some(check) => check
                .pretraining
                .apply(&setting.training, setting.data.train_rows),
        }
    }

    fn pretrained(&mut self, stage: WeightsSource, at: &At) -> Result<ActionInput, Error> {
        let mut training = self.pretraining(at);
        // In a trial every training has an end of its own.
        let until = self.until(stage, &training, at)?;
        training.until = until.into_iter().chain(training.until).min();
        let weights = self.weights(WeightsSource::Initial, at)?;
        let rows = self.seen(DataStage::Pretraining, at)?;
        let known = self.rows_seen(DataStage::Pretraining, at)?;
        let title = format!(
            "train dense on {}{}, seed {}",
            at.seen_in_words(DataStage::Pretraining),
            match stage {
                WeightsSource::Epoch(n) => format!(" until epoch {n}"),
                WeightsSource::Step(n) => format!(" until step {n}"),
                _ => String::new(),
            },
            at.seed
        );
        let trained = TrainRequest {
            title,
            weights,
            mask: None,
            rows,
            known,
            training,
            compute: self.setting().compute.dense(),
            redraw: &[],
        };
        let train = self.training(trained, at)?;
        Ok(ActionInput::node(train, "checkpoint"))
    }

    /// The step at which the dense training has reached a stage, unless the stage is its end.
    fn until(
        &self,
        stage: WeightsSource,
        training: &Training,
        at: &At,
    ) -> Result<Option<u64>, Error> {
        if !matches!(stage, WeightsSource::Epoch(_) | WeightsSource::Step(_)) {
            return Ok(None);
        }
        if training.steps_per_epoch.is_none() && self.leaves_rows_out(at)? {
            return Err(Error(format!(
                "{}: ticket `{}` takes {stage}, but how many steps an epoch has is not known before the check has left rows out; write `pretraining = {{ steps_per_epoch = … }}` in the check",
                at.check_field(),
                at.ticket.name
            )));
        }
        let steps = training.steps_in_epoch(u64::from(self.setting().data.train_rows));
        stage::check(
            &format!("{}: ticket `{}`", at.check_field(), at.ticket.name),
            stage,
            training,
            steps,
        )?;
        Ok(match stage {
            WeightsSource::Epoch(n) => Some(u64::from(n) * steps),
            WeightsSource::Step(n) => Some(n),
            _ => None,
        })
    }

    pub(super) fn training(&mut self, trained: TrainRequest, at: &At) -> Result<usize, Error> {
        // Of another length than the study's, a training may end before its schedule does.
        trained.training.validate().map_err(|e| {
            let check = at.check.map(|c| format!(" under check `{}`", c.name));
            let ticket = &at.ticket.name;
            Error(format!(
                "ticket `{ticket}`{}: {e}",
                check.unwrap_or_default()
            ))
        })?;
        self.rows_fit(&trained.training, &trained.known, at)?;
        let Compute { engine, precision } = trained.compute;
        let again = |what, key: Key| {
            if trained.redraw.contains(&what) {
                key.fold_name("redrawn").to_hex()
            } else {
                key.to_hex()
            }
        };
        let recipe = TrainRecipe {
            architecture: self.setting().architecture.clone(),
            training: trained.training,
            weights: trained.weights,
            mask: trained.mask,
            train: trained.rows,
            test: self.data("test")?,
            normalisation: self.data("normalisation")?,
            order_key: again(ResampledKey::Order, at.keys().order()),
            augment_key: again(ResampledKey::Augment, at.keys().augment()),
            platform: Platform {
                engine,
                ..self.platform(precision)
            },
        };
        self.node(trained.title, recipe)
    }
}
