//! Scores: what a method makes of weights, data and draws, in one call or in rounds.
use crate::{
    Error,
    actions::{
        recipe::{ActionInput, OutputRef, Platform, SampledRows},
        score::ScoreRecipe,
    },
    plan::grid::{At, Builder},
    spec::{
        checks::DataStage,
        ticket::{
            profile::{self, Config},
            stage::WeightsSource,
            tickets::SparseTicket,
        },
    },
};
use jackpot_protocol::{Kind, Output};
use jackpot_prune::{PruningRounds, PruningScope, Sparsity};

/// What a method is asked to score.
#[derive(Clone)]
pub(super) struct ScoreRequest<'a> {
    /// The weights to score; without them those of the ticket's stage, if the method reads any.
    pub weights: Option<ActionInput>,
    /// The mask of what is kept so far.
    pub mask: Option<ActionInput>,
    /// The rounds that the method is called in; without them it is called once.
    pub rounds: Option<PruningRounds>,
    /// The sparsity that a method is asked to reach which gives masks.
    pub mask_at: Option<&'a Sparsity>,
}

impl Builder {
    /// An item's parameters: the profile's, then the ticket's own.
    pub(super) fn with_profile(
        &self,
        id: &str,
        params: &Config,
        sparse: &SparseTicket,
        field: &str,
    ) -> Result<Config, Error> {
        let (_, item) = self.plan.plugins.item(id, Kind::Method, field)?;
        let preset = sparse.profile.and_then(|p| profile::preset(item, p));
        let mut config = preset.unwrap_or_default();
        config.extend(params.clone());
        Ok(config)
    }

    /// Refuses a profile that neither the method nor the allocation has.
    pub(super) fn check_profile(&self, sparse: &SparseTicket, at: &At) -> Result<(), Error> {
        let Some(profile) = sparse.profile else {
            return Ok(());
        };
        let mut names = vec![sparse.method.as_str()];
        names.extend(sparse.allocation.item());
        for name in &names {
            let (_, item) = self.plan.plugins.item(name, Kind::Method, "`profile`")?;
            if profile::preset(item, profile).is_some() {
                return Ok(());
            }
        }
        Err(Error(format!(
            "ticket `{}`: `profile`: `{}` has no presets; remove `profile`",
            at.ticket.name,
            names.join("` and `")
        )))
    }

    /// The rounds that the method is called in at this sparsity, unless it is called once.
    pub(super) fn calls(
        &self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<Option<PruningRounds>, Error> {
        let field = format!("ticket `{}`: `scores`", at.ticket.name);
        let (_, item) = self
            .plan
            .plugins
            .item(&sparse.method, Kind::Method, &field)?;
        let published = match &sparse.rounds {
            // A method is called once after each training.
            Some(_) => 1,
            None => item.rounds_hint.max(1),
        };
        let count = sparse.calls.rounds.unwrap_or(published);
        if count > 1 && item.rounds_hint == 0 {
            return Err(Error(format!(
                "{field}: `rounds`: `{}` works in one call, found {count}",
                sparse.method
            )));
        }
        if count == 1 {
            return match sparse.calls.schedule {
                None => Ok(None),
                Some(_) => Err(Error(format!(
                    "{field}: `schedule` has no meaning: `{}` is called once",
                    sparse.method
                ))),
            };
        }
        let scope = match sparse.allocation {
            crate::Allocation::Global(scope) => scope,
            _ => PruningScope::All,
        };
        Ok(Some(PruningRounds {
            count,
            schedule: sparse.calls.schedule.unwrap_or_default(),
            sparsity: sparsity.clone(),
            scope,
            constraints: sparse.reserve,
        }))
    }

    /// The scores of one call, or the last of many, before a check changes them; or the mask that
    /// a method gives itself.
    pub(super) fn scores(
        &mut self,
        sparse: &SparseTicket,
        scored: &ScoreRequest,
        at: &At,
    ) -> Result<OutputRef, Error> {
        let field = format!("ticket `{}`: `scores`", at.ticket.name);
        let params = self.with_profile(&sparse.method, &sparse.params, sparse, &field)?;
        let (item, needs) = self.item(&sparse.method, &params, Kind::Method, &field)?;
        let (output, name, verb) = match scored.mask_at {
            None => (Output::Scores, "scores", "score"),
            Some(_) => (Output::Masks, "mask", "mask"),
        };
        needs.expect(output, &sparse.method, &field)?;
        if needs.scores {
            return Err(Error(format!(
                "{field}: `{}` asks for scores to read, which only an allocation is given",
                sparse.method
            )));
        }
        if needs.donor {
            return Err(Error(format!(
                "{field}: `{}` asks for another ticket's mask, which a method is not given; use `allocation = {{ copy = \"…\" }}`",
                sparse.method
            )));
        }
        let data = if needs.data {
            // What the check cannot do to the rows is said first.
            let train = self.seen(DataStage::Scoring, at)?;
            let rows = self.rows_seen(DataStage::Scoring, at)?;
            self.batches_fit(&item.config, &rows, at)?;
            Some(SampledRows {
                train,
                normalisation: self.data("normalisation")?,
                augment: self.setting().training.augment.clone(),
            })
        } else {
            None
        };
        let weights = match (needs.weights, scored.weights) {
            (false, _) => None,
            (true, Some(weights)) => Some(weights),
            (true, None) => Some(self.weights(sparse.of, at)?),
        };
        let reference = if needs.reference {
            Some(self.weights(WeightsSource::Initial, at)?)
        } else {
            None
        };
        let key = if needs.data || needs.autodiff {
            at.keys().score_batch()
        } else {
            at.keys().selection()
        };
        let in_words = match (&scored.rounds, scored.mask_at) {
            (Some(r), _) => format!(" in {} rounds to {}", r.count, r.sparsity.text()),
            (None, Some(sparsity)) => format!(" at {}", sparsity.text()),
            (None, None) => String::new(),
        };
        let recipe = ScoreRecipe {
            item,
            architecture: self.setting().architecture.clone(),
            rows: self.setting().data.train_rows,
            weights,
            reference,
            data,
            // A worker differentiates for plugins on one thread, whatever it trains on.
            platform: needs.autodiff.then(|| Platform {
                threads: 1,
                ..self.platform(self.plan.study.scoring.unwrap_or_default())
            }),
            key: (needs.draws || needs.data).then(|| key.to_hex()),
            mask: scored.mask,
            rounds: scored.rounds.clone(),
            sparsity: scored.mask_at.cloned(),
        };
        let title = format!(
            "{verb} {}{}{in_words}{}, seed {}",
            sparse.method,
            at.of_ticket(&sparse.method),
            at.on_changed_data(),
            at.seed
        );
        let node = self.node(title, recipe)?;
        Ok(OutputRef { node, output: name })
    }
}
