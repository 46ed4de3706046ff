//! A whole training: epochs, metrics, resume point.
use crate::training::metrics::{metrics_of, percent};
use crate::training::resume::{self, Fingerprint};
use crate::training::split::{Split, pass_key};
use crate::{
    Draws, Error, Evaluation, FloatPrecision, ImageSet, Model, Trainer, TrainingEngine,
    batches::batch, error::invalid, network::state, training::evaluate,
};
use jackpot_data::{Normalisation, Rows};
use jackpot_net::{Network, Training};
use jackpot_protocol::{Epoch, Metrics};
use jackpot_prune::Mask;
use jackpot_rng::Key;
use sha2::{Digest, Sha256};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Everything a training is a function of, and where its resume point lies.
pub struct TrainingJob<'a> {
    /// What is trained.
    pub network: &'a Network,
    /// Its hyperparameters.
    pub training: &'a Training,
    /// The state_dict to start from (safetensors).
    pub weights: &'a [u8],
    /// The kept weights; the training is dense if `None`.
    pub mask: Option<&'a Mask>,
    /// Training images.
    pub train: &'a Rows,
    /// Test images.
    pub test: &'a Rows,
    /// Mean and standard deviation that both are normalised with.
    pub normalisation: &'a Normalisation,
    /// Draws the order of the rows in every epoch, where it is shuffled.
    pub order_key: Key,
    /// Draws crops and flips: folded with the epoch, then with the row.
    pub augment_key: Key,
    /// Where it runs.
    pub device: Device,
    /// What libtorch's layers compute in; batches are in the type of its weights.
    pub precision: FloatPrecision,
    /// Folder of the resume point; without one a killed training starts over.
    pub resume: Option<&'a Path>,
}

/// What is heard of a running training.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainingEvent {
    /// Share of all steps that are done; sent about two hundred times per training.
    Progress(f64),
    /// An epoch ended and its resume point is on disk.
    Epoch(u32),
    /// The training goes on after this many epochs.
    Resumed(u32),
    /// Why the resume point could not be used; it was discarded.
    Discarded(String),
}

/// What a training yields; the same job yields the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedModel {
    /// The metrics of every epoch and of the last weights.
    pub metrics: Metrics,
    /// One bit per test image, 1 if the last weights classify it rightly, lowest bit first.
    pub bits: Vec<u8>,
    /// The last weights: state_dict as safetensors.
    pub checkpoint: Vec<u8>,
}

/// Trains on libtorch, as [`train_in`].
///
/// # Errors
/// As [`train_in`].
pub fn train(
    job: &TrainingJob,
    observe: &mut dyn FnMut(TrainingEvent),
) -> Result<TrainedModel, Error> {
    let model = Model::load(job.network, job.weights, job.precision, job.device)?;
    let mut trainer = Trainer::new(model, job.mask, job.training)?;
    train_in(&mut trainer, job, observe)
}

