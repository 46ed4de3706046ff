//! MobileNetV2 (Sandler et al. 2018) with torchvision's names and channels
//! (`torchvision/models/mobilenetv2.py`): a 3×3 convolution, seventeen inverted residuals,
//! a 1×1 convolution, global average pooling, one linear layer; ReLU6 where the activation
//! is `relu`. torchvision's dropout of 0.2 before the classifier is left out.
//!
//! The stem for small images is that of the usual CIFAR versions: stride 1 in the first
//! convolution and in the second stage, so that the map shrinks eightfold, not 32-fold.

use crate::families::builder::{Builder, Conv, Misfit};
use crate::network::architecture::Architecture;
use crate::network::family::Stem;
use crate::network::graph::Network;

/// Expansion, channels at width 32, blocks, stride of the first block: the paper's table 2.
const STAGES: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];
/// The stage that keeps the map's side under the stem for small images.
const KEPT_BY_SMALL_STEM: usize = 1;
/// The first convolution's channels at multiplier 1.
const FIRST: usize = 32;
/// The last convolution's channels at multiplier 1 and below.
const LAST: usize = 1280;
/// Channels are multiples of this.
const DIVISOR: usize = 8;

pub(crate) fn build(architecture: &Architecture) -> Result<Network, Misfit> {
    let width = architecture.width as usize;
    if !width.is_multiple_of(DIVISOR) {
        let nearest = ((width + DIVISOR / 2) / DIVISOR).max(1) * DIVISOR;
        return Err(Misfit::Size(format!(
            "network `width`: a mobilenetv2 has channels in multiples of 8 (32 is multiplier 1), found {width}; the nearest is {nearest}"
        )));
    }
    let small = architecture.stem == Stem::Small;
    let mut net = Builder::new(architecture);
    let stem = Conv::new(width, 3, if small { 1 } else { 2 });
    let mut at = conv_norm_activation(&mut net, "features.0", 0, stem)?;
    let mut place = 1;
    for (stage, [expansion, channels, blocks, stride]) in STAGES.into_iter().enumerate() {
        let out = divisible(channels * width, FIRST);
        for index in 0..blocks {
            let kept = index > 0 || (small && stage == KEPT_BY_SMALL_STEM);
            let stride = if kept { 1 } else { stride };
            net.block += 1;
            let name = format!("features.{place}");
            at = inverted_residual(&mut net, &name, at, [expansion, out, stride])?;
            place += 1;
        }
    }
    net.block = 0;
    let last = divisible(LAST * width.max(FIRST), FIRST);
    let conv = Conv::new(last, 1, 1);
    at = conv_norm_activation(&mut net, &format!("features.{place}"), at, conv)?;
    Ok(net.pool_and_classify("classifier.1", at))
}

/// `numerator / denominator` rounded to a multiple of 8, half up, never to less than nine
/// tenths of it: torchvision's `_make_divisible`, in integers.
fn divisible(numerator: usize, denominator: usize) -> usize {
    let step = DIVISOR * denominator;
    let rounded = ((numerator + step / 2) / step * DIVISOR).max(DIVISOR);
    if 10 * rounded * denominator < 9 * numerator {
        rounded + DIVISOR
    } else {
        rounded
    }
}

fn conv_norm_activation(
    net: &mut Builder,
    name: &str,
    from: usize,
    conv: Conv,
) -> Result<usize, Misfit> {
    let mut at = net.conv(&format!("{name}.0"), from, conv)?;
    at = net.norm(&format!("{name}.1"), at);
    Ok(net.activation(at))
}

/// Expands, convolves each channel by itself, projects without activation; the input is
/// added where the shape stays.
fn inverted_residual(
    net: &mut Builder,
    name: &str,
    from: usize,
    [expansion, out, stride]: [usize; 3],
) -> Result<usize, Misfit> {
    let into = net.output(from)[0];
    let hidden = into * expansion;
    let mut at = from;
    let mut place = 0;
    if expansion != 1 {
        let expand = Conv::new(hidden, 1, 1);
        at = conv_norm_activation(net, &format!("{name}.conv.{place}"), at, expand)?;
        place += 1;
    }
    let depthwise = Conv {
        groups: hidden,
        ..Conv::new(hidden, 3, stride)
    };
    at = conv_norm_activation(net, &format!("{name}.conv.{place}"), at, depthwise)?;
    let project = Conv::new(out, 1, 1);
    at = net.conv(&format!("{name}.conv.{}", place + 1), at, project)?;
    at = net.norm(&format!("{name}.conv.{}", place + 2), at);
    if stride == 1 && into == out {
        Ok(net.add(at, from))
    } else {
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision's `_make_divisible`, as it computes: in floating point.
    #[test]
    fn channels_are_rounded_as_torchvision_rounds_them() {
        let published = |value: f64| {
            let rounded = ((value + 4.0) as i64 / 8 * 8).max(8);
            if (rounded as f64) < 0.9 * value {
                rounded + 8
            } else {
                rounded
            }
        };
        for width in (8..=256).step_by(8) {
            for channels in [16, 24, 32, 64, 96, 160, 320, 1280] {
                let multiplier = width as f64 / 32.0;
                let expect = published(channels as f64 * multiplier);
                assert_eq!(divisible(channels * width, 32) as i64, expect);
            }
        }
    }
}
