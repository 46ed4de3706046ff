//! A batch that the user made.
use crate::{Batch, Error, error::invalid, network::state};
use jackpot_net::{NUMBERS, Network, is_number, not_tensors};
use safetensors::{Dtype, SafeTensors};
use tch::{Device, Kind};

/// A batch given by hand as numbers: the images of `x`, row by row, and the labels `y`.
///
/// # Errors
/// No safetensors file, another shape than the network's images, labels that are no class.
pub fn given_batch(network: &Network, bytes: &[u8]) -> Result<(Vec<f32>, Vec<i64>), Error> {
    let batch = read(network, bytes, Device::Cpu)?;
    let mut images = vec![0.0; batch.x.numel()];
    let x = batch.x.f_to_kind(Kind::Float)?.f_contiguous()?;
    x.f_copy_data(&mut images, x.numel())?;
    let mut labels = vec![0; batch.y.numel()];
    batch.y.f_copy_data(&mut labels, batch.y.numel())?;
    Ok((images, labels))
}

/// Reads a batch given by hand, in f64 (exact for files of any type that is read).
pub(super) fn read(network: &Network, bytes: &[u8], device: Device) -> Result<Batch, Error> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::Invalid(format!("the batch: {}", not_tensors(bytes, &e))))?;
    let find = |name: &str| {
        file.tensor(name)
            .map_err(|_| Error::Invalid(format!("the batch lacks the tensor `{name}`")))
    };
    let (x, y) = (find("x")?, find("y")?);
    let input: Vec<usize> = network
        .architecture
        .input
        .iter()
        .map(|&n| n as usize)
        .collect();
    if x.shape().len() != 4 || x.shape()[1..] != input || x.shape()[0] == 0 {
        return invalid(format!(
            "the batch's `x`: expected [n, {input:?}], found {:?}",
            x.shape()
        ));
    }
    if !is_number(x.dtype()) {
        return invalid(format!(
            "the batch's `x`: expected {NUMBERS}, scaled and normalised as training images are, found {:?}",
            x.dtype()
        ));
    }
    if y.dtype() != Dtype::I64 || y.shape() != &x.shape()[..1] {
        let (dtype, shape) = (y.dtype(), y.shape());
        return invalid(format!(
            "the batch's `y`: expected I64 [{}], found {dtype:?} {shape:?}",
            x.shape()[0]
        ));
    }
    let y = state::from_view("y", &y)?;
    let (low, high) = (
        y.f_min()?.f_int64_value(&[])?,
        y.f_max()?.f_int64_value(&[])?,
    );
    if low < 0 || high >= i64::from(network.architecture.classes) {
        let classes = network.architecture.classes;
        return invalid(format!(
            "the batch's `y`: labels from {low} to {high}, the network has {classes} classes"
        ));
    }
    let x = state::from_view("x", &x)?
        .f_to_kind(Kind::Double)?
        .f_to_device(device)?;
    Ok(Batch {
        x: state::laid_out(&x)?,
        y: y.f_to_device(device)?,
    })
}
