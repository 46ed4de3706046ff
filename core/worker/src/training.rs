//! A training job: reads its files, trains, writes its outputs.
use crate::{failure, named, read, sparse::Sparse, to_failure, write};
use jackpot_data::Rows;
use jackpot_host::Progress;
use jackpot_net::Engine;
use jackpot_nn::{FloatPrecision, TrainedModel, TrainingEvent};
use jackpot_protocol::{Failure, TrainJob};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use std::path::Path;
use std::time::Instant;

/// Trains and writes `FOLDER/out/{metrics.json,bits,checkpoint.safetensors}`, then the
/// success record with the seconds of each epoch that this process ran.
pub fn run(folder: &Path, asked: &TrainJob) -> Result<(), Failure> {
    // Before the first tensor: the results are a function of the number of threads.
    jackpot_nn::set_threads(asked.threads).map_err(to_failure)?;
    let network = asked
        .architecture
        .build()
        .map_err(|e| failure("invalid", e.to_string()))?;
    let weights = read(&asked.weights)?;
    let mask = match &asked.mask {
        Some(path) => Some(Mask::from_bytes(&read(path)?).map_err(|e| named(path, e))?),
        None => None,
    };
    let images =
        |path: &Path| Rows::open(path, asked.memory).map_err(|e| failure("error", e.to_string()));
    let (train, test) = (images(&asked.train)?, images(&asked.test)?);
    let progress = Progress::open(folder);
    let mut clock = Instant::now();
    let mut seconds = Vec::new();
    let mut observe = |event| match event {
        TrainingEvent::Progress(done) => progress.set(done),
        TrainingEvent::Epoch(_) => {
            seconds.push(clock.elapsed().as_secs_f64());
            clock = Instant::now();
        }
        TrainingEvent::Resumed(epochs) => crate::log(&format!("resumed after epoch {epochs}")),
        TrainingEvent::Discarded(why) => crate::log(&format!(
            "resume point discarded, training starts over: {why}"
        )),
    };
    let job = jackpot_nn::TrainingJob {
        network: &network,
        training: &asked.training,
        weights: &weights,
        mask: mask.as_ref(),
        train: &train,
        test: &test,
        normalisation: &asked.normalisation,
        order_key: key("order_key", &asked.order_key)?,
        augment_key: key("augment_key", &asked.augment_key)?,
        device: jackpot_nn::parse_device(&asked.device).map_err(to_failure)?,
        precision: match (asked.engine, asked.precision) {
            (Engine::Sparse, _) | (_, jackpot_net::Precision::F32) => FloatPrecision::F32,
            (Engine::Libtorch, jackpot_net::Precision::Bf16) => FloatPrecision::Bf16,
        },
        resume: Some(&asked.resume),
    };
    let trained = trained(asked, &job, &mut observe).map_err(to_failure)?;

    write(
        folder,
        &[
            ("metrics.json", trained.metrics.to_json()),
            ("bits", trained.bits),
            ("checkpoint.safetensors", trained.checkpoint),
        ],
    )?;
    let record = serde_json::json!({ "seconds_per_epoch": seconds });
    progress
        .finish(&record)
        .map_err(|e| named(&folder.join("done.json"), e))
}

/// Trains in the engine that the job names.
fn trained(
    asked: &TrainJob,
    job: &jackpot_nn::TrainingJob,
    observe: &mut dyn FnMut(TrainingEvent),
) -> Result<TrainedModel, jackpot_nn::Error> {
    if asked.engine == Engine::Libtorch {
        return jackpot_nn::train(job, observe);
    }
    let mut engine = Sparse::new(
        job.network,
        job.weights,
        job.mask,
        job.training,
        asked.precision,
        &asked.device_class,
    )?;
    jackpot_nn::train_in(&mut engine, job, observe)
}

fn key(field: &str, text: &str) -> Result<Key, Failure> {
    Key::from_hex(text).ok_or_else(|| {
        failure(
            "invalid",
            format!("`{field}`: expected 32 hexadecimal digits, found `{text}`"),
        )
    })
}
