//! VGG with batch normalisation as published (`models/vgg.py`): 3×3 convolutions with
//! bias, four max-poolings, global average pooling, one linear layer.
//!
//! The published code pools 2×2 for 10 and 100 classes and 4×4 otherwise, which is the
//! whole map at its image sides, 32 and 64; global pooling is the same there.

use crate::families::builder::{Builder, Conv, Misfit};
use crate::network::architecture::Architecture;
use crate::network::graph::Network;

/// Convolutions of each stage: configurations A, B, D and E.
const STAGES: [(u32, [usize; 5]); 4] = [
    (11, [1, 1, 2, 2, 2]),
    (13, [2, 2, 2, 2, 2]),
    (16, [2, 2, 3, 3, 3]),
    (19, [2, 2, 4, 4, 4]),
];
/// Width of each stage for each of the first.
const WIDENING: [usize; 5] = [1, 2, 4, 8, 8];

pub(crate) fn build(architecture: &Architecture) -> Result<Network, Misfit> {
    let stages = stages(architecture.depth)?;
    let mut net = Builder::new(architecture);
    let mut at = 0;
    // Place in the published `features` sequence, which counts every module.
    let mut place = 0;
    for (stage, (convolutions, widening)) in stages.into_iter().zip(WIDENING).enumerate() {
        if stage > 0 {
            at = net.max_pool(&format!("features.{place}"), at, [2, 2, 0])?;
            place += 1;
        }
        for _ in 0..convolutions {
            let width = architecture.width as usize * widening;
            let conv = Conv {
                bias: true,
                ..Conv::new(width, 3, 1)
            };
            at = net.conv(&format!("features.{place}"), at, conv)?;
            at = net.norm(&format!("features.{}", place + 1), at);
            at = net.activation(at);
            place += 3;
        }
    }
    Ok(net.pool_and_classify("classifier", at))
}

fn stages(depth: u32) -> Result<[usize; 5], Misfit> {
    if let Some((_, stages)) = STAGES.iter().find(|(known, _)| *known == depth) {
        return Ok(*stages);
    }
    let (nearest, _) = STAGES
        .iter()
        .min_by_key(|(known, _)| known.abs_diff(depth))
        .expect("the table of depths is not empty");
    Err(Misfit::Size(format!(
        "network `depth`: a vgg has depth 11, 13, 16 or 19, found {depth}; the nearest is {nearest}"
    )))
}
