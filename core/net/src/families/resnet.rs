//! The CIFAR ResNet as published (`models/resnet.py`; He et al. 2016): a 3×3 convolution,
//! three stages of n blocks with widths w, 2w, 4w, global average pooling, one linear layer.
//!
//! n = (depth − 2) / 6 for both kinds of block, as the published code has it: its
//! "ResNet-56" has nine bottlenecks a stage, hence 83 layers on the main path. Shortcuts
//! that change shape are projections; He et al. 2016 pads with zeros on CIFAR, so the
//! literature's totals lack two small convolutions and their normalisation.
//!
//! The ImageNet ResNet is made of the same blocks.

use crate::families::builder::{Builder, Conv, Misfit};
use crate::network::architecture::Architecture;
use crate::network::family::{Block, Stem};
use crate::network::graph::Network;

/// From this depth on, the published code's blocks are bottlenecks.
const BOTTLENECK_FROM: u32 = 54;
/// Channels that a bottleneck gives for each of its width.
const EXPANSION: usize = 4;

/// Convolution blocks of each stage of the ImageNet networks: torchvision's table.
const IMAGENET: [(u32, [usize; 4], Make); 3] = [
    (18, [2, 2, 2, 2], basic_block),
    (34, [3, 4, 6, 3], basic_block),
    (50, [3, 4, 6, 3], bottleneck),
];

/// Builds one block: network, name, node, width, stride.
type Make = fn(&mut Builder, &str, usize, usize, usize) -> Result<usize, Misfit>;

pub(crate) fn build(architecture: &Architecture) -> Result<Network, Misfit> {
    let depth = architecture.depth;
    let blocks = blocks_per_stage(depth)?;
    let width = architecture.width as usize;
    let block = match architecture.block {
        Block::Basic => basic_block,
        Block::Bottleneck => bottleneck,
        Block::Published if depth < BOTTLENECK_FROM => basic_block,
        Block::Published => bottleneck,
    };
    let mut net = Builder::new(architecture);
    let at = begin(&mut net, Conv::new(width, 3, 1))?;
    let at = stages(&mut net, at, width, &[blocks; 3], block)?;
    Ok(net.pool_and_classify("fc", at))
}

/// The ImageNet ResNet with torchvision's names (`torchvision/models/resnet.py`): a 7×7
/// convolution of stride 2 and a 3×3 max-pooling of stride 2, or the stem for small images;
/// four stages with widths w, 2w, 4w, 8w. A bottleneck's stride lies on its 3×3 convolution.
pub(crate) fn build_imagenet(architecture: &Architecture) -> Result<Network, Misfit> {
    let (blocks, block) = imagenet_stages(architecture.depth)?;
    let width = architecture.width as usize;
    let mut net = Builder::new(architecture);
    let at = match architecture.stem {
        Stem::Imagenet => {
            let at = begin(&mut net, Conv::new(width, 7, 2))?;
            net.max_pool("maxpool", at, [3, 2, 1])?
        }
        Stem::Small => begin(&mut net, Conv::new(width, 3, 1))?,
    };
    let at = stages(&mut net, at, width, &blocks, block)?;
    Ok(net.pool_and_classify("fc", at))
}

fn begin(net: &mut Builder, first: Conv) -> Result<usize, Misfit> {
    let mut at = net.conv("conv1", 0, first)?;
    at = net.norm("bn1", at);
    Ok(net.activation(at))
}

/// Each stage but the first begins with stride 2 and is twice as wide as the one before.
fn stages(
    net: &mut Builder,
    mut at: usize,
    width: usize,
    blocks: &[usize],
    block: Make,
) -> Result<usize, Misfit> {
    for (stage, &blocks) in blocks.iter().enumerate() {
        for index in 0..blocks {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("layer{}.{index}", stage + 1);
            net.block += 1;
            at = block(net, &name, at, width << stage, stride)?;
        }
    }
    Ok(at)
}

fn imagenet_stages(depth: u32) -> Result<([usize; 4], Make), Misfit> {
    let near = |(known, ..): &&(u32, [usize; 4], Make)| known.abs_diff(depth);
    let nearest = IMAGENET.iter().min_by_key(near);
    let (known, blocks, block) = nearest.expect("the table of depths is not empty");
    if *known == depth {
        return Ok((*blocks, *block));
    }
    Err(Misfit::Size(format!(
        "network `depth`: a resnet-imagenet has depth 18, 34 or 50, found {depth}; the nearest is {known} (a CIFAR ResNet is a `resnet`)"
    )))
}

fn blocks_per_stage(depth: u32) -> Result<usize, Misfit> {
    if depth >= 8 && (depth - 2).is_multiple_of(6) {
        return Ok((depth as usize - 2) / 6);
    }
    let nearest = ((depth.saturating_sub(2) + 3) / 6).max(1) * 6 + 2;
    Err(Misfit::Size(format!(
        "network `depth`: a resnet has depth 6n+2 (8, 14, 20, ...), found {depth}; the nearest is {nearest}"
    )))
}

fn basic_block(
    net: &mut Builder,
    name: &str,
    from: usize,
    width: usize,
    stride: usize,
) -> Result<usize, Misfit> {
    let mut at = net.conv(&format!("{name}.conv1"), from, Conv::new(width, 3, stride))?;
    at = net.norm(&format!("{name}.bn1"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv2"), at, Conv::new(width, 3, 1))?;
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
    let mut at = net.conv(&format!("{name}.conv1"), from, Conv::new(width, 1, 1))?;
    at = net.norm(&format!("{name}.bn1"), at);
    at = net.activation(at);
    at = net.conv(&format!("{name}.conv2"), at, Conv::new(width, 3, stride))?;
    at = net.norm(&format!("{name}.bn2"), at);
    at = net.activation(at);
    at = net.conv(
        &format!("{name}.conv3"),
        at,
        Conv::new(width * EXPANSION, 1, 1),
    )?;
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
            ..Conv::new(out, 1, stride)
        };
        shortcut = net.conv(&format!("{name}.downsample.0"), from, projection)?;
        shortcut = net.norm(&format!("{name}.downsample.1"), shortcut);
    }
    let sum = net.add(main, shortcut);
    Ok(net.activation(sum))
}
