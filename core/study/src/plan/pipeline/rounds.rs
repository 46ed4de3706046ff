//! Rounds of training and pruning (iterative magnitude pruning and its kin): one chain serves
//! every sparsity.
//!
//! State 0 is the dense training. After round r the chain keeps (1 − share)^r of all weights,
//! chosen within what it kept before among the weights that the round trained; then it
//! rewinds and trains again. A sparsity is cut, exactly, from the last state that keeps more.
use crate::{
    Allocation, Error,
    actions::{recipe::ActionInput, select::SelectionCounts},
    plan::{
        grid::{At, Builder},
        pipeline::{masks::SelectRequest, scores::ScoreRequest, weights::TrainRequest},
    },
    spec::{
        checks::DataStage,
        ticket::{
            stage::WeightsSource,
            tickets::{IterativePruning, SparseTicket},
        },
    },
};
use jackpot_protocol::Kind;
use jackpot_prune::{PruningScope, SelectionRule, Sparsity};

/// Where a chain stands: what it keeps, and what its last training made.
struct State {
    mask: Option<ActionInput>,
    /// The weights that the last training made. Where nothing reads them nothing is trained.
    trained: Option<ActionInput>,
}

impl Builder {
    /// The mask at a sparsity.
    pub(super) fn mask_after_rounds(
        &mut self,
        sparse: &SparseTicket,
        rounds: &IterativePruning,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let state = self.state(sparse, rounds, sparsity, at)?;
        self.pruned(sparse, &state, sparsity, String::new(), at)
    }

    /// The weights that the last training before the cut left.
    pub(super) fn trained_after_rounds(
        &mut self,
        sparse: &SparseTicket,
        rounds: &IterativePruning,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let state = self.state(sparse, rounds, sparsity, at)?;
        match state.trained {
            Some(trained) => Ok(trained),
            None => self.weights(WeightsSource::Trained, at),
        }
    }

    /// The last state that keeps more than the sparsity asks for.
    fn state(
        &mut self,
        sparse: &SparseTicket,
        rounds: &IterativePruning,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<State, Error> {
        let within = |e: Error| Error(format!("ticket `{}`: {}", at.ticket.name, e.0));
        let total = self.plan.networks[self.setting].prunable_weights();
        let last = rounds.before(sparsity.kept(total), total).map_err(within)?;
        let field = format!("ticket `{}`: `scores`", at.ticket.name);
        let (_, method) = self
            .plan
            .plugins
            .item(&sparse.method, Kind::Method, &field)?;
        let learns = method.needs_weights()
            || rounds.rewind == WeightsSource::Trained
            || sparse.start == WeightsSource::Trained;
        let mut state = State {
            mask: None,
            trained: if learns {
                Some(self.weights(WeightsSource::Trained, at)?)
            } else {
                None
            },
        };
        for round in 1..=last {
            let sparsity = rounds.sparsity(round).map_err(within)?;
            let mask = self.pruned(sparse, &state, &sparsity, format!(", round {round}"), at)?;
            let trained = match state.trained {
                None => None,
                Some(before) => Some(self.round(rounds, round, before, mask, at)?),
            };
            state = State {
                mask: Some(mask),
                trained,
            };
        }
        Ok(state)
    }

    /// What a state keeps after pruning to a sparsity.
    fn pruned(
        &mut self,
        sparse: &SparseTicket,
        state: &State,
        sparsity: &Sparsity,
        round: String,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let scored = ScoreRequest {
            weights: state.trained,
            mask: state.mask,
            rounds: None,
            mask_at: None,
        };
        let scores = self.scores(sparse, &scored, at)?;
        let scores = self.changed_scores(ActionInput::Node(scores), at)?;
        let scope = match sparse.allocation {
            Allocation::Global(scope) => scope,
            _ => PruningScope::All,
        };
        let chosen = SelectRequest {
            scores,
            by: SelectionCounts::Global {
                scope,
                sparsity: sparsity.clone(),
                rule: SelectionRule::Exact,
            },
            within: state.mask,
            reserve: sparse.reserve,
            unit: sparse.unit,
            sparsity,
        };
        self.select(chosen, round, at)
    }

    /// The training of one round, on the data of pretraining.
    fn round(
        &mut self,
        rounds: &IterativePruning,
        round: u32,
        before: ActionInput,
        mask: ActionInput,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let weights = match rounds.rewind {
            WeightsSource::Trained => before,
            stage => self.weights(stage, at)?,
        };
        let mut training = rounds.training.clone();
        if let Some(check) = at.check {
            training = check
                .pretraining
                .apply(&training, self.setting().data.train_rows);
        }
        let title = format!(
            "train {} round {round} on {}, seed {}",
            at.ticket.name,
            at.seen_in_words(DataStage::Pretraining),
            at.seed
        );
        let rows = self.seen(DataStage::Pretraining, at)?;
        let known = self.rows_seen(DataStage::Pretraining, at)?;
        let trained = TrainRequest {
            title,
            weights,
            mask: Some(mask),
            rows,
            known,
            training,
            compute: rounds.compute,
            redraw: &[],
        };
        let node = self.training(trained, at)?;
        Ok(ActionInput::node(node, "checkpoint"))
    }
}
