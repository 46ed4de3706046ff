//! Where and how precisely numbers are computed.
use crate::{Error, error::invalid};
use tch::{Device, Kind, Tensor};

/// The floating-point type of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatPrecision {
    /// 32 bits: what everything trains in.
    F32,
    /// 64 bits: what derivatives are compared in.
    F64,
    /// Mixed: the factors of every convolution and linear layer are rounded to bfloat16 and
    /// its results flow on in it; weights, gradients, the optimiser, normalisation's
    /// statistics and the loss are in 32 bits. Libtorch's CPU kernels for it want AVX-512;
    /// below that they are emulated.
    Bf16,
}

impl FloatPrecision {
    /// The type of weights, images, buffers and losses.
    pub(crate) fn kind(self) -> Kind {
        match self {
            FloatPrecision::F32 | FloatPrecision::Bf16 => Kind::Float,
            FloatPrecision::F64 => Kind::Double,
        }
    }

    /// A factor of a convolution or linear layer, rounded where the precision says so.
    pub(crate) fn factor(self, tensor: &Tensor) -> Result<Tensor, Error> {
        match self {
            FloatPrecision::F32 | FloatPrecision::F64 => Ok(tensor.shallow_clone()),
            FloatPrecision::Bf16 => Ok(tensor.f_to_kind(Kind::BFloat16)?),
        }
    }
}

/// `cpu`, `cuda` or `cuda:N`; a CUDA device must be there.
///
/// # Errors
/// Another text, or a device that this libtorch does not see.
pub fn parse_device(text: &str) -> Result<Device, Error> {
    let index = match text.split_once(':') {
        None if text == "cpu" => return Ok(Device::Cpu),
        None if text == "cuda" => 0,
        Some(("cuda", index)) => match index.parse::<usize>() {
            Ok(index) => index,
            Err(_) => return invalid(unknown_device(text)),
        },
        _ => return invalid(unknown_device(text)),
    };
    let seen = tch::Cuda::device_count();
    if (index as i64) < seen {
        return Ok(Device::Cuda(index));
    }
    invalid(format!(
        "device `{text}`: this libtorch sees {seen} CUDA devices; use `cpu`, or build against \
         your own CUDA libtorch (`LIBTORCH` or `LIBTORCH_USE_PYTORCH=1`)"
    ))
}

fn unknown_device(text: &str) -> String {
    format!("device `{text}`: expected `cpu` or `cuda:N`")
}

/// Fixes the number of threads of this process. Call once, before the first tensor:
/// results depend on the count, and libtorch refuses some changes later.
///
/// # Errors
/// `threads` is 0 or more than libtorch can count.
pub fn set_threads(threads: u32) -> Result<(), Error> {
    match i32::try_from(threads) {
        Ok(count) if count > 0 => {
            tch::set_num_threads(count);
            Ok(())
        }
        _ => invalid(format!("threads: expected 1 or more, found {threads}")),
    }
}
