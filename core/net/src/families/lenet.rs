//! The two small networks of the pruning literature (LeCun et al. 1998 as Han et al. 2015
//! use them), without normalisation.
//!
//! LeNet-300-100 is `fc1`, `fc2`, `fc3` (the names of mightydeveloper/Deep-Compression-PyTorch).
//! LeNet-5 is the larger one of Caffe's example: 5×5 convolutions of 20 and 50 channels
//! without padding, each followed by the activation and a 2×2 max-pooling, then linear
//! layers of 500 and the classes (`conv1`, `conv2`, `fc1`, `fc2` as in PyTorch's MNIST
//! example): 431,080 parameters on 28×28.

use crate::families::builder::{Builder, Conv, Misfit};
use crate::network::architecture::Architecture;
use crate::network::graph::Network;

pub(crate) fn build_300_100(architecture: &Architecture) -> Result<Network, Misfit> {
    let width = architecture.width as usize;
    let mut net = Builder::new(architecture);
    let mut at = net.linear("fc1", 0, width);
    at = net.activation(at);
    at = net.linear("fc2", at, width.div_ceil(3));
    at = net.activation(at);
    Ok(net.classify("fc3", at))
}

pub(crate) fn build_5(architecture: &Architecture) -> Result<Network, Misfit> {
    let width = architecture.width as usize;
    let mut net = Builder::new(architecture);
    let mut at = 0;
    for (index, out) in [(1, width), (2, (width * 5).div_ceil(2))] {
        let conv = Conv {
            padding: 0,
            bias: true,
            ..Conv::new(out, 5, 1)
        };
        at = net.conv(&format!("conv{index}"), at, conv)?;
        at = net.activation(at);
        at = net.max_pool(&format!("pool{index}"), at, [2, 2, 0])?;
    }
    at = net.linear("fc1", at, width * 25);
    at = net.activation(at);
    Ok(net.classify("fc2", at))
}
