//! A study's tickets and checks in words, stage by stage.
use crate::{
    Allocation, DonorSeed, TieRule,
    messages::{describe_params, epochs, steps},
    spec::{
        checks::{Check, EpochSteps},
        ticket::tickets::SparseTicket,
    },
};
use jackpot_net::{Order, Schedule, Training};
use jackpot_prune::PruningScope;

impl Check {
    /// What the check changes, in the order of the pipeline.
    pub fn describe(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut last = None;
        for step in &self.steps {
            let item = step.item.clone() + &describe_params(&step.params);
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
            Some(EpochSteps::Count(n)) => pretraining.push(steps(n)),
            Some(EpochSteps::Share(x)) => {
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
pub(crate) fn kept(sparse: &SparseTicket) -> Option<String> {
    let reserve = &sparse.reserve;
    let mut words = vec![match &sparse.allocation {
        Allocation::Global(PruningScope::All) => "the largest of all layers".to_owned(),
        Allocation::Global(PruningScope::Convolutions) => {
            "the largest of all convolutions, the classifier whole".to_owned()
        }
        Allocation::Rule { item, params } => format!("by {item}{}", describe_params(params)),
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
    if reserve.keep_first_dense {
        words.push("the first layer whole".into());
    }
    if reserve.keep_classifier_dense {
        words.push("the classifier whole".into());
    }
    if reserve.min_weights > 0 {
        words.push(format!("at least {} a layer", reserve.min_weights));
    }
    if sparse.selection == Some(TieRule::Published) {
        words.push("ties as published".into());
    }
    Some(words.join(", "))
}

pub(crate) fn length(training: &Training) -> String {
    let whole = format!("for {}", epochs(f64::from(training.epochs)));
    match training.offset_epochs {
        0 => whole,
        n => format!("{whole} of the schedule from epoch {n}"),
    }
}

/// What a ticket's training does otherwise than the study's, beside its length.
pub(crate) fn otherwise(own: &Training, study: &Training) -> String {
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
    if words.is_empty() {
        String::new()
    } else {
        format!(", {}", words.join(", "))
    }
}
