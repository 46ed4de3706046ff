//! Which checks cannot change which tickets, by construction: known before anything runs.
use crate::{
    Allocation, Error,
    checks::{Check, Sees, Target},
    grid::Builder,
    stage::Stage,
    tickets::{Sparse, Ticket},
};
use jackpot_host::Kind;

impl Builder {
    /// Why a check cannot change a ticket, if it cannot: no step of it can.
    pub(crate) fn identical(
        &self,
        ticket: &Ticket,
        check: Option<&Check>,
    ) -> Result<Option<String>, Error> {
        let Some(check) = check else { return Ok(None) };
        if !check.redraw.is_empty() {
            return Ok(None);
        }
        let mut because = None;
        if let Some(start) = check.start {
            let own = ticket.sparse.as_ref().map_or(Stage::Initial, |s| s.start);
            if start != own {
                return Ok(None);
            }
            because = Some("the ticket's training starts from those weights already".to_owned());
        }
        let mut steps: Vec<Target> = check.steps.iter().map(|s| s.on).collect();
        if !check.pretraining.is_empty() {
            steps.push(Target::PretrainingData);
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
    fn untouched(&self, target: Target, ticket: &Ticket) -> Result<Option<&'static str>, Error> {
        let Some(sparse) = &ticket.sparse else {
            return Ok(match target {
                Target::Mask => Some("the dense network has no mask that could be changed"),
                Target::Scores => Some("the dense network has no scores that could be changed"),
                Target::Weights => None,
                _ => Some("the dense network is trained on the clean data only"),
            });
        };
        let scoring = self.reads_data(sparse, Sees::Scoring)?;
        let pretraining = self.reads_data(sparse, Sees::Pretraining)?;
        Ok(match target {
            Target::Data if scoring || pretraining => None,
            Target::Data => Some("the ticket is made without data"),
            Target::ScoringData if scoring => None,
            Target::ScoringData => Some("the ticket's scores are made without data"),
            Target::PretrainingData if pretraining => None,
            Target::PretrainingData => Some("the ticket is made without pretraining"),
            Target::Scores | Target::Mask | Target::Weights => None,
        })
    }

    /// Whether a ticket depends on the data that a stage sees, through its donor too.
    fn reads_data(&self, sparse: &Sparse, stage: Sees) -> Result<bool, Error> {
        let (_, method) = self
            .plan
            .plugins
            .item(&sparse.method, Kind::Method, "`scores`")?;
        let own = match stage {
            Sees::Scoring => method.needs_data(),
            Sees::Pretraining => {
                let scored = sparse.of.is_learned() && method.needs_weights();
                scored || sparse.start.is_learned()
            }
        };
        Ok(own
            || match &sparse.allocation {
                Allocation::Copy { ticket, .. } => {
                    self.reads_mask_data(self.sparse(ticket), stage)?
                }
                Allocation::Global(_) | Allocation::Table(_) => false,
                Allocation::Rule { item, .. } => {
                    let (_, rule) = self.plan.plugins.item(item, Kind::Method, "`allocation`")?;
                    stage == Sees::Pretraining && sparse.of.is_learned() && rule.needs_weights()
                }
            })
    }

    /// The same of a ticket's mask alone: what it is trained from does not matter.
    fn reads_mask_data(&self, sparse: &Sparse, stage: Sees) -> Result<bool, Error> {
        let mask_only = Sparse {
            start: Stage::Initial,
            ..sparse.clone()
        };
        self.reads_data(&mask_only, stage)
    }
}
