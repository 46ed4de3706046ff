//! The CIFAR ResNet as published (`models/resnet.py`; He et al. 2016): a 3×3 convolution,
//! three stages of n blocks with widths w, 2w, 4w, global average pooling, one linear layer.
//!
//! n = (depth − 2) / 6 for both kinds of block, as the published code has it: its
//! "ResNet-56" has nine bottlenecks a stage, hence 83 layers on the main path.

use crate::architecture::{Architecture, Network};
use crate::builder::{Builder, Conv, Misfit};

/// From this depth on, blocks are bottlenecks.
const BOTTLENECK_FROM: u32 = 54;
/// Channels that a bottleneck gives for each of its width.
const EXPANSION: usize = 4;

pub(crate) fn build(architecture: &Architecture) -> Result<Network, Misfit> {
    let depth = architecture.depth;
    let blocks = blocks_per_stage(depth)?;
    let width = architecture.width as usize;
    let block = if depth < BOTTLENECK_FROM {
        basic_block
    } else {
        bottleneck
    };

    let mut net = Builder::new(architecture);
    let mut at = net.conv("conv1", 0, conv(width, 3, 1))?;
    at = net.norm("bn1", at);
    at = net.activation(at);
    for stage in 1..=3 {
        for index in 0..blocks {
            let stride = if stage > 1 && index == 0 { 2 } else { 1 };
            let name = format!("layer{stage}.{index}");
            net.block += 1;
            at = block(&mut net, &name, at, width << (stage - 1), stride)?;
        }
    }
    Ok(net.classify("fc", at))
}

fn blocks_per_stage(depth: u32) -> Result<u32, Misfit> {
    if depth >= 8 && (depth - 2).is_multiple_of(6) {
        return Ok((depth - 2) / 6);
    }
    let nearest = ((depth.saturating_sub(2) + 3) / 6).max(1) * 6 + 2;
    Err(Misfit::Depth(format!(
        "network `depth`: a resnet has depth 6n+2 (8, 14, 20, ...), found {depth}; the nearest is {nearest}"
    )))
}

fn conv(out: usize, kernel: usize, stride: usize) -> Conv {
    Conv {
        out,
        kernel,
        stride,
        bias: false,
        shortcut: false,
    }
}

fn basic_block(
    net: &mut Builder,
    name: &str,
    from: usize,
    width: usize,
    stride: usize,
) -> Result<usize, Misfit> {
    let mut at = net.conv(&format!("{name}.conv1"), from, conv(width, 3, stride))?;
    at = net.norm(&format!("{name}.bn1"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv2"), at, conv(width, 3, 1))?;
    at = net.norm(&format!("{name}.bn2"), at);
    close(net, name, from, at, stride)
}

fn bottleneck(
    net: &mut Builder,
    name: &str,
    from: usize,
    width: usize,
    stride: usize,
) -> Result<usize, Misfit> {
    let mut at = net.conv(&format!("{name}.conv1"), from, conv(width, 1, 1))?;
    at = net.norm(&format!("{name}.bn1"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv2"), at, conv(width, 3, stride))?;
    at = net.norm(&format!("{name}.bn2"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv3"), at, conv(width * EXPANSION, 1, 1))?;
    at = net.norm(&format!("{name}.bn3"), at);
    close(net, name, from, at, stride)
}

/// Adds the shortcut, projected where the shape changes.
fn close(
    net: &mut Builder,
    name: &str,
    from: usize,
    main: usize,
    stride: usize,
) -> Result<usize, Misfit> {
    let out = net.output(main)[0];
    let mut shortcut = from;
    if stride != 1 || net.output(from)[0] != out {
        let projection = Conv {
            shortcut: true,
            ..conv(out, 1, stride)
        };
        shortcut = net.conv(&format!("{name}.downsample.0"), from, projection)?;
        shortcut = net.norm(&format!("{name}.downsample.1"), shortcut);
    }
    let sum = net.add(main, shortcut);
    Ok(net.activation(sum))
}
