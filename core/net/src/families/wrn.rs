//! The Wide ResNet for CIFAR (Zagoruyko and Komodakis 2016) with the names of
//! xternalz/WideResNet-pytorch (`wideresnet.py`): a 3×3 convolution of 16 channels, three
//! stages of n = (depth − 4) / 6 pre-activation blocks with widths w, 2w, 4w, a last
//! normalisation, global average pooling, one linear layer. w is 16 times the widen factor.
//! Dropout, which the paper switches off for most of its results, is left out.

use crate::families::builder::{Builder, Conv, Misfit};
use crate::network::architecture::Architecture;
use crate::network::family::WRN_FIRST_CHANNELS;
use crate::network::graph::Network;

pub(crate) fn build(architecture: &Architecture) -> Result<Network, Misfit> {
    let blocks = blocks_per_stage(architecture.depth)?;
    let width = architecture.width as usize;
    let mut net = Builder::new(architecture);
    let mut at = net.conv("conv1", 0, Conv::new(WRN_FIRST_CHANNELS as usize, 3, 1))?;
    for stage in 0..3 {
        for index in 0..blocks {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("block{}.layer.{index}", stage + 1);
            net.block += 1;
            at = block(&mut net, &name, at, width << stage, stride)?;
        }
    }
    at = net.norm("bn1", at);
    at = net.activation(at);
    Ok(net.pool_and_classify("fc", at))
}

fn blocks_per_stage(depth: u32) -> Result<u32, Misfit> {
    if depth >= 10 && (depth - 4).is_multiple_of(6) {
        return Ok((depth - 4) / 6);
    }
    let nearest = ((depth.saturating_sub(4) + 3) / 6).max(1) * 6 + 4;
    Err(Misfit::Size(format!(
        "network `depth`: a wrn has depth 6n+4 (10, 16, 22, ...), found {depth}; the nearest is {nearest}"
    )))
}

/// Normalisation and activation come before each convolution. Where the width changes they
/// come before the shortcut too, which is then a projection; where it does not the shortcut
/// is the sum as it came.
fn block(
    net: &mut Builder,
    name: &str,
    from: usize,
    width: usize,
    stride: usize,
) -> Result<usize, Misfit> {
    let normed = net.norm(&format!("{name}.bn1"), from);
    let before = net.activation(normed);
    let conv = Conv::new(width, 3, stride);
    let mut at = net.conv(&format!("{name}.conv1"), before, conv)?;
    at = net.norm(&format!("{name}.bn2"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv2"), at, Conv::new(width, 3, 1))?;
    let mut shortcut = from;
    if net.output(from)[0] != width {
        let projection = Conv {
            shortcut: true,
            ..Conv::new(width, 1, stride)
        };
        shortcut = net.conv(&format!("{name}.convShortcut"), before, projection)?;
    }
    Ok(net.add(at, shortcut))
}
