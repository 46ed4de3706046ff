//! A whole training: epochs, metrics, resume point.
use crate::metrics::{Epoch, Metrics, percent};
use crate::resume::{self, Fingerprint};
use crate::{Error, Evaluation, ImageSet, Model, Precision, Trainer, batch, error::invalid};
use jackpot_data::{Normalisation, Rows};
use jackpot_net::{Mask, Network, Op, Training};
use jackpot_rng::Key;
use sha2::{Digest, Sha256};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Everything a training is a function of, and where its resume point lies.
pub struct Job<'a> {
    /// What is trained.
    pub network: &'a Network,
    /// How.
    pub training: &'a Training,
    /// The state_dict to start from (safetensors).
    pub weights: &'a [u8],
    /// `None`: dense.
    pub mask: Option<&'a Mask>,
    /// Training images.
    pub train: &'a Rows,
    /// Test images.
    pub test: &'a Rows,
    /// Of both.
    pub normalisation: &'a Normalisation,
    /// Draws the order of the rows in every epoch.
    pub order_key: Key,
    /// Draws crops and flips: folded with the epoch, then with the row.
    pub augment_key: Key,
    /// Where it runs.
    pub device: Device,
    /// Of weights, momentum and images.
    pub precision: Precision,
    /// Folder of the resume point; `None`: a killed training starts over.
    pub resume: Option<&'a Path>,
}

/// What is heard of a running training.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Share of all steps that are done, about two hundred times a training.
    Progress(f64),
    /// An epoch ended and its resume point is on disk.
    Epoch(u32),
    /// The training goes on after this many epochs.
    Resumed(u32),
    /// The resume point could not be used and was discarded: why.
    Discarded(String),
}

/// What a training yields; the same job yields the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Of every epoch and of the end.
    pub metrics: Metrics,
    /// One bit a test image, right or wrong by the last weights, lowest bit first.
    pub bits: Vec<u8>,
    /// The last weights: state_dict as safetensors.
    pub checkpoint: Vec<u8>,
}

/// Trains from the start or from the resume point.
///
/// A loss that is no longer a number ends the training; that is a result, recorded as
/// [`Metrics::diverged_at_epoch`], not an error.
///
/// # Errors
/// Inputs that do not fit each other, pruned weights that are not 0, a resume folder that
/// cannot be written, libtorch's.
pub fn train(job: &Job, observe: &mut dyn FnMut(Event)) -> Result<Trained, Error> {
    let architecture = &job.network.architecture;
    let set = |what, images| {
        let (input, classes) = (architecture.input, architecture.classes);
        ImageSet::of_rows(what, images, job.normalisation, input, classes, job.device)
    };
    let (train, test) = (
        set("training images", job.train)?,
        set("test images", job.test)?,
    );
    let model = Model::load(job.network, job.weights, job.precision, job.device)?;
    let mut trainer = Trainer::new(model, job.mask, job.training)?;
    refuse_single_values(job.network, train.rows(), job.training.batch as usize)?;

    let fingerprint = fingerprint(job)?;
    let mut epochs = resumed(job, &fingerprint, &mut trainer, observe);
    let mut last = None;
    let mut diverged = None;
    for epoch in epochs.len() as u32..job.training.epochs {
        let seen = run_epoch(job, &mut trainer, &train, epoch, observe)?;
        let evaluation = crate::evaluate(trainer.model(), &test)?;
        if !seen.loss.is_finite() || !evaluation.loss().is_finite() {
            diverged = Some(epoch + 1);
            last = Some(evaluation);
            break;
        }
        epochs.push(Epoch {
            epoch: epoch + 1,
            kept: trainer.kept()?,
            lr: seen.lr,
            test_accuracy: evaluation.accuracy(),
            test_loss: evaluation.loss(),
            train_accuracy: percent(seen.correct, train.rows() as u64),
            train_loss: seen.loss,
        });
        last = Some(evaluation);
        if let Some(folder) = job.resume {
            resume::save(folder, &fingerprint, &trainer, &epochs)?;
        }
        observe(Event::Epoch(epoch + 1));
    }
    let evaluation = match last {
        Some(evaluation) => evaluation,
        None => crate::evaluate(trainer.model(), &test)?,
    };
    let kept = job
        .mask
        .map_or_else(|| job.network.prunable_weights(), Mask::kept);
    Ok(Trained {
        metrics: summary(epochs, diverged, &evaluation, kept),
        bits: evaluation.bits(),
        checkpoint: trainer.model().state_dict()?,
    })
}

