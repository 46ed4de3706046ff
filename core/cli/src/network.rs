//! The network options of the commands that need no study.
use anyhow::{Context, Result, bail};
use jackpot_net::{Activation, Architecture, Family, Network};

#[derive(clap::Args)]
pub struct NetworkChoice {
    /// `resnet` or `vgg` with `--depth`, or `resnet32`, `vgg16`, …
    #[arg(long)]
    network: String,
    /// Layers, if the name does not say it
    #[arg(long)]
    depth: Option<u32>,
    /// Width of the first stage [default: as published: 32 (resnet), 64 (vgg)]
    #[arg(long)]
    width: Option<u32>,
    /// Number of classes
    #[arg(long)]
    classes: u32,
    /// Channels, height and width of an image
    #[arg(long, default_value = "3x32x32", value_name = "CxHxW")]
    input: String,
    /// relu, tanh or softplus
    #[arg(long, default_value = "relu")]
    activation: String,
}

impl NetworkChoice {
    pub fn build(&self) -> Result<Network> {
        let (family, depth) = self.family()?;
        let architecture = Architecture {
            family,
            depth,
            width: self
                .width
                .unwrap_or_else(|| jackpot_study::published_width(family)),
            classes: self.classes,
            input: self.shape()?,
            activation: match self.activation.as_str() {
                "relu" => Activation::Relu,
                "tanh" => Activation::Tanh,
                "softplus" => Activation::Softplus,
                other => bail!("`--activation`: expected relu, tanh or softplus, found `{other}`"),
            },
        };
        architecture.build().context("`--network`")
    }

    fn family(&self) -> Result<(Family, u32)> {
        let (family, rest) = if let Some(rest) = self.network.strip_prefix("resnet") {
            (Family::Resnet, rest)
        } else if let Some(rest) = self.network.strip_prefix("vgg") {
            (Family::Vgg, rest)
        } else {
            bail!(
                "`--network`: expected `resnet` or `vgg`, with or without a depth, found `{}`",
                self.network
            );
        };
        let named = match rest {
            "" => None,
            digits => Some(
                digits
                    .parse::<u32>()
                    .with_context(|| format!("`--network`: expected a depth, found `{digits}`"))?,
            ),
        };
        match (named, self.depth) {
            (Some(a), Some(b)) if a != b => {
                bail!("`--network {}` and `--depth {b}` disagree", self.network)
            }
            (Some(depth), _) | (None, Some(depth)) => Ok((family, depth)),
            (None, None) => bail!("expected `--depth`, or a depth in `--network`, found neither"),
        }
    }

    fn shape(&self) -> Result<[u32; 3]> {
        let parts: Vec<u32> = self
            .input
            .split('x')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("`--input`: expected `3x32x32`, found `{}`", self.input))?;
        match parts.as_slice() {
            [c, h, w] => Ok([*c, *h, *w]),
            _ => bail!("`--input`: expected `3x32x32`, found `{}`", self.input),
        }
    }
}
