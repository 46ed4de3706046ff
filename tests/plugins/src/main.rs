//! A worker without libtorch for the tests of this folder: it serves plugins, and its
//! autodiff knows one function, L(w) = Σ ½ a w², for which every derivative is exact.
//!
//! What a plugin asked of it is written to `asked` in the job's folder.

use jackpot_data::BatchSpec;
use jackpot_host::{ServiceError, Services, View, ViewMut, serve_with};
use jackpot_net::Objective;
use jackpot_protocol::PluginJob;
use jackpot_prune::{Mask, read_weights};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().next_back().map(PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    serve_with(&folder, &mut |job| Ok(Box::new(Toy::new(&folder, job)?)))
}

struct Toy {
    /// The weights, layer by layer in forward order, and the same under this round's mask.
    weights: Vec<Vec<f64>>,
    masked: Vec<Vec<f64>>,
    asked: std::fs::File,
}

/// a of weight `index` of layer `layer`.
fn curvature(layer: usize, index: usize) -> f64 {
    (1 + layer + index % 5) as f64
}

impl Toy {
    fn new(folder: &Path, job: &PluginJob) -> Result<Toy, String> {
        let path = job.weights.as_ref().ok_or("no weights")?;
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let network = job.network().map_err(|f| f.message)?;
        let weights = read_weights(&bytes, &network).map_err(|e| e.to_string())?;
        let mut toy = Toy {
            masked: weights.clone(),
            weights,
            asked: std::fs::File::create(folder.join("asked")).map_err(|e| e.to_string())?,
        };
        if let Some(path) = &job.mask {
            let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
            let mask = Mask::from_bytes(&bytes).map_err(|e| e.to_string())?;
            toy.set_mask(&mask).map_err(|e| e.to_string())?;
        }
        Ok(toy)
    }

    fn note(&mut self, what: String) -> Result<(), String> {
        writeln!(self.asked, "{what}").map_err(|e| e.to_string())
    }
}

fn at(view: &View, i: usize) -> f64 {
    match view {
        View::F32(values) => f64::from(values[i]),
        View::F64(values) => values[i],
    }
}

fn write(out: &mut [ViewMut], value: impl Fn(usize, usize) -> f64) {
    for (layer, out) in out.iter_mut().enumerate() {
        match out {
            ViewMut::F32(out) => {
                let indexed = out.iter_mut().enumerate();
                indexed.for_each(|(i, slot)| *slot = value(layer, i) as f32);
            }
            ViewMut::F64(out) => {
                let indexed = out.iter_mut().enumerate();
                indexed.for_each(|(i, slot)| *slot = value(layer, i));
            }
        }
    }
}

impl Services for Toy {
    fn set_mask(&mut self, mask: &Mask) -> Result<(), ServiceError> {
        self.note(format!("mask of {}", mask.kept()))?;
        for ((masked, weights), layer) in
            (self.masked.iter_mut().zip(&self.weights)).zip(&mask.layers)
        {
            let both = weights.iter().zip(&layer.kept);
            *masked = both.map(|(w, &kept)| if kept { *w } else { 0.0 }).collect();
        }
        Ok(())
    }

    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, ServiceError> {
        self.note(format!("{spec:?}"))?;
        Ok(7)
    }

    fn loss(&mut self, _: &Objective, _: u64, _: Option<&[View]>) -> Result<f64, ServiceError> {
        Err("the toy has no loss".into())
    }

    fn grad(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let place = if point.is_some() { "point" } else { "weights" };
        self.note(format!("grad {handle} at {place}: {objective:?}"))?;
        write(out, |layer, i| {
            curvature(layer, i) * point.map_or(self.masked[layer][i], |p| at(&p[layer], i))
        });
        Ok(())
    }

    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        let place = if point.is_some() { "point" } else { "weights" };
        self.note(format!("hvp {handle} at {place}: {objective:?}"))?;
        write(out, |layer, i| curvature(layer, i) * at(&vector[layer], i));
        Ok(())
    }
}
