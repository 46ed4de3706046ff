//! The handful of numbers that a study writes down of a network.

use crate::network::family::{Block, Family, Stem, WRN_FIRST_CHANNELS};
use serde::{Deserialize, Serialize};

/// The non-linearity. Everything published uses `relu`; `tanh` and `softplus` exist
/// because finite differences check derivatives only on a smooth network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(x, 0).
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// ln(1 + eˣ).
    Softplus,
}

/// Everything a network is a function of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Which kind of network.
    pub family: Family,
    /// As [`Facts::depths`](crate::Facts::depths) says.
    pub depth: u32,
    /// Width of the first stage, as [`Facts::width_is`](crate::Facts::width_is) says.
    pub width: u32,
    /// Number of logits.
    pub classes: u32,
    /// Channels, height, width of an image.
    pub input: [u32; 3],
    /// The non-linearity after every normalisation.
    #[serde(default)]
    pub activation: Activation,
    /// What the blocks of a `resnet` are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub block: Block,
    /// How a network made for ImageNet begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stem: Stem,
}

/// A field added after the first release is written only where it says something new.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Architecture {
    /// A network of any family with ReLU and whatever else is published. `input` is
    /// channels, height, width.
    pub fn new(
        family: Family,
        depth: u32,
        width: u32,
        classes: u32,
        input: [u32; 3],
    ) -> Architecture {
        Architecture {
            family,
            depth,
            width,
            classes,
            input,
            activation: Activation::Relu,
            block: Block::Published,
            stem: Stem::Imagenet,
        }
    }

    /// The published CIFAR ResNet, with ReLU. `input` is channels, height, width.
    pub fn resnet(depth: u32, width: u32, classes: u32, input: [u32; 3]) -> Architecture {
        Architecture::new(Family::Resnet, depth, width, classes, input)
    }

    /// The published VGG with batch normalisation, with ReLU. `input` is channels, height, width.
    pub fn vgg(depth: u32, width: u32, classes: u32, input: [u32; 3]) -> Architecture {
        Architecture::new(Family::Vgg, depth, width, classes, input)
    }

    /// As papers name it: `ResNet-32`, `WRN-28-10`, `LeNet-5`.
    pub fn title(&self) -> String {
        let facts = self.family.facts();
        let name = match facts.only_depth {
            Some(_) => facts.title.to_owned(),
            None => format!("{}-{}", facts.title, self.depth),
        };
        let with = match (self.block, self.stem) {
            (Block::Published, Stem::Imagenet) if self.family == Family::ResnetImagenet => {
                " for ImageNet"
            }
            (Block::Published, Stem::Imagenet) => "",
            (_, Stem::Small) => " for small images",
            (Block::Basic, _) => " of basic blocks",
            (Block::Bottleneck, _) => " of bottlenecks",
        };
        let widen = self.width / WRN_FIRST_CHANNELS;
        if self.family == Family::Wrn && self.width == widen * WRN_FIRST_CHANNELS {
            format!("{name}-{widen}")
        } else {
            format!("{name}{with}")
        }
    }
}
