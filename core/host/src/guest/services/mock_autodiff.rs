//! A function simple enough to be exact, in place of a network's loss: what a plugin's
//! gradients are in a conformance check, without libtorch.
use crate::{ServiceError, Services, View, ViewMut, serve_with};
use jackpot_data::{BatchSpec, Images};
use jackpot_net::Objective;
use jackpot_protocol::{Batches, PluginJob};
use jackpot_prune::{Mask, read_weights};
use std::path::Path;
use std::process::ExitCode;

/// Serves the job of a folder like [`serve_main`](crate::serve_main), with [`MockAutodiff`] where
/// an item differentiates.
pub fn serve_mock_autodiff(folder: &Path) -> ExitCode {
    serve_with(folder, &mut |job| Ok(Box::new(MockAutodiff::new(job)?)))
}

/// The quadratic ½ Σ a w², summed over batches and parts: its gradient is a·w and its Hessian
/// times v is a·v, all exact for small powers of two. Where the job offers data, each a is
/// doubled or not by a bit of them, so that whoever looks at data cannot help showing it.
pub struct MockAutodiff {
    /// One vector for each layer.
    weights: Vec<Vec<f64>>,
    /// The weights under the mask of this round.
    masked: Vec<Vec<f64>>,
    /// Batches times parts, for each handle.
    sums: Vec<u64>,
    /// Digest of the data that the job offers. Without data it is 0, and the function is the plain
    /// one.
    data: u64,
}

/// The coefficient a of one weight.
pub fn coefficient(layer: usize, index: usize) -> f64 {
    ((index % 7 + 1) * (layer + 1)) as f64 / 8.0
}

impl MockAutodiff {
    /// Reads the job's weights and mask.
    pub fn new(job: &PluginJob) -> Result<MockAutodiff, String> {
        let network = job.network().map_err(|f| f.message)?;
        let path = job.weights.as_ref().ok_or("the job has no weights")?;
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let weights = read_weights(&bytes, &network).map_err(|e| e.to_string())?;
        let mut mock = MockAutodiff {
            masked: weights.clone(),
            weights,
            sums: Vec::new(),
            data: digest(job)?,
        };
        if let Some(path) = &job.mask {
            let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
            let mask = Mask::from_bytes(&bytes).map_err(|e| e.to_string())?;
            mock.set_mask(&mask).map_err(|e| e.to_string())?;
        }
        Ok(mock)
    }

    fn point(&self, point: Option<&[View]>) -> Vec<Vec<f64>> {
        point.map_or_else(
            || self.masked.clone(),
            |views| views.iter().map(widen).collect(),
        )
    }

    /// The digest of the data that the objective reads, which is 0 for an image of ones.
    fn data_of(&self, objective: &Objective) -> u64 {
        match objective.input {
            jackpot_net::ObjectiveInput::Data => self.data,
            jackpot_net::ObjectiveInput::Ones => 0,
        }
    }

    /// Batches times parts; an all-ones input (handle 0) is one.
    fn sum(&self, objective: &Objective, handle: u64) -> Result<f64, String> {
        if objective.input == jackpot_net::ObjectiveInput::Ones {
            return Ok(1.0);
        }
        let index = handle.checked_sub(1).ok_or("no batch")? as usize;
        self.sums
            .get(index)
            .map(|n| *n as f64)
            .ok_or_else(|| format!("no handle {handle}"))
    }
}

/// A digest of the data that the job offers.
fn digest(job: &PluginJob) -> Result<u64, String> {
    let Some(Batches::Sampled { train, .. }) = &job.batches else {
        return Ok(0);
    };
    let bytes = std::fs::read(train).map_err(|e| e.to_string())?;
    let images = Images::from_safetensors(&bytes).map_err(|e| e.to_string())?;
    let labels = images.labels.iter().map(|&l| l as u64);
    let values = images.pixels.iter().map(|&p| u64::from(p)).chain(labels);
    // FNV-1a, a word at a time.
    Ok(values.fold(0xcbf2_9ce4_8422_2325, |hash, value| {
        (hash ^ value).wrapping_mul(0x100_0000_01b3)
    }))
}

fn widen(view: &View) -> Vec<f64> {
    match view {
        View::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        View::F64(v) => v.to_vec(),
    }
}

/// The coefficient a of one weight, doubled or not by a bit of the data.
fn coefficient_on(layer: usize, index: usize, data: u64) -> f64 {
    coefficient(layer, index) * (1 + (data >> (index % 64) & 1)) as f64
}

fn scaled(values: &[Vec<f64>], sum: f64, data: u64, out: &mut [ViewMut]) {
    for (layer, (values, out)) in values.iter().zip(out).enumerate() {
        let result = |(i, v): (usize, &f64)| sum * coefficient_on(layer, i, data) * v;
        let results = values.iter().enumerate().map(result);
        match out {
            ViewMut::F32(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r as f32),
            ViewMut::F64(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r),
        }
    }
}

impl Services for MockAutodiff {
    fn on_the_clock(&self) -> bool {
        true
    }

    fn set_mask(&mut self, mask: &Mask) -> Result<(), ServiceError> {
        for ((masked, weights), layer) in
            (self.masked.iter_mut().zip(&self.weights)).zip(&mask.layers)
        {
            let both = weights.iter().zip(&layer.kept);
            *masked = both.map(|(w, &kept)| if kept { *w } else { 0.0 }).collect();
        }
        self.sums.clear();
        Ok(())
    }

    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, ServiceError> {
        self.sums.push(spec.n_batches * spec.parts);
        Ok(self.sums.len() as u64)
    }

    fn loss(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
    ) -> Result<f64, ServiceError> {
        let sum = self.sum(objective, handle)?;
        let (layers, data) = (self.point(point), self.data_of(objective));
        let term = |l: usize, i: usize, w: f64| 0.5 * coefficient_on(l, i, data) * w * w;
        let layer = |(l, w): (usize, &Vec<f64>)| -> f64 {
            w.iter().enumerate().map(|(i, w)| term(l, i, *w)).sum()
        };
        Ok(sum * layers.iter().enumerate().map(layer).sum::<f64>())
    }

    fn grad(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let sum = self.sum(objective, handle)?;
        scaled(&self.point(point), sum, self.data_of(objective), out);
        Ok(())
    }

    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        _point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let sum = self.sum(objective, handle)?;
        let along: Vec<_> = vector.iter().map(widen).collect();
        scaled(&along, sum, self.data_of(objective), out);
        Ok(())
    }
}
