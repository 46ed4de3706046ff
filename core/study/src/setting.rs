//! Settings: the data, network and training that a study's grid is run in, once for each.
//!
//! A study without `[[setting]]` has one, without a name, and says nothing of it anywhere.
use crate::{
    Compute, Error,
    data::{self, DataChoice},
    engine,
    file::{RunChoice, at, distinct},
    repeat::{AllSeries, Series},
    sections::{NetworkSection, SettingSection, StudyFile},
    tickets::{self, Base, Ticket, slug},
    titles::told_apart,
    training::fits,
    trial::Trial,
};
use jackpot_net::{Architecture, NetworkChoice, Training};
use jackpot_prune::Sparsity;
use std::path::Path;

/// What one copy of the grid is run in.
#[derive(Clone, Debug)]
pub struct Setting {
    /// In files and pins; none: the study's only one.
    pub name: Option<String>,
    /// In tables; empty for the study's only one.
    pub title: String,
    /// What it was written as, if one block of the file stands for several.
    pub series: Option<Series>,
    /// What is trained on.
    pub data: DataChoice,
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
    pub(crate) fn of(&self) -> String {
        let name = self.name.as_ref();
        name.map_or(String::new(), |n| format!(" of `{n}`"))
    }
}

/// For each setting the place of the first that differs from it in nothing but the learning rate;
/// its own, where none before it does.
pub(crate) fn but_for_the_rate(settings: &[Setting]) -> Vec<usize> {
    let first = |(at, setting): (usize, &Setting)| {
        let alike = |other: &Setting| other.is_but_for_the_rate(setting);
        settings[..at].iter().position(alike).unwrap_or(at)
    };
    settings.iter().enumerate().map(first).collect()
}

/// Every setting of a file, in its order; at least one. `run` is as the file says it.
pub(crate) fn settings(
    file: &StudyFile,
    series: &AllSeries,
    sparsities: &[Sparsity],
    run: &RunChoice,
    folder: &Path,
    trial: Option<&Trial>,
) -> Result<Vec<Setting>, Error> {
    let one = |section: Option<&SettingSection>| {
        let setting = setting(file, series, section, folder, trial)?;
        let network = setting.architecture.build().map_err(at("network"))?;
        fit(sparsities, network.prunable_weights())?;
        engine::fits(&setting, &network, run, trial.is_some())?;
        Ok(setting)
    };
    if file.setting.is_empty() {
        return Ok(vec![one(None)?]);
    }
    let names = file.setting.iter().map(|s| s.name.clone()).collect();
    distinct("setting.name", names)?;
    let titled: Vec<(&str, &str)> = (file.setting.iter())
        .map(|s| {
            (
                s.name.as_str(),
                s.title.as_ref().unwrap_or(&s.name).as_str(),
            )
        })
        .collect();
    told_apart("setting", &titled, &[])?;
    let named = file.setting.iter().zip(&series.settings);
    let tried = |s: &SettingSection| trial.is_none_or(|t| t.takes(&s.name));
    named
        .filter(|(section, _)| tried(section))
        .map(|(section, own)| {
            slug("setting", &section.name)?;
            not_reserved(&section.name)?;
            let within = |e: Error| Error(format!("setting `{}`: {}", section.name, e.0));
            Ok(Setting {
                series: own.clone(),
                ..one(Some(section)).map_err(within)?
            })
        })
        .collect()
}

/// A report has a folder for each setting, beside its own.
fn not_reserved(name: &str) -> Result<(), Error> {
    if !["tables", "figures", "probe"].contains(&name) {
        return Ok(());
    }
    Err(Error(format!(
        "`setting.name`: `{name}` is a folder of the study's own report; give the setting another name"
    )))
}

fn setting(
    file: &StudyFile,
    series: &AllSeries,
    section: Option<&SettingSection>,
    folder: &Path,
    trial: Option<&Trial>,
) -> Result<Setting, Error> {
    let missing = |name: &str| {
        Error(format!(
            "`{name}`: expected the section `[{name}]`, of the study or of every `[[setting]]`, found none"
        ))
    };
    let own = section.and_then(|s| s.data.as_ref());
    let data = own.or(file.data.as_ref()).ok_or_else(|| missing("data"))?;
    let own = section.and_then(|s| s.network.as_ref());
    let network = own.or(file.network.as_ref());
    let network = network.ok_or_else(|| missing("network"))?;
    let own = section.and_then(|s| s.training.clone());
    let section_of_training = match (file.training.clone(), own) {
        (Some(base), Some(own)) => base.with(own),
        (base, own) => own.or(base).ok_or_else(|| missing("training"))?,
    };
    let whole = data.whole_rows;
    let (data, classes) = data::choice(data, folder)?;
    let mut training = section_of_training.whole()?;
    let compute = section_of_training.compute(Compute::default());
    if let Some(trial) = trial {
        trial.shorten(&mut training, &data, whole);
    }
    let input = fits(&training, data.image, data.train_rows, "`training")?;
    let architecture = architecture(network, classes, input)?;
    let base = Base {
        training: &training,
        compute,
        rows: data.train_rows,
        image: data.image,
    };
    let title = section.map(|s| s.title.as_ref().unwrap_or(&s.name).clone());
    Ok(Setting {
        tickets: tickets::tickets(&file.ticket, &series.tickets, &base)?,
        title: title.unwrap_or_default(),
        name: section.map(|s| s.name.clone()),
        series: None,
        data,
        architecture,
        training,
        compute,
    })
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

fn architecture(n: &NetworkSection, classes: u32, input: [u32; 3]) -> Result<Architecture, Error> {
    let choice = NetworkChoice {
        depth: n.depth,
        width: n.width,
        widen: n.widen,
        classes: Some(classes),
        input: Some(input),
        activation: n.activation,
        block: n.block,
        stem: n.stem,
        ..NetworkChoice::of(n.family)
    };
    choice.architecture().map_err(at("network"))
}
