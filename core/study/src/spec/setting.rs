//! Settings: the data, network and training that a study's grid is run in, once for each.
//!
//! A study without `[[setting]]` has one, without a name, and says nothing of it anywhere.
use crate::{
    Error,
    spec::{data::DataSettings, repeat::Sweep, ticket::tickets::Ticket},
};
use jackpot_net::{Architecture, Compute, Training};
use jackpot_prune::Sparsity;

/// What one copy of the grid is run in.
#[derive(Clone, Debug)]
pub struct Setting {
    /// In files and pins; `None` means the study's only one.
    pub name: Option<String>,
    /// In tables; empty for the study's only one.
    pub title: String,
    /// What it was written as, if one block of the file stands for several.
    pub series: Option<Sweep>,
    /// What is trained on.
    pub data: DataSettings,
    /// What is trained.
    pub architecture: Architecture,
    /// How it is trained.
    pub training: Training,
    /// What trainings under a mask are computed by, and what all trainings compute in.
    pub compute: Compute,
    /// The study's tickets with their trainings in this setting, in the file's order.
    pub tickets: Vec<Ticket>,
}

impl Setting {
    /// Whether it differs from another in nothing but the learning rate, or not at all.
    fn is_but_for_the_rate(&self, other: &Setting) -> bool {
        let data = |s: &Setting| {
            let d = s.data.clone();
            (d.set, d.folder, d.partial, d.preparation)
        };
        let rate = self.training.lr;
        data(self) == data(other)
            && self.architecture == other.architecture
            && self.compute == other.compute
            && self.training
                == Training {
                    lr: rate,
                    ..other.training.clone()
                }
    }

    /// " of `vgg`", or nothing for the study's only one.
    pub fn of(&self) -> String {
        let name = self.name.as_ref();
        name.map_or(String::new(), |n| format!(" of `{n}`"))
    }
}

/// For each setting the place of the first that differs from it in nothing but the learning rate;
/// its own, where none before it does.
pub fn but_for_the_rate(settings: &[Setting]) -> Vec<usize> {
    let first = |(at, setting): (usize, &Setting)| {
        let alike = |other: &Setting| other.is_but_for_the_rate(setting);
        settings[..at].iter().position(alike).unwrap_or(at)
    };
    settings.iter().enumerate().map(first).collect()
}

/// Each sparsity must keep some of the network's weights and prune some.
pub(crate) fn fit(sparsities: &[Sparsity], weights: u64) -> Result<(), Error> {
    for sparsity in sparsities {
        let kept = sparsity.kept(weights);
        if kept == 0 || kept == weights {
            return Err(Error(format!(
                "`sparsities`: {sparsity} of the {weights} prunable weights of this network keeps {kept}; a mask must keep some and prune some"
            )));
        }
    }
    Ok(())
}
