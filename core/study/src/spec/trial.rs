//! The first steps of a study: does it start, on this machine, with the images that are here?
//!
//! The same tickets, checks and networks, but the first sparsity and seed alone, every training
//! stopped after a few steps, on the CPU, and whatever images lie in the folders taken for the
//! whole set. Nothing of it can be taken for the study: where a training stops is part of its
//! recipe, and the pin has another name.
use crate::{
    Error,
    messages::{at, hint},
    spec::{
        data::{DataSection, DataSettings},
        sections::StudyFile,
    },
};
use jackpot_net::Training;

/// How far a trial of a study goes.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Steps of every training; at least 1.
    pub steps: u64,
    /// Settings that are tried; empty: all.
    pub settings: Vec<String>,
}

impl Trial {
    /// What the study's name and its pin's end with.
    pub(crate) const SUFFIX: &str = ".first-steps";

    /// The file as a trial reads it.
    pub(crate) fn change(&self, file: &mut StudyFile) -> Result<(), Error> {
        if self.steps == 0 {
            return Err(Error("`first steps`: expected at least 1, found 0".into()));
        }
        // A study on the CPU keeps its kernels: some have no twin on other ones.
        if file.run.device != "cpu" {
            file.run.device = "cpu".into();
            file.run.device_class = "cpu-avx2".into();
        }
        // They may stand beside a cell that a trial leaves out, and no report reads a trial.
        file.reference.clear();
        for name in &self.settings {
            let names = || file.setting.iter().map(|s| s.name.as_str());
            if !names().any(|n| n == name) {
                return Err(Error(format!(
                    "setting `{name}`: expected a setting of the study, found none of that name{}",
                    hint(name, names())
                )));
            }
        }
        let own = file.setting.iter_mut().filter_map(|s| s.data.as_mut());
        own.chain(&mut file.data).try_for_each(as_found)
    }

    /// Whether a setting of that name is tried.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.settings.is_empty() || self.settings.iter().any(|s| s == name)
    }

    /// The first steps of a training on what is here, of which the whole set has `whole` rows.
    /// An epoch is as long as it will be, so that its learning rates are those of the study and
    /// the steps that tickets are rewound to exist.
    pub(crate) fn shorten(&self, training: &mut Training, data: &DataSettings, whole: Option<u32>) {
        if let Some(rows) = whole.filter(|rows| *rows > data.train_rows) {
            let steps = training.steps_in_epoch(u64::from(rows));
            training.steps_per_epoch = Some(u32::try_from(steps).unwrap_or(u32::MAX));
        }
        training.validation_rows = training.validation_rows.min(data.train_rows / 2);
        let trained = data.train_rows - training.validation_rows;
        training.batch = training.batch.min(trained);
        training.until = Some(self.steps);
    }
}

/// Whatever images are in the folder are all of the set.
fn as_found(section: &mut DataSection) -> Result<(), Error> {
    let info = jackpot_data::info(&section.set).map_err(at("data.set"))?;
    let published = Some(info.train_rows).filter(|rows| *rows > 0);
    if info.embedded {
        return Ok(());
    }
    section.partial = info.has_parts();
    let rows = section.train_rows.or(published);
    section.whole_rows = section.train_subset.or(rows);
    section.classes = None;
    section.train_rows = None;
    section.test_rows = None;
    Ok(())
}
