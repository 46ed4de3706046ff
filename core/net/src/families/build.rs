//! From an architecture to its network, or to what does not fit.

use crate::families::builder::Misfit;
use crate::families::{lenet, mobilenet, resnet, vgg, wrn};
use crate::network::family::{Block, Family, Stem};
use crate::{Architecture, Error, Network};

/// Larger numbers are refused: they are typing errors, and sizes stay inside 64 bits.
const LARGEST: [(&str, u32); 6] = [
    ("depth", 1202),
    ("width", 1024),
    ("classes", 1_000_000),
    ("input channels", 4096),
    ("input height", 4096),
    ("input width", 4096),
];

/// A network with more weights than this is a typing error too.
const MOST_WEIGHTS: u64 = 1 << 31;

/// Where the search for the smallest image that fits ends: no family needs more.
const LARGEST_ADVICE: u32 = 256;

impl Architecture {
    /// Builds the network, or says which field or layer does not fit.
    pub fn build(&self) -> Result<Network, Error> {
        self.check_sizes()?;
        self.check_choices()?;
        let network = self
            .assemble()
            .or_else(|misfit| Error::invalid(misfit.explain(self)))?;
        let weights = network.prunable_weights();
        if weights > MOST_WEIGHTS {
            return Error::invalid(format!(
                "network `depth` and `width`: expected at most {MOST_WEIGHTS} prunable weights, found {weights}"
            ));
        }
        Ok(network)
    }

    /// The network of sizes that were checked.
    fn assemble(&self) -> Result<Network, Misfit> {
        match self.family {
            Family::Resnet => resnet::build(self),
            Family::Vgg => vgg::build(self),
            Family::Wrn => wrn::build(self),
            Family::ResnetImagenet => resnet::build_imagenet(self),
            Family::Lenet300 => lenet::build_300_100(self),
            Family::Lenet5 => lenet::build_5(self),
            Family::MobilenetV2 => mobilenet::build(self),
        }
    }

    fn check_sizes(&self) -> Result<(), Error> {
        let [channels, height, width] = self.input;
        let given = [
            self.depth,
            self.width,
            self.classes,
            channels,
            height,
            width,
        ];
        for ((field, largest), value) in LARGEST.into_iter().zip(given) {
            let smallest = if field == "classes" { 2 } else { 1 };
            if !(smallest..=largest).contains(&value) {
                return Error::invalid(format!(
                    "network `{field}`: expected {smallest} to {largest}, found {value}"
                ));
            }
        }
        Ok(())
    }

    /// Options that the family has, and its depth if there is only one.
    fn check_choices(&self) -> Result<(), Error> {
        let name = self.family.name();
        if self.block != Block::Published && !self.family.has_block() {
            return Error::invalid(format!(
                "network `block`: only a `resnet` has a choice of blocks, found `{}` for a `{name}`; leave it out",
                self.block.name()
            ));
        }
        if self.stem != Stem::Imagenet && !self.family.has_stem() {
            return Error::invalid(format!(
                "network `stem`: only `resnet-imagenet` and `mobilenetv2` have a choice of stems, found `{}` for a `{name}`; leave it out",
                self.stem.name()
            ));
        }
        match self.family.facts().only_depth {
            Some(only) if only != self.depth => Error::invalid(format!(
                "network `depth`: a {name} has depth {only}, found {}; leave it out",
                self.depth
            )),
            _ => Ok(()),
        }
    }
}

impl Misfit {
    /// The message, with the smallest square image that would do.
    fn explain(&self, architecture: &Architecture) -> String {
        let (layer, needs, map) = match self {
            Misfit::Size(message) => return message.clone(),
            Misfit::Map { layer, needs, map } => (layer, needs, map),
        };
        let [channels, height, width] = architecture.input;
        let fits = |side: &u32| {
            let input = [channels, *side, *side];
            let larger = Architecture {
                input,
                ..architecture.clone()
            };
            larger.assemble().is_ok()
        };
        let advice = match (1..=LARGEST_ADVICE).find(fits) {
            Some(side) => format!("; use images of at least {side}×{side} (`pad_to`)"),
            None => String::new(),
        };
        let stem = if architecture.family.has_stem() && architecture.stem == Stem::Imagenet {
            " or the stem `small`"
        } else {
            ""
        };
        format!(
            "layer `{layer}`: {needs}, but an image of {height}×{width} has shrunk to {}×{} there{advice}{stem}",
            map[0], map[1]
        )
    }
}