/// Trains from the start or from the resume point, in an engine that holds the job's
/// weights and mask.
///
/// A loss that is no longer a number ends the training; that is a result, recorded as
/// [`Metrics::diverged_at_epoch`], not an error.
///
/// # Errors
/// Inputs that do not fit each other, pruned weights that are not 0, a resume folder that
/// cannot be written, libtorch's.
pub fn train_in(
    engine: &mut dyn TrainingEngine,
    job: &TrainingJob,
    observe: &mut dyn FnMut(TrainingEvent),
) -> Result<TrainedModel, Error> {
    let architecture = &job.network.architecture;
    let set = |what, images| {
        let (input, classes) = (architecture.input, architecture.classes);
        ImageSet::of_rows(what, images, job.normalisation, input, classes, job.device)
    };
    let (train, test) = (
        set("training images", job.train)?,
        set("test images", job.test)?,
    );
    let course = Course::new(job, &train)?;
    let kind = job.precision.kind();
    let fingerprint = fingerprint(job, &engine.describe())?;
    let mut epochs = resumed(job, &fingerprint, engine, observe);
    let mut last = None;
    let mut diverged = None;
    while course.left(epochs.len()) > 0 {
        let epoch = epochs.len() as u32;
        let seen = run_epoch(job, &course, engine, &train, epoch, observe)?;
        let evaluation = evaluate::evaluate_all(engine, &test, kind)?;
        let held = course.validate(engine, &train, kind)?;
        let losses = [Some(&evaluation), held.as_ref()];
        let finite = losses.iter().flatten().all(|e| e.loss().is_finite());
        if !seen.loss.is_finite() || !finite {
            diverged = Some(epoch + 1);
            last = Some(evaluation);
            break;
        }
        epochs.push(Epoch {
            epoch: epoch + 1,
            kept: engine.kept()?,
            lr: seen.lr,
            test_accuracy: evaluation.accuracy(),
            test_loss: evaluation.loss(),
            train_accuracy: percent(seen.correct, seen.images),
            train_loss: seen.loss,
            validation_accuracy: held.as_ref().map(Evaluation::accuracy),
            validation_loss: held.as_ref().map(Evaluation::loss),
        });
        last = Some(evaluation);
        if let Some(folder) = job.resume {
            resume::save(folder, &fingerprint, job.network, engine, &epochs)?;
        }
        observe(TrainingEvent::Epoch(epoch + 1));
    }
    let evaluation = match last {
        Some(evaluation) => evaluation,
        None => evaluate::evaluate_all(engine, &test, kind)?,
    };
    let kept = job
        .mask
        .map_or_else(|| job.network.prunable_weights(), Mask::kept);
    Ok(TrainedModel {
        metrics: metrics_of(epochs, diverged, &evaluation, kept),
        bits: evaluation.bits(),
        checkpoint: state::state_dict(job.network, &engine.parameters()?)?,
    })
}

/// Puts the engine where an earlier process left it; the epochs that are done already.
fn resumed(
    job: &TrainingJob,
    fingerprint: &Fingerprint,
    engine: &mut dyn TrainingEngine,
    observe: &mut dyn FnMut(TrainingEvent),
) -> Vec<Epoch> {
    let Some(folder) = job.resume else {
        return Vec::new();
    };
    match resume::restore(folder, fingerprint, job.network, engine) {
        Ok(epochs) => {
            if !epochs.is_empty() {
                observe(TrainingEvent::Resumed(epochs.len() as u32));
            }
            epochs
        }
        Err(why) => {
            observe(TrainingEvent::Discarded(why));
            Vec::new()
        }
    }
}

/// How long a training is and which rows it meets.
struct Course {
    rows: Split,
    /// The rows held back, on the device; none without validation.
    validation: Option<Tensor>,
    /// Images a step.
    batch: usize,
    /// Steps of a pass over the trained rows, the last of which may be smaller.
    pass: u64,
    /// Steps of an epoch.
    epoch: u64,
    /// Steps of the training, and of the whole one that it may be the beginning of.
    total: u64,
}

impl Course {
    fn new(job: &TrainingJob, train: &ImageSet) -> Result<Course, Error> {
        let settings = job.training;
        let classes = job.network.architecture.classes;
        let rows = Split::of(job.train.labels(), classes, settings.validation_rows)?;
        let validation = if rows.validation.is_empty() {
            None
        } else {
            Some(batch::row_tensor(&rows.validation, job.device)?)
        };
        let batch = settings.batch as usize;
        let all = train.rows() as u64;
        let course = Course {
            pass: rows.trained.len().div_ceil(batch) as u64,
            epoch: settings.steps_in_epoch(all),
            total: settings.steps(all),
            validation,
            rows,
            batch,
        };
        let whole = course.epoch * u64::from(settings.epochs);
        if let Some(until) = settings.until.filter(|&until| until > whole) {
            return invalid(format!(
                "`until`: expected at most the {whole} steps of the training, found {until}"
            ));
        }
        let trained = course.rows.trained.len() as u64;
        job.network.refuse_single_values(settings, trained)?;
        Ok(course)
    }

