//! Masks: the selection of scores by an allocation.
use crate::{
    Allocation, DonorSeed, Error, TieRule,
    actions::{
        allocate::AllocateRecipe,
        recipe::ActionInput,
        select::{SelectRecipe, SelectionCounts},
    },
    plan::{
        grid::{At, Builder},
        pipeline::scores::ScoreRequest,
    },
    spec::ticket::{
        profile::{Config, Profile, published_rule},
        stage::WeightsSource,
        tickets::{SparseTicket, missing},
    },
};
use jackpot_protocol::{Kind, Output};
use jackpot_prune::{
    Granularity, LayerConstraints, PruningScope, SelectionRule, Sparsity, counts_kept,
};

/// What a selection chooses, and from what.
pub(super) struct SelectRequest<'a> {
    pub scores: ActionInput,
    pub by: SelectionCounts,
    pub within: Option<ActionInput>,
    pub reserve: LayerConstraints,
    pub unit: Granularity,
    pub sparsity: &'a Sparsity,
}

impl Builder {
    /// A ticket's mask, with the check's steps on scores and before a check on masks.
    pub(super) fn mask(
        &mut self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        self.check_profile(sparse, at)?;
        if self.method(sparse)?.output == Output::Masks {
            return self.mask_by_method(sparse, sparsity, at);
        }
        if matches!(sparse.allocation, Allocation::ByMethod) {
            return Err(missing(&at.ticket.name, "allocation", "\"global\""));
        }
        self.check_unit(sparse, at)?;
        self.check_reserve(sparse, sparsity, at)?;
        if let Some(rounds) = &sparse.rounds {
            return self.mask_after_rounds(sparse, rounds, sparsity, at);
        }
        let calls = self.calls(sparse, sparsity, at)?;
        let in_rounds = calls.is_some();
        let scored = ScoreRequest {
            weights: None,
            mask: None,
            rounds: calls,
            mask_at: None,
        };
        let scores = self.scores(sparse, &scored, at)?;
        if in_rounds {
            self.check_rounds(sparse, at)?;
            if matches!(sparse.allocation, Allocation::Global(_)) {
                // The rounds have selected already.
                return Ok(ActionInput::node(scores.node, "mask"));
            }
        }
        let scores = self.changed_scores(ActionInput::Node(scores), at)?;
        let by = self.by(sparse, scores, sparsity, at)?;
        let chosen = SelectRequest {
            scores,
            by,
            within: None,
            reserve: sparse.reserve,
            unit: sparse.unit,
            sparsity,
        };
        self.select(chosen, String::new(), at)
    }

    /// The mask of a method that gives masks: nothing is selected.
    fn mask_by_method(
        &mut self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let stray = [
            (
                "allocation",
                !matches!(sparse.allocation, Allocation::ByMethod),
            ),
            ("selection", sparse.selection.is_some()),
            ("rounds", sparse.rounds.is_some()),
        ];
        if let Some((field, _)) = stray.iter().find(|(_, given)| *given) {
            return Err(Error(format!(
                "ticket `{}`: `{field}`: `{}` gives masks, and chooses itself which weights are kept; remove `{field}`",
                at.ticket.name, sparse.method
            )));
        }
        let scored = ScoreRequest {
            weights: None,
            mask: None,
            rounds: self.calls(sparse, sparsity, at)?,
            mask_at: Some(sparsity),
        };
        let mask = self.scores(sparse, &scored, at)?;
        Ok(ActionInput::Node(mask))
    }

    /// Refuses whole filters of a network that has none, before anything runs.
    fn check_unit(&self, sparse: &SparseTicket, at: &At) -> Result<(), Error> {
        let fits = sparse.unit.fits(&self.plan.networks[self.setting]);
        fits.map_err(|e| {
            Error(format!(
                "ticket `{}`: `allocation.unit`: {e}",
                at.ticket.name
            ))
        })
    }

