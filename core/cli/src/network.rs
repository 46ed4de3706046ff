//! The network options of the commands that need no study.
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use jackpot_net::{Activation, Block, Family, Network, Stem};

/// A network of one's own weights, masks or counts.
#[derive(clap::Args)]
pub struct NetworkChoice {
    /// A family with `--depth`, or a name such as `resnet32`, `vgg16`, `wrn-28-10`, `lenet-5`;
    /// `resnet18`, `resnet34` and `resnet50` are the ImageNet networks
    #[arg(long)]
    network: String,
    /// Number of classes
    #[arg(long)]
    classes: u32,
    #[command(flatten)]
    options: NetworkOptions,
}

impl NetworkChoice {
    pub fn build(&self) -> Result<Network> {
        let choice = named(&self.network).context("`--network`")?;
        self.options
            .build(choice, Some(self.classes))
            .context("`--network`")
    }
}

/// What can be said of a network beside its name and classes.
#[derive(clap::Args)]
pub struct NetworkOptions {
    /// Layers, if the name does not say it
    #[arg(long)]
    depth: Option<u32>,
    /// Width of the first stage [default: as published, 32 for `resnet`; `jackpot list` has all]
    #[arg(long)]
    width: Option<u32>,
    /// Widen factor of a `wrn`: a width of 16 times as much
    #[arg(long)]
    widen: Option<u32>,
    /// Channels, height and width of an image [default: the family's; 3x32x32 for CIFAR's]
    #[arg(long, value_name = "CxHxW")]
    input: Option<String>,
    /// Blocks of a `resnet` [default: published, which is basic below depth 54]
    #[arg(long)]
    block: Option<BlockName>,
    /// Beginning of `resnet-imagenet` or `mobilenetv2` [default: imagenet]
    #[arg(long)]
    stem: Option<StemName>,
    /// relu, tanh or softplus [default: relu]
    #[arg(long)]
    activation: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum BlockName {
    Published,
    Basic,
    Bottleneck,
}

#[derive(Clone, Copy, ValueEnum)]
enum StemName {
    Imagenet,
    Small,
}

impl NetworkOptions {
    /// Whether any was given.
    pub fn any(&self) -> bool {
        let numbers = [self.depth, self.width, self.widen];
        let texts = [&self.input, &self.activation];
        numbers.iter().any(Option::is_some)
            || texts.iter().any(|text| text.is_some())
            || self.block.is_some()
            || self.stem.is_some()
    }

    /// The network of that name with these options over it.
    pub fn build(
        &self,
        mut choice: jackpot_net::NetworkChoice,
        classes: Option<u32>,
    ) -> Result<Network> {
        choice.depth = agreed("depth", choice.depth, self.depth)?;
        choice.widen = agreed("widen", choice.widen, self.widen)?;
        choice.width = self.width;
        choice.classes = classes;
        choice.input = self.input.as_deref().map(shape).transpose()?;
        choice.activation = match self.activation.as_deref() {
            None | Some("relu") => Activation::Relu,
            Some("tanh") => Activation::Tanh,
            Some("softplus") => Activation::Softplus,
            Some(other) => {
                bail!("`--activation`: expected relu, tanh or softplus, found `{other}`")
            }
        };
        choice.block = match self.block {
            None | Some(BlockName::Published) => Block::Published,
            Some(BlockName::Basic) => Block::Basic,
            Some(BlockName::Bottleneck) => Block::Bottleneck,
        };
        choice.stem = match self.stem {
            None | Some(StemName::Imagenet) => Stem::Imagenet,
            Some(StemName::Small) => Stem::Small,
        };
        let facts = choice.family.facts();
        if choice.depth.is_none() && facts.only_depth.is_none() {
            bail!(
                "expected `--depth`, or a depth in the name ({}), found neither",
                facts.depths
            );
        }
        Ok(choice.architecture()?.build()?)
    }
}

/// The network of a name, or an error with the nearest one.
pub fn named(name: &str) -> Result<jackpot_net::NetworkChoice> {
    if let Some(choice) = jackpot_net::NetworkChoice::named(name) {
        return Ok(choice);
    }
    let families: Vec<&str> = Family::ALL.into_iter().map(Family::name).collect();
    let before_depth = name.split(|c: char| c.is_ascii_digit()).next();
    let letters = before_depth.unwrap_or(name).trim_end_matches('-');
    let hint = jackpot_study::nearest(name, families.iter().copied())
        .or_else(|| jackpot_study::nearest(letters, families.iter().copied()))
        .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    bail!(
        "expected a family ({}), with or without its depth, found `{name}`{hint}",
        families.join(", ")
    )
}

/// What the name and an option say of one thing.
fn agreed(option: &str, named: Option<u32>, given: Option<u32>) -> Result<Option<u32>> {
    match (named, given) {
        (Some(named), Some(given)) if named != given => {
            bail!("the name says {option} {named} and `--{option} {given}` disagrees")
        }
        _ => Ok(named.or(given)),
    }
}

fn shape(text: &str) -> Result<[u32; 3]> {
    let parts: Vec<u32> = text
        .split('x')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("`--input`: expected `3x32x32`, found `{text}`"))?;
    match parts.as_slice() {
        [c, h, w] => Ok([*c, *h, *w]),
        _ => bail!("`--input`: expected `3x32x32`, found `{text}`"),
    }
}
