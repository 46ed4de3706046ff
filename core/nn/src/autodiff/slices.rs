//! Numbers that cross into and out of tensors, layer by layer.
use super::Autodiff;
use crate::{Error, error::invalid, network::state};
use tch::{Device, Kind, Tensor};

/// Numbers of one layer, row-major.
#[derive(Clone, Copy, Debug)]
pub enum Slice<'a> {
    /// 32 bits.
    F32(&'a [f32]),
    /// 64 bits.
    F64(&'a [f64]),
}

/// Where one layer's result goes, row-major.
#[derive(Debug)]
pub enum SliceMut<'a> {
    /// 32 bits: the result is rounded.
    F32(&'a mut [f32]),
    /// 64 bits.
    F64(&'a mut [f64]),
}

impl Autodiff {
    /// Tensors of the prunable layers from numbers.
    pub(super) fn layers(
        &self,
        what: &str,
        slices: &[Slice],
        kind: Kind,
    ) -> Result<Vec<Tensor>, Error> {
        self.count(what, slices.len())?;
        let tensor = |(layer, slice): (&jackpot_net::Layer, &Slice)| {
            let (found, tensor) = match slice {
                Slice::F32(s) => (s.len(), Tensor::f_from_slice(s)?),
                Slice::F64(s) => (s.len(), Tensor::f_from_slice(s)?),
            };
            self.length(what, layer, found)?;
            let shape: Vec<i64> = layer.shape.iter().map(|&n| n as i64).collect();
            state::laid_out(
                &tensor
                    .f_reshape(shape)?
                    .f_to_kind(kind)?
                    .f_to_device(self.device)?,
            )
        };
        self.network.layers.iter().zip(slices).map(tensor).collect()
    }

    /// Sums into numbers; 0 where the result does not depend on a layer.
    pub(super) fn write(&self, sums: &[Option<Tensor>], out: &mut [SliceMut]) -> Result<(), Error> {
        self.count("out", out.len())?;
        for ((layer, sum), out) in self.network.layers.iter().zip(sums).zip(out) {
            let flat = match sum {
                Some(sum) => Some(sum.f_to_device(Device::Cpu)?.f_contiguous()?),
                None => None,
            };
            match out {
                SliceMut::F32(out) => {
                    self.length("out", layer, out.len())?;
                    match flat {
                        Some(flat) => flat.f_to_kind(Kind::Float)?.f_copy_data(out, layer.len())?,
                        None => out.fill(0.0),
                    }
                }
                SliceMut::F64(out) => {
                    self.length("out", layer, out.len())?;
                    match flat {
                        Some(flat) => flat
                            .f_to_kind(Kind::Double)?
                            .f_copy_data(out, layer.len())?,
                        None => out.fill(0.0),
                    }
                }
            }
        }
        Ok(())
    }

    fn count(&self, what: &str, found: usize) -> Result<(), Error> {
        let expected = self.network.layers.len();
        if found == expected {
            return Ok(());
        }
        invalid(format!("{what}: expected {expected} layers, found {found}"))
    }

    fn length(&self, what: &str, layer: &jackpot_net::Layer, found: usize) -> Result<(), Error> {
        if found == layer.len() {
            return Ok(());
        }
        invalid(format!(
            "{what}: layer `{}` has {} weights, found {found}",
            layer.name,
            layer.len()
        ))
    }
}