    /// Refuses what no mask of this sparsity can hold, as far as it is known without scores.
    fn check_reserve(
        &self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<(), Error> {
        let network = &self.plan.networks[self.setting];
        let fits = match &sparse.allocation {
            // A published rule with something reserved is refused as such. Layers that are too
            // large to be kept whole at one sparsity of the grid are foreseen, with a warning.
            Allocation::Global(scope)
                if sparse.reserve.min_weights > 0 && self.selection(sparse) == TieRule::Exact =>
            {
                sparse.reserve.fits(network, sparsity, *scope)
            }
            Allocation::Table(densities) => {
                let counts = jackpot_prune::counts_of_densities(network, densities, sparsity);
                counts
                    .and_then(|c| counts_kept(network, &c, &sparse.reserve, sparse.unit))
                    .map(drop)
            }
            _ => Ok(()),
        };
        fits.map_err(|e| {
            let field = match sparse.allocation {
                Allocation::Table(_) => "allocation.densities",
                _ => "allocation.floor",
            };
            Error(format!("ticket `{}`: `{field}`: {e}", at.ticket.name))
        })
    }

    /// The selection as an action; `round` says which, if there are several.
    pub(super) fn select(
        &mut self,
        chosen: SelectRequest,
        round: String,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let recipe = SelectRecipe {
            architecture: self.setting().architecture.clone(),
            scores: chosen.scores,
            by: chosen.by,
            within: chosen.within,
            reserve: chosen.reserve,
            unit: chosen.unit,
        };
        let title = format!(
            "select {}{}{round} at {}, seed {}",
            at.ticket.name,
            at.on_changed_data(),
            chosen.sparsity.text(),
            at.seed
        );
        self.output(title, recipe, "mask")
    }

    /// What a method in rounds cannot be combined with: it selects itself.
    fn check_rounds(&self, sparse: &SparseTicket, at: &At) -> Result<(), Error> {
        let refuse = |what: String| {
            Err(Error(format!(
                "ticket `{}`: `{}` works in rounds and selects after each: {what}",
                at.ticket.name, sparse.method
            )))
        };
        if self.selection(sparse) == TieRule::Published {
            return refuse("write `selection = \"exact\"`".into());
        }
        if !sparse.unit.is_weights() {
            return refuse(
                "whole filters have no meaning there; leave `unit` out of `allocation`, or write `rounds = 1`".into(),
            );
        }
        match &sparse.allocation {
            Allocation::Copy { .. } => Ok(()),
            Allocation::Global(_) => match at.check.filter(|_| !at.is_donor) {
                Some(check) if check.on(crate::CheckTarget::Scores).next().is_some() => refuse(format!(
                    "check `{}` on scores would come too late; leave the ticket out of its `tickets`, or write `rounds = 1`",
                    check.name
                )),
                _ => Ok(()),
            },
            Allocation::Rule { item, .. } => refuse(format!(
                "`allocation`: expected `global` or `{{ copy = \"…\" }}`, found `{item}`; or write `rounds = 1`"
            )),
            // Refused where the mask is asked for.
            Allocation::ByMethod => Ok(()),
            Allocation::Table(_) => refuse(
                "`allocation`: expected `global` or `{ copy = \"…\" }`, found `densities`; or write `rounds = 1`".into(),
            ),
        }
    }

    /// The ticket's selection: its own word, else what its profile stands for.
    fn selection(&self, sparse: &SparseTicket) -> TieRule {
        let global = matches!(sparse.allocation, Allocation::Global(PruningScope::All))
            && sparse.reserve.is_nothing();
        let by_profile = sparse.profile == Some(Profile::Published)
            && global
            && published_rule(&sparse.method).is_ok();
        match (sparse.selection, by_profile) {
            (Some(selection), _) => selection,
            (None, true) => TieRule::Published,
            (None, false) => TieRule::Exact,
        }
    }

    fn by(
        &mut self,
        sparse: &SparseTicket,
        scores: ActionInput,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<SelectionCounts, Error> {
        let published = self.selection(sparse) == TieRule::Published;
        let refuse = |what: &str| {
            Err(Error(format!(
                "ticket `{}`: `selection`: `published` {what}",
                at.ticket.name
            )))
        };
        match &sparse.allocation {
            Allocation::Global(PruningScope::Convolutions) if published => {
                refuse("is over all layers; leave `scope` out, or write `selection = \"exact\"`")
            }
            Allocation::Global(_) if published && !sparse.reserve.is_nothing() => refuse(
                "keeps no layer whole; leave `whole` and `floor` out, or write `selection = \"exact\"`",
            ),
            Allocation::Global(scope) => Ok(SelectionCounts::Global {
                scope: *scope,
                sparsity: sparsity.clone(),
                rule: if published {
                    published_rule(&sparse.method)?
                } else {
                    SelectionRule::Exact
                },
            }),
            _ if published => refuse("has a meaning with the allocation `global` only"),
            Allocation::Rule { item, params } => Ok(SelectionCounts::Counts(
                self.counts(item, params, sparse, scores, sparsity, at)?,
            )),
            Allocation::Table(densities) => Ok(SelectionCounts::Table {
                densities: densities.clone(),
                sparsity: sparsity.clone(),
            }),
            Allocation::Copy { ticket, seed } => {
                let donor = self.sparse(ticket).clone();
                let field = format!("ticket `{}`: `allocation.seed`", at.ticket.name);
                let other = At {
                    seed: match seed {
                        DonorSeed::Same => at.seed,
                        DonorSeed::Next => self.next_seed(at.seed, &field)?,
                    },
                    is_donor: true,
                    ..*at
                };
                Ok(SelectionCounts::Mask(self.mask(&donor, sparsity, &other)?))
            }
            Allocation::ByMethod => Err(missing(&at.ticket.name, "allocation", "\"global\"")),
        }
    }

    fn counts(
        &mut self,
        id: &str,
        params: &Config,
        sparse: &SparseTicket,
        scores: ActionInput,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let field = format!("ticket `{}`: `allocation`", at.ticket.name);
        let params = self.with_profile(id, params, sparse, &field)?;
        let (item, needs) = self.item(id, &params, Kind::Method, &field)?;
        needs.expect(Output::Counts, id, &field)?;
        let stray = [
            (needs.data || needs.autodiff, "data or gradients"),
            (needs.donor, "another ticket's mask"),
            (needs.rounds > 1, "rounds"),
        ];
        if let Some((_, what)) = stray.iter().find(|(asked, _)| *asked) {
            return Err(Error(format!(
                "{field}: `{id}` asks for {what}, which an allocation is not given; let a method score and use `global`"
            )));
        }
        let weights = if needs.weights {
            Some(self.weights(sparse.of, at)?)
        } else {
            None
        };
        let seed = if needs.draws || needs.scores || weights.is_some() {
            format!(", seed {}", at.seed)
        } else {
            String::new()
        };
        let title = format!(
            "allocate {id}{}{} at {}{seed}",
            at.of_ticket(id),
            at.on_changed_data(),
            sparsity.text()
        );
        let recipe = AllocateRecipe {
            item,
            architecture: self.setting().architecture.clone(),
            rows: self.setting().data.train_rows,
            sparsity: sparsity.clone(),
            scores: needs.scores.then_some(scores),
            weights,
            key: needs.draws.then(|| at.keys().allocation().to_hex()),
        };
        self.output(title, recipe, "counts")
    }

    /// The weights that a ticket's own training starts from, before a check on them.
    pub(super) fn start(
        &mut self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        if let Some(start) = at.check.and_then(|c| c.start) {
            return self.weights(start, at);
        }
        match (sparse.start, &sparse.rounds) {
            (WeightsSource::Trained, Some(rounds)) => {
                self.trained_after_rounds(sparse, rounds, sparsity, at)
            }
            (stage, _) => self.weights(stage, at),
        }
    }
}
