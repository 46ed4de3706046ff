//! A training job: reads its files, trains, writes its outputs.
use crate::{failure, named, read, told};
use jackpot_data::Rows;
use jackpot_host::{Failure, Progress};
use jackpot_net::Mask;
use jackpot_nn::{Event, Precision};
use jackpot_rng::Key;
use jackpot_study::TrainJob;
use std::path::Path;
use std::time::Instant;

/// Trains and writes `FOLDER/out/{metrics.json,bits,checkpoint.safetensors}`, then the
/// success record with the seconds of each epoch that this process ran.
pub fn run(folder: &Path, job: &TrainJob) -> Result<(), Failure> {
    // Before the first tensor: the results are a function of the number of threads.
    jackpot_nn::set_threads(job.threads).map_err(told)?;
    let network = job
        .architecture
        .build()
        .map_err(|e| failure("invalid", e.to_string()))?;
    let weights = read(&job.weights)?;
    let mask = match &job.mask {
        Some(path) => Some(Mask::from_bytes(&read(path)?).map_err(|e| named(path, e))?),
        None => None,
    };
    let images =
        |path: &Path| Rows::open(path, job.memory).map_err(|e| failure("error", e.to_string()));
    let (train, test) = (images(&job.train)?, images(&job.test)?);
    let progress = Progress::open(folder);
    let mut clock = Instant::now();
    let mut seconds = Vec::new();
    let mut observe = |event| match event {
        Event::Progress(done) => progress.set(done),
        Event::Epoch(_) => {
            seconds.push(clock.elapsed().as_secs_f64());
            clock = Instant::now();
        }
        Event::Resumed(epochs) => eprintln!("resumed after epoch {epochs}"),
        Event::Discarded(why) => eprintln!("resume point discarded, training starts over: {why}"),
    };
    let job = jackpot_nn::Job {
        network: &network,
        training: &job.training,
        weights: &weights,
        mask: mask.as_ref(),
        train: &train,
        test: &test,
        normalisation: &job.normalisation,
        order_key: key("order_key", &job.order_key)?,
        augment_key: key("augment_key", &job.augment_key)?,
        device: jackpot_nn::parse_device(&job.device).map_err(told)?,
        precision: match job.precision {
            jackpot_study::Precision::F32 => Precision::F32,
            jackpot_study::Precision::Bf16 => Precision::Bf16,
        },
        resume: Some(&job.resume),
    };
    let trained = jackpot_nn::train(&job, &mut observe).map_err(told)?;

    let out = folder.join("out");
    std::fs::create_dir_all(&out).map_err(|e| named(&out, e))?;
    let outputs = [
        ("metrics.json", trained.metrics.to_json()),
        ("bits", trained.bits),
        ("checkpoint.safetensors", trained.checkpoint),
    ];
    for (name, bytes) in outputs {
        let path = out.join(name);
        std::fs::write(&path, bytes).map_err(|e| named(&path, e))?;
    }
    let record = serde_json::json!({ "seconds_per_epoch": seconds });
    progress
        .finish(&record)
        .map_err(|e| named(&folder.join("done.json"), e))
}

fn key(field: &str, text: &str) -> Result<Key, Failure> {
    Key::from_hex(text).ok_or_else(|| {
        failure(
            "invalid",
            format!("`{field}`: expected 32 hexadecimal digits, found `{text}`"),
        )
    })
}
