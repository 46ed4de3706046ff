//! A toy server and what the hostile suite needs to run it: misbehaving plugins meet the real
//! host, without libtorch.
//!
//! **Invariant:** nothing here is used outside tests, and nothing here knows libtorch.
use jackpot_data::{BatchSpec, Images};
use jackpot_host::{Batches, PluginJob, Services, View, ViewMut};
use jackpot_net::{Mask, Network, Objective};
use std::time::Duration;

/// The quadratic ½ Σ a w² in place of a network's loss, summed over batches and parts: its
/// gradient is a·w and its Hessian times v is a·v, all exact for small powers of two.
pub struct Quadratic {
    /// One vector a layer.
    weights: Vec<Vec<f64>>,
    /// The same under the mask of this round.
    masked: Vec<Vec<f64>>,
    /// Batches times parts of each handle.
    sums: Vec<u64>,
    /// Of the data that the job offers; 0 without any: the function is then the plain one.
    data: u64,
}

/// The coefficient of one weight.
pub fn coefficient(layer: usize, index: usize) -> f64 {
    ((index % 7 + 1) * (layer + 1)) as f64 / 8.0
}

impl Quadratic {
    /// Reads the job's weights.
    pub fn new(job: &PluginJob) -> Result<Quadratic, String> {
        let network = job.architecture.build().map_err(|e| e.to_string())?;
        let path = job.weights.as_ref().ok_or("the job has no weights")?;
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let weights = read_layers(&bytes, &network)?;
        Ok(Quadratic {
            masked: weights.clone(),
            weights,
            sums: Vec::new(),
            data: digest(job)?,
        })
    }

    fn point(&self, point: Option<&[View]>) -> Vec<Vec<f64>> {
        point.map_or_else(
            || self.masked.clone(),
            |views| views.iter().map(widen).collect(),
        )
    }

    fn sum(&self, objective: &Objective, handle: u64) -> Result<f64, String> {
        match objective.temperature {
            13.0 => panic!("thirteen"),
            14.0 => return Err("the toy is out of order".into()),
            15.0 => std::thread::sleep(Duration::from_millis(1500)),
            _ => {}
        }
        let index = handle.checked_sub(1).ok_or("no batch")? as usize;
        self.sums
            .get(index)
            .map(|n| *n as f64)
            .ok_or_else(|| format!("no handle {handle}"))
    }
}

/// A number of the data within reach, so that who looks at them cannot help showing it.
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

/// The f32 layers of a state_dict, widened, in forward order.
pub fn read_layers(bytes: &[u8], network: &Network) -> Result<Vec<Vec<f64>>, String> {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let layer = |l: &jackpot_net::Layer| {
        let tensor = file.tensor(&l.name).map_err(|e| e.to_string())?;
        let floats = tensor.data().as_chunks::<4>().0.iter();
        Ok(floats.map(|b| f64::from(f32::from_le_bytes(*b))).collect())
    };
    network.layers.iter().map(layer).collect()
}

fn widen(view: &View) -> Vec<f64> {
    match view {
        View::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        View::F64(v) => v.to_vec(),
    }
}

fn scaled(values: &[Vec<f64>], sum: f64, data: u64, out: &mut [ViewMut]) {
    for (layer, (values, out)) in values.iter().zip(out).enumerate() {
        let factor = |i: usize| sum * coefficient(layer, i) * (1 + (data >> (i % 64) & 1)) as f64;
        let result = |(i, v): (usize, &f64)| factor(i) * v;
        let results = values.iter().enumerate().map(result);
        match out {
            ViewMut::F32(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r as f32),
            ViewMut::F64(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r),
        }
    }
}

impl Services for Quadratic {
    fn set_mask(&mut self, mask: &Mask) -> Result<(), String> {
        for ((masked, weights), layer) in
            (self.masked.iter_mut().zip(&self.weights)).zip(&mask.layers)
        {
            let both = weights.iter().zip(&layer.kept);
            *masked = both.map(|(w, &kept)| if kept { *w } else { 0.0 }).collect();
        }
        self.sums.clear();
        Ok(())
    }

    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, String> {
        self.sums.push(spec.n_batches * spec.parts);
        Ok(self.sums.len() as u64)
    }

    fn loss(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
    ) -> Result<f64, String> {
        let sum = self.sum(objective, handle)?;
        let layers = self.point(point);
        let term = |l: usize, i: usize, w: f64| 0.5 * coefficient(l, i) * w * w;
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
    ) -> Result<(), String> {
        let sum = self.sum(objective, handle)?;
        scaled(&self.point(point), sum, self.data, out);
        Ok(())
    }

    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        _point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), String> {
        let sum = self.sum(objective, handle)?;
        let along: Vec<_> = vector.iter().map(widen).collect();
        scaled(&along, sum, self.data, out);
        Ok(())
    }
}
