//! The kinds of network, and what each is by default: one table that parsing, lists and
//! titles are read from.

use serde::{Deserialize, Serialize};

/// The kinds of network that can be built. A family's text in a study file is its
/// [`Family::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// He et al. 2016, for CIFAR: three stages; see [`Block`] for what a block is.
    Resnet,
    /// Simonyan and Zisserman 2015 with batch normalisation and one linear layer.
    Vgg,
    /// Zagoruyko and Komodakis 2016: pre-activation blocks, a first convolution of 16.
    Wrn,
    /// He et al. 2016, for ImageNet: four stages, torchvision's names; see [`Stem`].
    #[serde(rename = "resnet-imagenet")]
    ResnetImagenet,
    /// LeCun et al. 1998: three linear layers of 300, 100 and the classes.
    #[serde(rename = "lenet-300-100")]
    Lenet300,
    /// The pruning literature's LeNet-5: two convolutions of 20 and 50, two linear layers.
    #[serde(rename = "lenet-5")]
    Lenet5,
    /// Sandler et al. 2018: inverted residuals with depthwise convolutions; see [`Stem`].
    MobilenetV2,
}

/// What the blocks of a [`Family::Resnet`] are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Block {
    /// As the published code has it: basic blocks, from depth 54 on bottlenecks.
    #[default]
    Published,
    /// Two 3×3 convolutions: what the literature means by ResNet-56 and ResNet-110.
    Basic,
    /// 1×1, 3×3, 1×1, the last four times as wide.
    Bottleneck,
}

impl Block {
    /// Its name in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Block::Published => "published",
            Block::Basic => "basic",
            Block::Bottleneck => "bottleneck",
        }
    }
}

/// How a network made for ImageNet begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// As published, for images of 224×224.
    #[default]
    Imagenet,
    /// As usual for small images: a 3×3 convolution of stride 1 and no pooling
    /// (`resnet-imagenet`); the first convolution and the second stage of stride 1
    /// (`mobilenetv2`).
    Small,
}

impl Stem {
    /// Its name in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Stem::Imagenet => "imagenet",
            Stem::Small => "small",
        }
    }
}

/// What is the same for every network of a family.
pub struct Facts {
    /// As study files, `--network` and plugins spell it.
    pub name: &'static str,
    /// As papers spell it, before the depth.
    pub title: &'static str,
    /// Width of the first stage as published.
    pub width: u32,
    /// What `width` counts.
    pub width_is: &'static str,
    /// Which depths there are, in words.
    pub depths: &'static str,
    /// The depth of a family that has only one: its convolutions and linear layers.
    pub only_depth: Option<u32>,
    /// Channels, height and width of the images that it was made for.
    pub input: [u32; 3],
    /// Classes that it was made for.
    pub classes: u32,
    /// Whose parameter names and first weights these are.
    pub code: &'static str,
}

impl Family {
    /// Every family, in the order of a list for people.
    pub const ALL: [Family; 7] = [
        Family::Resnet,
        Family::Vgg,
        Family::Wrn,
        Family::ResnetImagenet,
        Family::Lenet300,
        Family::Lenet5,
        Family::MobilenetV2,
    ];

    /// The family of that [`Family::name`].
    pub fn named(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.name() == name)
    }

    /// As study files, `--network` and plugins spell it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Width of the first stage as published.
    pub fn published_width(self) -> u32 {
        self.facts().width
    }

    /// Whether [`Block`] can be chosen.
    pub fn has_block(self) -> bool {
        self == Family::Resnet
    }

    /// Whether [`Stem`] can be chosen.
    pub fn has_stem(self) -> bool {
        matches!(self, Family::ResnetImagenet | Family::MobilenetV2)
    }

    /// What is the same for every network of this family.
    pub fn facts(self) -> &'static Facts {
        match self {
            Family::Resnet => &RESNET,
            Family::Vgg => &VGG,
            Family::Wrn => &WRN,
            Family::ResnetImagenet => &RESNET_IMAGENET,
            Family::Lenet300 => &LENET_300_100,
            Family::Lenet5 => &LENET_5,
            Family::MobilenetV2 => &MOBILENET_V2,
        }
    }
}

/// Channels of the first convolution of a `wrn`, and of a first stage whose widen factor is 1.
pub(crate) const WRN_FIRST_CHANNELS: u32 = 16;

const CIFAR: [u32; 3] = [3, 32, 32];
const IMAGENET: [u32; 3] = [3, 224, 224];
const MNIST: [u32; 3] = [1, 28, 28];

const RESNET: Facts = Facts {
    name: "resnet",
    title: "ResNet",
    width: 32,
    width_is: "channels of the first stage (the literature's totals are of 16)",
    depths: "6n+2: 20, 32, 44, 56, 110, …",
    only_depth: None,
    input: CIFAR,
    classes: 10,
    code: "JingtongSu/sanity-checking-pruning",
};

const VGG: Facts = Facts {
    name: "vgg",
    title: "VGG",
    width: 64,
    width_is: "channels of the first stage",
    depths: "11, 13, 16 or 19",
    only_depth: None,
    input: CIFAR,
    classes: 10,
    code: "JingtongSu/sanity-checking-pruning",
};

const WRN: Facts = Facts {
    name: "wrn",
    title: "WRN",
    width: 160,
    width_is: "channels of the first stage, 16 times the widen factor",
    depths: "6n+4: 10, 16, 22, 28, 40, …",
    only_depth: None,
    input: CIFAR,
    classes: 10,
    code: "xternalz/WideResNet-pytorch",
};

const RESNET_IMAGENET: Facts = Facts {
    name: "resnet-imagenet",
    title: "ResNet",
    width: 64,
    width_is: "channels of the first stage",
    depths: "18, 34 or 50",
    only_depth: None,
    input: IMAGENET,
    classes: 1000,
    code: "torchvision",
};

const LENET_300_100: Facts = Facts {
    name: "lenet-300-100",
    title: "LeNet-300-100",
    width: 300,
    width_is: "outputs of the first layer, three times those of the second",
    depths: "3",
    only_depth: Some(3),
    input: MNIST,
    classes: 10,
    code: "mightydeveloper/Deep-Compression-PyTorch",
};

const LENET_5: Facts = Facts {
    name: "lenet-5",
    title: "LeNet-5",
    width: 20,
    width_is: "channels of the first layer; then 2.5 times and 25 times as many",
    depths: "4",
    only_depth: Some(4),
    input: MNIST,
    classes: 10,
    code: "the MNIST example of PyTorch 1.0, after Caffe's lenet",
};

const MOBILENET_V2: Facts = Facts {
    name: "mobilenetv2",
    title: "MobileNetV2",
    width: 32,
    width_is: "channels of the first convolution, 32 times the width multiplier, a multiple of 8",
    depths: "53",
    only_depth: Some(53),
    input: IMAGENET,
    classes: 1000,
    code: "torchvision, without its dropout",
};