/// Puts the trainer where an earlier process left it; the epochs that are done already.
fn resumed(
    job: &Job,
    fingerprint: &Fingerprint,
    trainer: &mut Trainer,
    observe: &mut dyn FnMut(Event),
) -> Vec<Epoch> {
    let Some(folder) = job.resume else {
        return Vec::new();
    };
    match resume::restore(folder, fingerprint, trainer) {
        Ok(epochs) => {
            if !epochs.is_empty() {
                observe(Event::Resumed(epochs.len() as u32));
            }
            epochs
        }
        Err(why) => {
            observe(Event::Discarded(why));
            Vec::new()
        }
    }
}

/// What an epoch's steps saw.
struct Seen {
    loss: f64,
    correct: u64,
    lr: f64,
}

fn run_epoch(
    job: &Job,
    trainer: &mut Trainer,
    train: &ImageSet,
    epoch: u32,
    observe: &mut dyn FnMut(Event),
) -> Result<Seen, Error> {
    let rows = train.rows();
    let size = job.training.batch as usize;
    let steps = rows.div_ceil(size) as u64;
    let order = jackpot_data::epoch_order(job.order_key, epoch, rows);
    let key = job.augment_key.fold(u64::from(epoch));
    let draws = train.draws(&job.training.augment, key, &order)?;
    let order = batch::row_tensor(&order, job.device)?;
    // Sums stay on the device and are read once an epoch.
    let mut loss = Tensor::f_zeros([0_i64; 0], (Kind::Double, job.device))?;
    let mut correct = Tensor::f_zeros([0_i64; 0], (Kind::Int64, job.device))?;
    let mut lr = 0.0;
    let total = steps * u64::from(job.training.epochs);
    for step in 0..steps {
        let start = step as usize * size;
        let length = size.min(rows - start);
        let done = u64::from(epoch) * steps + step;
        lr = job.training.lr_at(done, steps);
        let batch =
            train.gather_range(&order, draws.as_ref(), start, length, job.precision.kind())?;
        let seen = trainer.step(&batch, lr)?;
        loss = loss.f_add_(
            &seen
                .loss
                .f_to_kind(Kind::Double)?
                .f_mul_scalar_(length as f64)?,
        )?;
        correct = correct.f_add_(&seen.correct)?;
        if (done + 1) * 200 / total != done * 200 / total {
            observe(Event::Progress((done + 1) as f64 / total as f64));
        }
    }
    Ok(Seen {
        loss: loss.f_double_value(&[])? / rows as f64,
        correct: correct.f_int64_value(&[])? as u64,
        lr,
    })
}

fn summary(epochs: Vec<Epoch>, diverged: Option<u32>, last: &Evaluation, kept: u64) -> Metrics {
    let mut best = (
        0,
        if epochs.is_empty() {
            last.accuracy()
        } else {
            f64::NEG_INFINITY
        },
    );
    for epoch in &epochs {
        if epoch.test_accuracy > best.1 {
            best = (epoch.epoch, epoch.test_accuracy);
        }
    }
    Metrics {
        best_epoch: best.0,
        best_test_accuracy: best.1,
        diverged_at_epoch: diverged,
        epochs,
        kept,
        test_accuracy: last.accuracy(),
        test_correct: last.correct(),
        test_loss: Some(last.loss()).filter(|loss| loss.is_finite()),
        test_rows: last.right.len() as u64,
    }
}

/// The variance of one value is no number: a last batch of one image through a layer of
/// 1×1 maps would end the training as "diverged", which it did not.
fn refuse_single_values(network: &Network, rows: usize, batch: usize) -> Result<(), Error> {
    let last = if rows.is_multiple_of(batch) {
        batch
    } else {
        rows % batch
    };
    for node in &network.nodes {
        if let Op::BatchNorm { weight, .. } = node.op
            && last * node.output[1] * node.output[2] == 1
        {
            let name = &network.parameters[weight].name;
            return invalid(format!(
                "`{name}` would normalise a single value: {rows} training rows in batches of {batch} \
                 leave a last batch of {last}; choose another `batch` or `train_subset`"
            ));
        }
    }
    Ok(())
}

/// The sha256 of all inputs.
fn fingerprint(job: &Job) -> Result<Fingerprint, Error> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let settings = serde_json::to_vec(&(
        &job.network.architecture,
        job.training,
        job.normalisation,
        job.order_key.to_hex(),
        job.augment_key.to_hex(),
        format!(
            "{:?} {:?} {} threads",
            job.device,
            job.precision,
            tch::get_num_threads()
        ),
    ));
    add(&settings.expect("settings are plain data"));
    add(job.weights);
    add(&job.mask.map_or_else(Vec::new, Mask::to_bytes));
    for images in [job.train, job.test] {
        // Held or read from the file, the bytes are the same.
        let mut pixels = Sha256::new();
        images.each_block(&mut |piece| pixels.update(piece))?;
        add(&pixels.finalize());
        for label in images.labels() {
            add(&label.to_le_bytes());
        }
    }
    Ok(hash.finalize().into())
}
