//! A study's tickets and checks in words, stage by stage.
use crate::{
    messages::epochs,
    messages::steps,
    plan::graph::Plan,
    spec::checks::{Check, Steps},
    spec::profile::preset,
    spec::stage::Stage,
    spec::tickets::{Rounds, Sparse, Ticket},
    {Allocation, DonorSeed, Selection},
};
use jackpot_host::{ConfigValue, Kind, RoundSchedule, Scope};
use jackpot_net::Compute;
use jackpot_net::{Order, Schedule, Training};
use std::collections::BTreeMap;

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
            (Stage::Trained, Some(_)) => "the weights of the last round".to_owned(),
            (stage, _) => stage.to_string(),
        };
        let by = match sparse.compute == Compute::default() {
            true => String::new(),
            false => format!(", by {}", sparse.compute.in_words()),
        };
        let own = otherwise(&sparse.training, study) + &by;
        stages.push(format!("train {start} {}{own}", length(&sparse.training)));
        stages
    }

    fn scored(&self, sparse: &Sparse) -> String {
        let id = &sparse.method;
        let item = self.plugins.item(id, Kind::Method, "`scores`");
        let hint = item.as_ref().map_or(0, |(_, i)| i.rounds_hint);
        let reads_weights = item.is_ok_and(|(_, i)| i.needs_weights());
        let of = match reads_weights {
            true => format!(" of {}", sparse.of),
            false => String::new(),
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
        format!("{id}{}{of}{rounds}{profile}", given(&sparse.params))
    }

    /// ", published" where the item is another one under that profile.
    fn profile_in_words(&self, id: &str, sparse: &Sparse) -> String {
        let item = self.plugins.item(id, Kind::Method, "`profile`");
        match (sparse.profile, item) {
            (Some(profile), Ok((_, item))) if preset(item, profile).is_some() => {
                format!(", {}", profile.name())
            }
            _ => String::new(),
        }
    }

    fn rounds_in_words(&self, setting: usize, rounds: &Rounds) -> String {
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
            Stage::Trained => "go on from there".to_owned(),
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

impl Check {
    /// What the check changes, in the order of the pipeline.
    pub fn in_words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut last = None;
        for step in &self.steps {
            let item = step.item.clone() + &given(&step.params);
            match words.last_mut() {
                Some(line) if last == Some(step.on) => *line += &format!(", {item}"),
                _ => words.push(format!("{}: {item}", step.on.name())),
            }
            last = Some(step.on);
        }
        let mut pretraining = Vec::new();
        match self.pretraining.order {
            Some(Order::Stored) => pretraining.push("rows in stored order".to_owned()),
            Some(Order::Shuffled) => pretraining.push("rows shuffled".to_owned()),
            None => {}
        }
        match self.pretraining.steps_per_epoch {
            Some(Steps::Count(n)) => pretraining.push(steps(n)),
            Some(Steps::Share(x)) => {
                pretraining.push(format!("{} % of the steps", x * 100.0));
            }
            None => {}
        }
        if let Some(n) = self.pretraining.epochs {
            pretraining.push(epochs(f64::from(n)));
        }
        if !pretraining.is_empty() {
            words.push(format!("pretraining: {}", pretraining.join(", ")));
        }
        if let Some(start) = self.start {
            words.push(format!("start: {start}"));
        }
        if !self.redraw.is_empty() {
            let keys: Vec<&str> = self.redraw.iter().map(|r| r.name()).collect();
            words.push(format!("own training: {} drawn anew", keys.join(" and ")));
        }
        words.join("; ")
    }
}

/// None: what the method's mask says.
fn kept(sparse: &Sparse) -> Option<String> {
    let reserve = &sparse.reserve;
    let mut words = vec![match &sparse.allocation {
        Allocation::Global(Scope::All) => "the largest of all layers".to_owned(),
        Allocation::Global(Scope::Convolutions) => {
            "the largest of all convolutions, the classifier whole".to_owned()
        }
        Allocation::Rule { item, params } => format!("by {item}{}", given(params)),
        Allocation::Table(densities) => {
            format!("by the study's own densities of {} layers", densities.len())
        }
        Allocation::Copy { ticket, seed } => match seed {
            DonorSeed::Same => format!("as many a layer as {ticket}"),
            DonorSeed::Next => format!("as many a layer as {ticket} of the next seed"),
        },
        Allocation::ByMethod => return None,
    }];
    if !sparse.unit.is_weights() {
        words.push("convolutions by whole filters".into());
    }
    if reserve.first {
        words.push("the first layer whole".into());
    }
    if reserve.classifier {
        words.push("the classifier whole".into());
    }
    if reserve.floor > 0 {
        words.push(format!("at least {} a layer", reserve.floor));
    }
    if sparse.selection == Some(Selection::Published) {
        words.push("ties as published".into());
    }
    Some(words.join(", "))
}

/// " (share = 0.5)".
pub(crate) fn given(params: &BTreeMap<String, ConfigValue>) -> String {
    let words: Vec<String> = params.iter().map(|(n, v)| format!("{n} = {v}")).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join(", ")),
    }
}

fn length(training: &Training) -> String {
    let whole = format!("for {}", epochs(f64::from(training.epochs)));
    match training.offset_epochs {
        0 => whole,
        n => format!("{whole} of the schedule from epoch {n}"),
    }
}

/// What a ticket's training does otherwise than the study's, beside its length.
fn otherwise(own: &Training, study: &Training) -> String {
    let mut words = Vec::new();
    if own.lr != study.lr {
        words.push(format!("learning rate {}", own.lr));
    }
    if own.schedule != study.schedule {
        words.push(match own.schedule {
            Schedule::Constant => "constant".to_owned(),
            Schedule::Cosine => "cosine".to_owned(),
            Schedule::Step { .. } => "steps".to_owned(),
        });
    }
    let rest = Training {
        lr: study.lr,
        schedule: study.schedule.clone(),
        epochs: study.epochs,
        offset_epochs: study.offset_epochs,
        ..own.clone()
    };
    if rest != *study {
        words.push("other hyperparameters".into());
    }
    match words.is_empty() {
        true => String::new(),
        false => format!(", {}", words.join(", ")),
    }
}
