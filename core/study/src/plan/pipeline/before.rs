//! The pruned network as it is evaluated before its own training.
use crate::{
    Error,
    actions::{
        evaluate::EvaluateRecipe,
        recipe::{ActionInput, Platform},
    },
    plan::grid::{At, Builder},
    spec::ticket::{stage::WeightsSource, tickets::SparseTicket},
};
use jackpot_net::Compute;
use jackpot_protocol::Kind;
use jackpot_prune::Sparsity;

impl Builder {
    /// The evaluation of a cell's pruned network; `start` is what its training starts from. None
    /// where nothing trained was pruned: initial weights are at chance whatever is kept of them.
    pub(super) fn before(
        &mut self,
        start: ActionInput,
        mask: ActionInput,
        sparsity: Option<&Sparsity>,
        at: &At,
    ) -> Result<Option<usize>, Error> {
        let (Some(sparse), Some(sparsity)) = (&at.ticket.sparse, sparsity) else {
            return Ok(None);
        };
        let Some(weights) = self.pruned_weights(sparse, start, sparsity, at)? else {
            return Ok(None);
        };
        // As the dense training was that made the weights.
        let Compute { engine, precision } = self.setting().compute.dense();
        let recipe = EvaluateRecipe {
            architecture: self.setting().architecture.clone(),
            weights,
            mask,
            test: self.data("test")?,
            normalisation: self.data("normalisation")?,
            platform: Platform {
                engine,
                ..self.platform(precision)
            },
        };
        let title = format!(
            "evaluate {} before its training",
            at.cell_in_words(Some(sparsity))
        );
        self.node(title, recipe).map(Some)
    }

    /// The trained weights that the mask was cut from: where the ticket trains on from them, as
    /// that training finds them, a check's changes to them included.
    fn pruned_weights(
        &mut self,
        sparse: &SparseTicket,
        start: ActionInput,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<Option<ActionInput>, Error> {
        let is_trained =
            |stage: WeightsSource| stage.is_learned() || matches!(stage, WeightsSource::Object(_));
        let own = at.check.and_then(|c| c.start).unwrap_or(sparse.start);
        if matches!(own, WeightsSource::Trained | WeightsSource::Object(_)) {
            return Ok(Some(start));
        }
        let (_, method) = self
            .plan
            .plugins
            .item(&sparse.method, Kind::Method, "`scores`")?;
        let cut = method.needs_weights();
        match &sparse.rounds {
            Some(rounds) if cut => self
                .trained_after_rounds(sparse, rounds, sparsity, at)
                .map(Some),
            None if cut && is_trained(sparse.of) => self.weights(sparse.of, at).map(Some),
            _ => Ok(Some(start).filter(|_| is_trained(own))),
        }
    }
}
