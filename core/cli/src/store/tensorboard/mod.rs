//! `jackpot tensorboard STUDY --out FOLDER`
mod events;

use crate::{Places, study};
use anyhow::{Context, Result, bail};
use events::Scalar;
use jackpot_results::{Outcome, Run, Trained};
use jackpot_store::Store;
use jackpot_study::Study;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder, a study file, or the name of a folder under `reports/`
    study: PathBuf,
    /// Folder to write to, absent or empty: TICKET/CHECK/SPARSITY/seed-N of every training, under
    /// SETTING if the study has settings
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Named as TensorBoard looks for it.
const FILE: &str = "events.out.tfevents.0.jackpot";

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let study = Study::load(&study::find(&arguments.study)?)?;
    let store = study::store(places)?;
    let results = jackpot_results::collect(&store, &study.name)?;
    if results.study != study.digest {
        bail!(
            "study.toml of `{}` has the digest {}, but its last run was of {}: run the study again",
            study.name,
            study.digest,
            results.study
        );
    }
    let out = &arguments.out;
    if !study::empty(out) {
        bail!(
            "`--out {}`: expected a folder that is absent or empty",
            out.display()
        );
    }
    let mut written = 0;
    for run in &results.runs {
        let name = folder(run);
        let why = match &run.outcome {
            Outcome::Done(trained) => {
                write(&store, trained, &out.join(name))?;
                written += 1;
                continue;
            }
            Outcome::Identical { because } => format!("identical to its ticket: {because}"),
            Outcome::NotApplicable { because } => format!("not applicable: {because}"),
            Outcome::Failed { why, .. } => format!("no finished training: {why}"),
            Outcome::Collapsed { why } => format!("not trained: {why}"),
            Outcome::Missing => "not run yet".into(),
        };
        eprintln!("left out {}: {why}", name.display());
    }
    println!(
        "{written} of {} trainings written; to see them: tensorboard --logdir {}",
        results.runs.len(),
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Names of tickets and checks are lower-case letters, digits and `-`: safe in a path.
fn folder(run: &Run) -> PathBuf {
    let seed = format!("seed-{}", run.seed);
    let rest = [&run.ticket, &run.check, &run.sparsity, &seed];
    run.setting.iter().chain(rest).collect()
}

fn write(store: &Store, trained: &Trained, folder: &Path) -> Result<()> {
    let epochs = jackpot_results::curves(store, trained)?;
    let mut points = Vec::new();
    for epoch in &epochs {
        for (name, value) in &epoch.numbers {
            points.push(Scalar {
                tag: tag(name),
                step: epoch.epoch,
                value: *value as f32,
            });
        }
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(FILE);
    std::fs::write(&path, events::file(&points)).with_context(|| path.display().to_string())
}

/// Curves of one quantity stand together: `accuracy/test` beside `accuracy/train`.
fn tag(name: &str) -> &str {
    match name {
        "test_accuracy" => "accuracy/test",
        "test_loss" => "loss/test",
        "train_accuracy" => "accuracy/train",
        "train_loss" => "loss/train",
        "validation_accuracy" => "accuracy/validation",
        "validation_loss" => "loss/validation",
        other => other,
    }
}
