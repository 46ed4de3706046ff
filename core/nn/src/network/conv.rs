//! One convolution, on numbers of channels that oneDNN computes rightly, and in f64 on so many
//! images at once that memory holds them.
//!
//! oneDNN's AVX2 convolution with channels last (libtorch 2.13, `brgconv_strided:avx2`,
//! backward data) writes past its buffers where the channels are no multiple of 8: measured,
//! it corrupts the heap or crashes. Such a convolution is computed with zero channels added
//! up to the next multiple, which changes no product and is exact; it is taken off again.
//! This happens whatever the kernels are, so that a device class is no other computation.
//!
//! oneDNN computes no doubles. libtorch's own convolution of doubles unfolds a whole batch, each
//! pixel as often as a kernel sees it: nine times the images for 3 × 3, and page faults for half
//! of its time. A few images at a time give the same products in six tenths of the time.

use crate::{Error, FloatPrecision};
use jackpot_net::Op;
use tch::{Kind, Tensor};

/// How the images of a batch lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[n, h, w, c]`: what trainings are fast in.
    ChannelsLast,
    /// `[n, c, h, w]`.
    RowMajor,
}

/// oneDNN's block of channels on AVX2.
const BLOCK: i64 = 8;

/// Bytes that a convolution of doubles may unfold at once.
const UNFOLDED: i64 = 16 << 20;

/// `op` of `x` `[n, channels, height, width]`, laid out so, in the factors of `precision`
/// and of their kind; `reads_image` if nothing before
/// it is differentiated, so that its input channels may be any number.
pub(crate) fn conv(
    op: &Op,
    parameters: &[Tensor],
    x: &Tensor,
    precision: FloatPrecision,
    layout: Layout,
    reads_image: bool,
) -> Result<Tensor, Error> {
    let Op::Conv {
        weight,
        bias,
        stride,
        padding,
        groups,
        ..
    } = *op
    else {
        return crate::error::invalid(format!("{op:?} is no convolution"));
    };
    let weight = precision.factor(&parameters[weight])?;
    let bias = bias.map(|b| precision.factor(&parameters[b])).transpose()?;
    let x = precision.factor(x)?;
    let (stride, padding) = ([stride as i64; 2], [padding as i64; 2]);
    let missing = |channels: i64| (BLOCK - channels % BLOCK) % BLOCK;
    let out = weight.size()[0];
    let more_out = missing(out);
    let more_in = if reads_image { 0 } else { missing(x.size()[1]) };
    // Only oneDNN needs this, which computes no doubles; groups would need it each.
    let whole = groups > 1 || x.kind() == Kind::Double || x.device() != tch::Device::Cpu;
    if whole || (more_out == 0 && more_in == 0) {
        let groups = groups as i64;
        let convolve =
            |x: &Tensor| x.f_conv2d(&weight, bias.as_ref(), stride, padding, [1, 1], groups);
        // The older layout's sums stay what they are.
        let unfolds = x.kind() == Kind::Double && x.device() == tch::Device::Cpu;
        if !unfolds || layout == Layout::ChannelsLast {
            return Ok(convolve(&x)?);
        }
        let pieces: Vec<Tensor> = x
            .f_split(images_at_once(&x, &weight, stride), 0)?
            .iter()
            .map(convolve)
            .collect::<Result<_, _>>()?;
        return Ok(Tensor::f_cat(&pieces, 0)?);
    }
    let x = x.f_constant_pad_nd([0, 0, 0, 0, 0, more_in])?;
    let weight = weight.f_constant_pad_nd([0, 0, 0, 0, 0, more_in, 0, more_out])?;
    let bias = bias
        .map(|b| b.f_constant_pad_nd([0, more_out]))
        .transpose()?;
    let y = x.f_conv2d(&weight, bias.as_ref(), stride, padding, [1, 1], 1)?;
    let y = y.f_narrow(1, 0, out)?;
    if layout == Layout::RowMajor {
        return Ok(y.f_contiguous()?);
    }
    // Dense again, with channels last: what follows is fast on that and has its bytes.
    let rows = y.f_permute([0, 2, 3, 1])?;
    Ok(rows.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// How many images of `x` may be unfolded at once for a `weight` of `[out, in, height, width]`.
fn images_at_once(x: &Tensor, weight: &Tensor, stride: [i64; 2]) -> i64 {
    let (images, kernel) = (x.size(), weight.size());
    let places = (images[2] / stride[0]).max(1) * (images[3] / stride[1]).max(1);
    let one = places * kernel[1..].iter().product::<i64>() * size_of::<f64>() as i64;
    (UNFOLDED / one).max(1)
}