    /// Steps of the next epoch when `epochs` are done; 0 at the end.
    fn left(&self, epochs: usize) -> u64 {
        let done = epochs as u64 * self.epoch;
        self.total.saturating_sub(done).min(self.epoch)
    }

    fn validate(
        &self,
        engine: &mut dyn TrainingEngine,
        train: &ImageSet,
        kind: Kind,
    ) -> Result<Option<Evaluation>, Error> {
        let rows = self.validation.as_ref();
        rows.map(|rows| evaluate::evaluate_rows(engine, train, rows, kind))
            .transpose()
    }
}

/// What an epoch's steps saw.
struct Seen {
    loss: f64,
    correct: u64,
    images: u64,
    lr: f64,
}

fn run_epoch(
    job: &TrainingJob,
    course: &Course,
    engine: &mut dyn TrainingEngine,
    train: &ImageSet,
    epoch: u32,
    observe: &mut dyn FnMut(TrainingEvent),
) -> Result<Seen, Error> {
    // Sums stay on the device and are read once an epoch.
    let mut loss = Tensor::f_zeros([0_i64; 0], (Kind::Double, job.device))?;
    let mut correct = Tensor::f_zeros([0_i64; 0], (Kind::Int64, job.device))?;
    let (mut images, mut lr) = (0, 0.0);
    let mut pass = Pass::new(job, course, train, epoch, 0)?;
    for step in 0..course.left(epoch as usize) {
        let place = step % course.pass;
        if place == 0 && step > 0 {
            pass = Pass::new(job, course, train, epoch, step / course.pass)?;
        }
        let start = place as usize * course.batch;
        let length = course.batch.min(course.rows.trained.len() - start);
        let done = u64::from(epoch) * course.epoch + step;
        lr = job.training.lr_at(done, course.epoch);
        let kind = job.precision.kind();
        let batch = train.gather_range(&pass.order, pass.draws.as_ref(), start, length, kind)?;
        let seen = engine.step(&batch, lr)?;
        loss = loss.f_add_(
            &seen
                .loss
                .f_to_kind(Kind::Double)?
                .f_mul_scalar_(length as f64)?,
        )?;
        correct = correct.f_add_(&seen.correct)?;
        images += length as u64;
        if (done + 1) * 200 / course.total != done * 200 / course.total {
            observe(TrainingEvent::Progress(
                (done + 1) as f64 / course.total as f64,
            ));
        }
    }
    Ok(Seen {
        loss: loss.f_double_value(&[])? / images as f64,
        correct: correct.f_int64_value(&[])? as u64,
        images,
        lr,
    })
}

/// One pass over the trained rows: their order and what is drawn for each.
struct Pass {
    order: Tensor,
    draws: Option<Draws>,
}

impl Pass {
    /// The orders and crops of an epoch are those of its place in the schedule, so that a
    /// training with an offset meets what the whole one meets there.
    fn new(
        job: &TrainingJob,
        course: &Course,
        train: &ImageSet,
        epoch: u32,
        pass: u64,
    ) -> Result<Pass, Error> {
        let settings = job.training;
        let epoch = settings.offset_epochs + epoch;
        let order = course.rows.pass(settings.order, job.order_key, epoch, pass);
        let key = pass_key(job.augment_key, pass).fold(u64::from(epoch));
        Ok(Pass {
            draws: train.draws(&settings.augment, key, &order)?,
            order: batch::row_tensor(&order, job.device)?,
        })
    }
}

/// The sha256 of all inputs.
fn fingerprint(job: &TrainingJob, engine: &str) -> Result<Fingerprint, Error> {
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
        engine,
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
