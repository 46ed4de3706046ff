//! The stages of a ticket in words, in the order of its pipeline.
use crate::{
    describe::words::{kept, length, otherwise},
    messages::describe_params,
    plan::graph::Plan,
    spec::ticket::{
        profile::preset,
        stage::WeightsSource,
        tickets::{IterativePruning, SparseTicket, Ticket},
    },
};
use jackpot_net::Compute;
use jackpot_protocol::Kind;
use jackpot_prune::RoundSchedule;

impl Plan {
    /// The stages of a ticket of a setting, in the order of its pipeline.
    pub fn stages(&self, setting: usize, ticket: &Ticket) -> Vec<String> {
        let study = &self.study.settings[setting].training;
        let Some(sparse) = &ticket.sparse else {
            return vec![format!("train {}", length(study))];
        };
        let mut stages = Vec::new();
        if let Some(rounds) = &sparse.rounds {
            stages.push(self.rounds_in_words(setting, rounds));
        }
        let scored = self.scored(sparse);
        match kept(sparse) {
            Some(kept) => {
                let profile = (sparse.allocation.item())
                    .map_or(String::new(), |id| self.profile_in_words(id, sparse));
                stages.push(format!("score {scored}"));
                stages.push(format!("keep {kept}{profile}"));
            }
            None => stages.push(format!("keep what {scored} chooses")),
        }
        let start = match (sparse.start, &sparse.rounds) {
            (WeightsSource::Trained, Some(_)) => "the weights of the last round".to_owned(),
            (stage, _) => stage.to_string(),
        };
        let by = if sparse.compute == Compute::default() {
            String::new()
        } else {
            format!(", by {}", sparse.compute.describe())
        };
        let own = otherwise(&sparse.training, study) + &by;
        stages.push(format!("train {start} {}{own}", length(&sparse.training)));
        stages
    }

    fn scored(&self, sparse: &SparseTicket) -> String {
        let id = &sparse.method;
        let item = self.plugins.item(id, Kind::Method, "`scores`");
        let hint = item.as_ref().map_or(0, |(_, i)| i.rounds_hint);
        let reads_weights = item.is_ok_and(|(_, i)| i.needs_weights());
        let of = if reads_weights {
            format!(" of {}", sparse.of)
        } else {
            String::new()
        };
        let count = match sparse.rounds {
            Some(_) => 1,
            None => sparse.calls.rounds.unwrap_or(hint.max(1)),
        };
        let rounds = match count {
            1 => String::new(),
            n => format!(
                " in {n} {} rounds",
                match sparse.calls.schedule.unwrap_or_default() {
                    RoundSchedule::Exponential => "exponential",
                    RoundSchedule::Linear => "linear",
                }
            ),
        };
        let profile = self.profile_in_words(id, sparse);
        format!(
            "{id}{}{of}{rounds}{profile}",
            describe_params(&sparse.params)
        )
    }

    /// ", published" where the item is another one under that profile.
    fn profile_in_words(&self, id: &str, sparse: &SparseTicket) -> String {
        let item = self.plugins.item(id, Kind::Method, "`profile`");
        match (sparse.profile, item) {
            (Some(profile), Ok((_, item))) if preset(item, profile).is_some() => {
                format!(", {}", profile.name())
            }
            _ => String::new(),
        }
    }

    fn rounds_in_words(&self, setting: usize, rounds: &IterativePruning) -> String {
        let total = self.networks[setting].prunable_weights();
        let counts: Vec<String> = self
            .study
            .sparsities
            .iter()
            .filter_map(|s| {
                let before = rounds.before(s.kept(total), total).ok()?;
                Some(format!("{before} before {s}"))
            })
            .collect();
        let rewind = match rounds.rewind {
            WeightsSource::Trained => "go on from there".to_owned(),
            stage => format!("rewind to {stage}"),
        };
        format!(
            "rounds: train, prune {} % of what is left, {rewind} {} ({})",
            rounds.share * 100.0,
            length(&rounds.training),
            counts.join(", ")
        )
    }
}
