//! What plugins are offered: [`jackpot_nn::Autodiff`] behind [`jackpot_host::Services`].
use jackpot_data::{BatchSpec, Rows};
use jackpot_host::{ServiceError, Services, View, ViewMut};
use jackpot_net::{Objective, ScorePrecision};
use jackpot_nn::{Autodiff, BatchSource, Slice, SliceMut};
use jackpot_protocol::{Batches, PluginJob};
use jackpot_prune::Mask;
use std::path::Path;

/// The autodiff of one plugin run.
pub struct Gradients {
    autodiff: Autodiff,
    precision: ScorePrecision,
}

impl Gradients {
    /// Reads what the job names.
    pub fn new(job: &PluginJob) -> Result<Gradients, ServiceError> {
        let network = job.architecture.build().map_err(|e| e.to_string())?;
        let Some(weights) = &job.weights else {
            return Err(format!(
                "item `{}` differentiates, but its job has no weights",
                job.item.id
            )
            .into());
        };
        let weights = read(weights)?;
        let mask = match &job.mask {
            Some(path) => Some(Mask::from_bytes(&read(path)?).map_err(|e| named(path, e))?),
            None => None,
        };
        let source = match &job.batches {
            None => None,
            Some(Batches::Given { batch }) => Some(BatchSource::Given(read(batch)?)),
            Some(Batches::Sampled {
                train,
                normalisation,
                augment,
                memory,
            }) => Some(BatchSource::Sampled {
                images: Rows::open(train, *memory).map_err(|e| e.to_string())?,
                normalisation: normalisation.clone(),
                augment: augment.clone(),
            }),
        };
        let device = jackpot_nn::parse_device(&job.device).map_err(|e| e.to_string())?;
        let autodiff =
            Autodiff::new(&network, &weights, mask.as_ref(), source, device).map_err(told)?;
        Ok(Gradients {
            autodiff: match job.precision {
                ScorePrecision::F32 => autodiff,
                ScorePrecision::F32Contiguous | ScorePrecision::F64 => autodiff.row_major(),
            },
            precision: job.precision,
        })
    }

    fn objective(&self, asked: &Objective) -> Objective {
        Objective {
            compute_f64: asked.compute_f64 || self.precision == ScorePrecision::F64,
            ..*asked
        }
    }
}

impl Services for Gradients {
    fn set_mask(&mut self, mask: &Mask) -> Result<(), ServiceError> {
        self.autodiff.set_mask(mask).map_err(told)
    }

    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, ServiceError> {
        self.autodiff.batches(spec).map_err(told)
    }

    fn loss(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
    ) -> Result<f64, ServiceError> {
        let point = point.map(slices);
        let loss = self
            .autodiff
            .loss(&self.objective(objective), handle, point.as_deref());
        loss.map_err(told)
    }

    fn grad(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let point = point.map(slices);
        let objective = self.objective(objective);
        let done = self
            .autodiff
            .grad(&objective, handle, point.as_deref(), &mut slices_mut(out));
        done.map_err(told)
    }

    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let (point, vector) = (point.map(slices), slices(vector));
        let objective = self.objective(objective);
        let out = &mut slices_mut(out);
        let done = self
            .autodiff
            .hvp(&objective, handle, point.as_deref(), &vector, out);
        done.map_err(told)
    }
}

/// What libtorch's errors are to a plugin.
fn told(error: jackpot_nn::Error) -> ServiceError {
    match error {
        jackpot_nn::Error::Memory(_) => ServiceError::Memory(error.to_string()),
        other => ServiceError::Failed(other.to_string()),
    }
}

fn slices<'a>(views: &[View<'a>]) -> Vec<Slice<'a>> {
    let slice = |view: &View<'a>| match *view {
        View::F32(values) => Slice::F32(values),
        View::F64(values) => Slice::F64(values),
    };
    views.iter().map(slice).collect()
}

fn slices_mut<'a>(views: &'a mut [ViewMut]) -> Vec<SliceMut<'a>> {
    let slice = |view: &'a mut ViewMut| match view {
        ViewMut::F32(values) => SliceMut::F32(values),
        ViewMut::F64(values) => SliceMut::F64(values),
    };
    views.iter_mut().map(slice).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    crate::read(path).map_err(|f| f.message)
}

fn named(path: &Path, error: impl std::fmt::Display) -> String {
    format!("`{}`: {error}", path.display())
}
