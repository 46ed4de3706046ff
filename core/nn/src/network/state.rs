//! Parameters from and to safetensors, under PyTorch's names, in channels-last layout.
use crate::{Error, FloatPrecision, error::invalid};
use jackpot_net::{NUMBERS, Network, is_number, not_tensors};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeSet;
use tch::{Device, Kind, Tensor};

/// The tensors of a state_dict in the network's order, on `device`, 4-D ones channels-last.
/// `num_batches_tracked` is accepted and ignored.
pub(crate) fn read(
    network: &Network,
    bytes: &[u8],
    precision: FloatPrecision,
    device: Device,
) -> Result<Vec<Tensor>, Error> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::Invalid(format!("weights: {}", not_tensors(bytes, &e))))?;
    let wanted: BTreeSet<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    let mut extra: Vec<&str> = file
        .names()
        .into_iter()
        .filter(|name| !wanted.contains(name) && !name.ends_with("num_batches_tracked"))
        .collect();
    extra.sort_unstable();
    if let Some(name) = extra.first() {
        return invalid(format!(
            "weights hold a tensor `{name}` that this network does not have"
        ));
    }
    let mut tensors = Vec::with_capacity(network.parameters.len());
    for parameter in &network.parameters {
        let Ok(view) = file.tensor(&parameter.name) else {
            return invalid(format!("weights lack the tensor `{}`", parameter.name));
        };
        if view.shape() != parameter.shape {
            return invalid(format!(
                "tensor `{}`: expected shape {:?}, found {:?}",
                parameter.name,
                parameter.shape,
                view.shape()
            ));
        }
        if !is_number(view.dtype()) {
            return invalid(format!(
                "tensor `{}`: expected {NUMBERS}, found {:?}",
                parameter.name,
                view.dtype()
            ));
        }
        let tensor = from_view(&parameter.name, &view)?;
        let tensor = tensor.f_to_kind(precision.kind())?.f_to_device(device)?;
        tensors.push(laid_out(&tensor)?);
    }
    Ok(tensors)
}

/// A row-major tensor on the CPU from a view of a file.
pub(crate) fn from_view(name: &str, view: &TensorView) -> Result<Tensor, Error> {
    let kind = match view.dtype() {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::U8 => Kind::Uint8,
        other => {
            return invalid(format!(
                "tensor `{name}`: expected {NUMBERS}, I64 or U8, found {other:?}"
            ));
        }
    };
    let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    Ok(Tensor::f_from_data_size(view.data(), &shape, kind)?)
}

/// The layout that everything computes in: channels-last for 4-D tensors, row-major
/// else. Which layout a tensor has changes the bytes that training yields, so it is
/// always made by this function, with the same strides whatever they were before.
pub(crate) fn laid_out(tensor: &Tensor) -> Result<Tensor, Error> {
    let size = tensor.size();
    let &[n, c, h, w] = size.as_slice() else {
        return Ok(tensor.f_contiguous()?);
    };
    let mut rows = Tensor::f_empty([n, h, w, c], (tensor.kind(), tensor.device()))?;
    rows.f_copy_(&tensor.f_permute([0, 2, 3, 1])?)?;
    Ok(rows.f_permute([0, 3, 1, 2])?)
}

/// The raw little-endian bytes of a tensor in row-major order.
pub(crate) fn bytes_of(tensor: &Tensor) -> Result<Vec<u8>, Error> {
    let flat = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    let mut bytes = vec![0; flat.numel() * flat.f_kind()?.elt_size_in_bytes()];
    flat.f_copy_data_u8(&mut bytes, flat.numel())?;
    Ok(bytes)
}

/// The values of a tensor as f32 in row-major order.
///
/// # Errors
/// libtorch's, when the tensor cannot be copied.
pub fn numbers(tensor: &Tensor) -> Result<Vec<f32>, Error> {
    let flat = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Float)?
        .f_contiguous()?;
    let mut values = vec![0.0; flat.numel()];
    flat.f_copy_data(&mut values, flat.numel())?;
    Ok(values)
}

/// One entry of a safetensors file to write.
pub(crate) struct Entry {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Entry {
    pub fn tensor(name: String, tensor: &Tensor) -> Result<Entry, Error> {
        let dtype = match tensor.f_kind()? {
            Kind::Float => Dtype::F32,
            Kind::Double => Dtype::F64,
            Kind::Int64 => Dtype::I64,
            other => return invalid(format!("tensor `{name}` has the type {other:?}")),
        };
        let shape = tensor.size().iter().map(|&n| n as usize).collect();
        let bytes = bytes_of(tensor)?;
        Ok(Entry {
            name,
            dtype,
            shape,
            bytes,
        })
    }

    pub fn raw(name: &str, bytes: Vec<u8>) -> Entry {
        Entry {
            name: name.to_string(),
            dtype: Dtype::U8,
            shape: vec![bytes.len()],
            bytes,
        }
    }
}

/// A safetensors file without metadata: its bytes are a function of the entries.
pub(crate) fn serialize(entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let views = entries
        .iter()
        .map(|e| {
            Ok((
                e.name.as_str(),
                TensorView::new(e.dtype, e.shape.clone(), &e.bytes)?,
            ))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .and_then(|views| safetensors::serialize(views, None));
    views.map_err(|e| Error::Invalid(format!("cannot write safetensors: {e}")))
}

/// Parameters in the network's order as a state_dict: safetensors without metadata.
///
/// # Errors
/// Tensors that cannot be copied.
pub fn state_dict(network: &Network, tensors: &[Tensor]) -> Result<Vec<u8>, Error> {
    let entries = network
        .parameters
        .iter()
        .zip(tensors)
        .map(|(parameter, tensor)| Entry::tensor(parameter.name.clone(), tensor))
        .collect::<Result<Vec<_>, Error>>()?;
    serialize(&entries)
}
