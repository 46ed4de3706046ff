//! A toy server and what the hostile suite needs to run it: misbehaving plugins meet the real
//! host, without libtorch.
//!
//! **Invariant:** nothing here is used outside tests, and nothing here knows libtorch.
use jackpot_data::BatchSpec;
use jackpot_host::{PluginJob, Services, View, ViewMut};
use jackpot_net::{Network, Objective};
use std::time::Duration;

/// The quadratic ½ Σ a w² in place of a network's loss, summed over batches and parts: its
/// gradient is a·w and its Hessian times v is a·v, all exact for small powers of two.
pub struct Quadratic {
    /// One vector a layer.
    weights: Vec<Vec<f64>>,
    /// Batches times parts of each handle.
    sums: Vec<u64>,
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
        Ok(Quadratic {
            weights: read_layers(&bytes, &network)?,
            sums: Vec::new(),
        })
    }

    fn point(&self, point: Option<&[View]>) -> Vec<Vec<f64>> {
        point.map_or_else(
            || self.weights.clone(),
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

fn scaled(values: &[Vec<f64>], sum: f64, out: &mut [ViewMut]) {
    for (layer, (values, out)) in values.iter().zip(out).enumerate() {
        let result = |(i, v): (usize, &f64)| sum * coefficient(layer, i) * v;
        let results = values.iter().enumerate().map(result);
        match out {
            ViewMut::F32(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r as f32),
            ViewMut::F64(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r),
        }
    }
}

impl Services for Quadratic {
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
        scaled(&self.point(point), sum, out);
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
        scaled(&vector.iter().map(widen).collect::<Vec<_>>(), sum, out);
        Ok(())
    }
}
