//! Which checks cannot change which tickets, by construction, and which cannot be applied to
//! them: known before anything runs.
//!
//! *Identical* is a proof: whatever the check does, every recipe of the cell would be the very
//! recipe of its unmodified ticket. How the weights of an object were made is no part of the plan,
//! so of a check on the data of trainings nothing can be proved there.
use crate::{
    Allocation, Error,
    plan::{graph::CellContent, grid::Builder},
    spec::{
        checks::{Check, CheckTarget, DataStage},
        ticket::{
            stage::WeightsSource,
            tickets::{SparseTicket, Ticket},
        },
    },
};
use jackpot_protocol::{Kind, Output};
use jackpot_store::Digest;

impl Builder {
    /// What a ticket's cells under a check are filled with, if nothing has to run for that.
    pub(crate) fn known_beforehand(
        &self,
        ticket: &Ticket,
        check: Option<&Check>,
    ) -> Result<Option<CellContent>, Error> {
        let Some(check) = check else { return Ok(None) };
        if check.changes(DataStage::Pretraining)
            && let Some((field, weights)) = self.given_weights(ticket, check)?
        {
            return Ok(Some(CellContent::NotApplicable { field, weights }));
        }
        let because = self.identical(ticket, check)?;
        Ok(because.map(|because| CellContent::Identical { because }))
    }

    /// Why a check cannot change a ticket, if it cannot: no step of it can.
    fn identical(&self, ticket: &Ticket, check: &Check) -> Result<Option<String>, Error> {
        if !check.redraw.is_empty() {
            return Ok(None);
        }
        let mut because = None;
        if let Some(start) = check.start {
            let own = ticket
                .sparse
                .as_ref()
                .map_or(WeightsSource::Initial, |s| s.start);
            if start != own {
                return Ok(None);
            }
            because = Some("the ticket's training starts from those weights already".to_owned());
        }
        let mut steps: Vec<CheckTarget> = check.steps.iter().map(|s| s.on).collect();
        if !check.pretraining.is_empty() {
            steps.push(CheckTarget::PretrainingData);
        }
        for target in steps {
            match self.untouched(target, ticket)? {
                None => return Ok(None),
                Some(why) => because = because.or(Some(why.to_owned())),
            }
        }
        Ok(because)
    }

    /// Why a step on this target cannot change the ticket, if it cannot.
    fn untouched(
        &self,
        target: CheckTarget,
        ticket: &Ticket,
    ) -> Result<Option<&'static str>, Error> {
        let Some(sparse) = &ticket.sparse else {
            return Ok(match target {
                CheckTarget::Mask => Some("the dense network has no mask that could be changed"),
                CheckTarget::Scores => {
                    Some("the dense network has no scores that could be changed")
                }
                CheckTarget::Weights => None,
                _ => Some("the dense network is trained on the clean data only"),
            });
        };
        let gives_masks = self.method(sparse)?.output == Output::Masks;
        let scoring = self.reads_data(sparse, DataStage::Scoring)?;
        let pretraining = self.reads_data(sparse, DataStage::Pretraining)?;
        // A plugin's declaration is what is known of it: the host gives it no more, and what
        // else it reads (files, say) no check changes.
        Ok(match target {
            CheckTarget::Data if scoring || pretraining => None,
            CheckTarget::Data => {
                Some("no method of it declares data, and nothing is trained before it")
            }
            CheckTarget::ScoringData if scoring => None,
            CheckTarget::ScoringData => Some("no method of it declares data"),
            CheckTarget::PretrainingData if pretraining => None,
            CheckTarget::PretrainingData => Some("the ticket is made without pretraining"),
            CheckTarget::Scores if gives_masks => {
                Some("its method gives masks: it has no scores that could be changed")
            }
            CheckTarget::Scores | CheckTarget::Mask | CheckTarget::Weights => None,
        })
    }

    /// Whether a ticket depends on the data that a stage sees, through its donor too.
    fn reads_data(&self, sparse: &SparseTicket, stage: DataStage) -> Result<bool, Error> {
        let own = match stage {
            DataStage::Scoring => self.method(sparse)?.needs_data(),
            DataStage::Pretraining => sparse.start.is_learned() || self.scores_learned(sparse)?,
        };
        let donor = self.donor_of(sparse);
        Ok(own
            || match donor {
                Some((_, donor)) => self.reads_data(&mask_only(donor), stage)?,
                None => false,
            })
    }

    /// Whether a method or a rule scores weights that a dense training made.
    fn scores_learned(&self, sparse: &SparseTicket) -> Result<bool, Error> {
        Ok(sparse.of.is_learned() && self.reads_weights(sparse)?)
    }

    /// Whether a ticket's method or its rule is given weights.
    fn reads_weights(&self, sparse: &SparseTicket) -> Result<bool, Error> {
        let rule = match sparse.allocation.item() {
            Some(item) => {
                let (_, rule) = self.plan.plugins.item(item, Kind::Method, "`allocation`")?;
                rule.needs_weights()
            }
            None => false,
        };
        Ok(rule || self.method(sparse)?.needs_weights())
    }

    /// The weights of an object that a ticket depends on, and where the study names them: its own,
    /// or those of a ticket whose counts it copies. What the check gives in their place is no
    /// part of the ticket.
    fn given_weights(
        &self,
        ticket: &Ticket,
        check: &Check,
    ) -> Result<Option<(String, Digest)>, Error> {
        let Some(sparse) = &ticket.sparse else {
            return Ok(None);
        };
        let keeps_start = check.start.is_none_or(|start| start == sparse.start);
        let own = if keeps_start {
            sparse.clone()
        } else {
            mask_only(sparse)
        };
        self.given_to(&ticket.name, &own)
    }

    fn given_to(
        &self,
        name: &str,
        sparse: &SparseTicket,
    ) -> Result<Option<(String, Digest)>, Error> {
        let reads = self.reads_weights(sparse)?;
        // Rounds train their weights where somebody reads what they trained.
        let rounds = sparse.rounds.as_ref();
        let rewind = rounds
            .filter(|_| reads || sparse.start == WeightsSource::Trained)
            .and_then(|rounds| rounds.rewind.object());
        let named = [
            ("scores.of", sparse.of.object().filter(|_| reads)),
            ("rounds.rewind", rewind),
            ("start", sparse.start.object()),
        ];
        let own = named
            .into_iter()
            .find_map(|(field, object)| Some((format!("ticket `{name}`: `{field}`"), object?)));
        match (own, self.donor_of(sparse)) {
            (None, Some((donor, its))) => self.given_to(donor, &mask_only(its)),
            (own, _) => Ok(own),
        }
    }

    pub(super) fn method(
        &self,
        sparse: &SparseTicket,
    ) -> Result<&jackpot_protocol::PluginItem, Error> {
        let plugins = &self.plan.plugins;
        let (_, method) = plugins.item(&sparse.method, Kind::Method, "`scores`")?;
        Ok(method)
    }

    /// The ticket whose counts this one copies.
    fn donor_of<'a>(&'a self, sparse: &'a SparseTicket) -> Option<(&'a str, &'a SparseTicket)> {
        match &sparse.allocation {
            Allocation::Copy { ticket, .. } => Some((ticket, self.sparse(ticket))),
            _ => None,
        }
    }
}

/// A ticket as far as its mask depends on it: what it is trained from does not matter.
fn mask_only(sparse: &SparseTicket) -> SparseTicket {
    SparseTicket {
        start: WeightsSource::Initial,
        ..sparse.clone()
    }
}
