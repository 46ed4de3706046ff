//! A few training steps on one batch given by hand.
use crate::{named, read, sparse::Sparse, to_failure, write};
use jackpot_host::Progress;
use jackpot_net::Network;
use jackpot_nn::{Batch, Device, FloatPrecision, Model, Trainer, TrainingEngine};
use jackpot_protocol::{Failure, StepsJob};
use jackpot_prune::Mask;
use std::path::Path;
use tch::Tensor;

/// Writes `FOLDER/out/state.safetensors`, then the success record with logits and losses.
pub fn run(folder: &Path, job: &StepsJob) -> Result<(), Failure> {
    jackpot_nn::set_threads(1).map_err(to_failure)?;
    let network = job.architecture.build().map_err(to_failure)?;
    let mask = match &job.mask {
        Some(path) => {
            Some(Mask::from_safetensors(&read(path)?, &network).map_err(|e| named(path, e))?)
        }
        None => None,
    };
    let precision = if job.double {
        FloatPrecision::F64
    } else {
        FloatPrecision::F32
    };
    let device = jackpot_nn::parse_device(&job.device).map_err(to_failure)?;
    let batch = read(&job.batch)?;
    let (images, labels) =
        jackpot_nn::given_batch(&network, &batch).map_err(|e| named(&job.batch, e))?;
    let batch = Batch::given(&network, &images, &labels, precision, device)
        .map_err(|e| named(&job.batch, e))?;
    let (mut engine, logits) = match job.sparse {
        None => in_libtorch(job, &network, mask.as_ref(), precision, device, &images)?,
        Some(held) => in_sparse(job, &network, mask.as_ref(), held, &batch)?,
    };

    let progress = Progress::open(folder);
    let mut losses = Vec::new();
    for step in 0..job.steps {
        let seen = engine.step(&batch, job.training.lr).map_err(to_failure)?;
        losses.extend(numbers(&seen.loss)?);
        progress.set(f64::from(step + 1) / f64::from(job.steps));
    }
    // A pruned weight that came back is an error here, as in a study.
    engine.kept().map_err(to_failure)?;
    let parameters = engine.parameters().map_err(to_failure)?;
    let bytes = jackpot_nn::state_dict(&network, &parameters).map_err(to_failure)?;
    write(folder, &[("state.safetensors", bytes)])?;
    let record = serde_json::json!({ "logits": logits, "losses": losses });
    progress
        .finish(&record)
        .map_err(|e| named(&folder.join("done.json"), e))
}

type Begun = (Box<dyn TrainingEngine>, Vec<f64>);

/// Libtorch's engine, and the logits of the weights as they were given.
fn in_libtorch(
    job: &StepsJob,
    network: &Network,
    mask: Option<&Mask>,
    precision: FloatPrecision,
    device: Device,
    images: &[f32],
) -> Result<Begun, Failure> {
    let model = Model::load(network, &read(&job.weights)?, precision, device)
        .map_err(|e| named(&job.weights, e))?;
    let logits = model.logits(images).map_err(|e| named(&job.batch, e))?;
    let trainer = Trainer::new(model, mask, &job.training).map_err(to_failure)?;
    Ok((Box::new(trainer), logits))
}

/// The sparse engine, and the logits of the weights that the mask keeps: it has no others.
fn in_sparse(
    job: &StepsJob,
    network: &Network,
    mask: Option<&Mask>,
    held: jackpot_net::Precision,
    batch: &Batch,
) -> Result<Begun, Failure> {
    let weights = read(&job.weights)?;
    let engine = Sparse::new(
        network,
        &weights,
        mask,
        &job.training,
        held,
        &job.device_class,
    );
    let mut engine = engine.map_err(|e| named(&job.weights, e))?;
    let logits = numbers(&engine.logits(&batch.x).map_err(to_failure)?)?;
    Ok((Box::new(engine), logits))
}

/// Row by row.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>, Failure> {
    let flat = tensor
        .f_to_kind(tch::Kind::Double)
        .and_then(|t| t.f_reshape([-1]));
    let flat = flat.and_then(|t| t.f_to_device(Device::Cpu));
    flat.and_then(Vec::try_from).map_err(to_failure)
}
