//! A few training steps on one batch given by hand.
use crate::{named, read, told};
use jackpot_host::{Failure, Progress};
use jackpot_net::Mask;
use jackpot_nn::{Model, Precision, Trainer};
use jackpot_study::StepsJob;
use std::path::Path;

/// Writes `FOLDER/out/state.safetensors`, then the success record with logits and losses.
pub fn run(folder: &Path, job: &StepsJob) -> Result<(), Failure> {
    jackpot_nn::set_threads(1).map_err(told)?;
    let network = job.architecture.build().map_err(told)?;
    let mask = match &job.mask {
        Some(path) => {
            Some(Mask::from_safetensors(&read(path)?, &network).map_err(|e| named(path, e))?)
        }
        None => None,
    };
    let precision = if job.double {
        Precision::F64
    } else {
        Precision::F32
    };
    let device = jackpot_nn::parse_device(&job.device).map_err(told)?;
    let batch = read(&job.batch)?;
    let (images, labels) =
        jackpot_nn::given_batch(&network, &batch).map_err(|e| named(&job.batch, e))?;
    let model = Model::load(&network, &read(&job.weights)?, precision, device)
        .map_err(|e| named(&job.weights, e))?;
    let logits = model.logits(&images).map_err(|e| named(&job.batch, e))?;

    let progress = Progress::open(folder);
    let mut trainer = Trainer::new(model, mask.as_ref(), &job.training).map_err(told)?;
    let mut losses = Vec::new();
    for step in 0..job.steps {
        let loss = trainer.step_on(&images, &labels, job.training.lr);
        losses.push(loss.map_err(told)?);
        progress.set(f64::from(step + 1) / f64::from(job.steps));
    }
    // A pruned weight that came back is an error here, as in a study.
    trainer.kept().map_err(told)?;
    let out = folder.join("out");
    std::fs::create_dir_all(&out).map_err(|e| named(&out, e))?;
    let state = out.join("state.safetensors");
    let bytes = trainer.model().state_dict().map_err(told)?;
    std::fs::write(&state, bytes).map_err(|e| named(&state, e))?;
    let record = serde_json::json!({ "logits": logits, "losses": losses });
    progress
        .finish(&record)
        .map_err(|e| named(&folder.join("done.json"), e))
}
