//! The settings of a study file: its own sections, or what each `[[setting]]` puts in their place.
use crate::{
    Error,
    describe::titles::told_apart,
    messages::{at, distinct},
    spec::{
        data, engine,
        names::slug,
        repeat::AllSeries,
        run_section::RunSettings,
        sections::{NetworkSection, SettingSection, StudyFile},
        setting::{Setting, fit},
        ticket::tickets::{self, Base},
        training::fits,
        trial::Trial,
    },
};
use jackpot_net::{Architecture, Compute, NetworkChoice};
use jackpot_prune::Sparsity;
use std::path::Path;

/// Every setting of a file, in its order; at least one. `run` is as the file says it.
pub(crate) fn settings(
    file: &StudyFile,
    series: &AllSeries,
    sparsities: &[Sparsity],
    run: &RunSettings,
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
