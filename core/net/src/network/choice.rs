//! A network as people ask for it: a family or a paper's name, and only what differs from
//! the published one.

use crate::network::family::WRN_FIRST_CHANNELS;
use crate::{Activation, Architecture, Block, Error, Family, Stem};

/// What a study file or a command line says of a network; what is `None` is as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkChoice {
    /// Which kind of network.
    pub family: Family,
    /// Needed where the family has several.
    pub depth: Option<u32>,
    /// Width of the first stage.
    pub width: Option<u32>,
    /// Widen factor of a `wrn`: another way to say its width.
    pub widen: Option<u32>,
    /// Number of logits.
    pub classes: Option<u32>,
    /// Channels, height, width of an image.
    pub input: Option<[u32; 3]>,
    /// The non-linearity.
    pub activation: Activation,
    /// What the blocks of a `resnet` are.
    pub block: Block,
    /// How a network made for ImageNet begins.
    pub stem: Stem,
}

/// Depths whose plain `resnet` name means the ImageNet network.
const IMAGENET_DEPTHS: [u32; 3] = [18, 34, 50];

impl NetworkChoice {
    /// The published network of that family.
    pub fn of(family: Family) -> NetworkChoice {
        NetworkChoice {
            family,
            depth: None,
            width: None,
            widen: None,
            classes: None,
            input: None,
            activation: Activation::default(),
            block: Block::default(),
            stem: Stem::default(),
        }
    }

    /// Reads a name: a family's (`resnet`), one with its depth (`resnet32`, `vgg-16`,
    /// `wrn-28-10` with the widen factor), or `resnet18`, `resnet34` and `resnet50`, which
    /// are the ImageNet networks. `None` if there is no such name.
    ///
    /// ```
    /// # use jackpot_net::{Family, NetworkChoice};
    /// let choice = NetworkChoice::named("wrn-28-10").expect("a name");
    /// assert_eq!((choice.depth, choice.widen), (Some(28), Some(10)));
    /// let choice = NetworkChoice::named("resnet50").expect("a name");
    /// assert_eq!(choice.family, Family::ResnetImagenet);
    /// assert_eq!(NetworkChoice::named("alexnet"), None);
    /// ```
    pub fn named(name: &str) -> Option<NetworkChoice> {
        let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
        let wanted = plain(name);
        if let Some(family) = Family::ALL.into_iter().find(|f| plain(f.name()) == wanted) {
            return Some(NetworkChoice::of(family));
        }
        // The longest family name that begins it, so that `resnet-imagenet-50` is no `resnet`.
        let begins = |family: &Family| {
            family.facts().only_depth.is_none() && wanted.starts_with(&plain(family.name()))
        };
        let longest = |family: &Family| family.name().len();
        let family = Family::ALL.into_iter().filter(begins).max_by_key(longest)?;
        let letters = plain(family.name()).len();
        let rest = name
            .char_indices()
            .filter(|(_, c)| !matches!(c, '-' | '_'))
            .nth(letters)
            .map(|(at, _)| &name[at..])?;
        let mut numbers = rest.split(['-', '_', 'x']).map(|text| match text.parse() {
            Ok(number) if text.starts_with(|c: char| c.is_ascii_digit()) => Some(number),
            _ => None,
        });
        let mut choice = NetworkChoice::of(family);
        choice.depth = Some(numbers.next()??);
        if let Some(widen) = numbers.next() {
            (family == Family::Wrn).then_some(())?;
            choice.widen = Some(widen?);
        }
        if family == Family::Resnet && IMAGENET_DEPTHS.map(Some).contains(&choice.depth) {
            choice.family = Family::ResnetImagenet;
        }
        numbers.next().is_none().then_some(choice)
    }

    /// The architecture, with everything that was not said as published. Its sizes are
    /// checked when it is built.
    ///
    /// # Errors
    /// No depth where the family has several; a widen factor for another family than `wrn`
    /// or that disagrees with the width.
    pub fn architecture(&self) -> Result<Architecture, Error> {
        let facts = self.family.facts();
        let Some(depth) = self.depth.or(facts.only_depth) else {
            return Error::invalid(format!(
                "network `depth`: a {} has depth {}, found none",
                facts.name, facts.depths
            ));
        };
        let input = match self.stem {
            Stem::Small => SMALL,
            Stem::Imagenet => facts.input,
        };
        Ok(Architecture {
            activation: self.activation,
            block: self.block,
            stem: self.stem,
            ..Architecture::new(
                self.family,
                depth,
                self.width()?,
                self.classes.unwrap_or(facts.classes),
                self.input.unwrap_or(input),
            )
        })
    }

    fn width(&self) -> Result<u32, Error> {
        let published = || self.width.unwrap_or(self.family.published_width());
        let Some(widen) = self.widen else {
            return Ok(published());
        };
        if self.family != Family::Wrn {
            return Error::invalid(format!(
                "network `widen`: only a `wrn` has a widen factor, found {widen} for a `{}`; use `width`, now {}",
                self.family.name(),
                published()
            ));
        }
        let width = widen.saturating_mul(WRN_FIRST_CHANNELS);
        match self.width {
            Some(given) if given != width => Error::invalid(format!(
                "network `widen`: {widen} is a width of {width}, but `width` is {given}; leave one out"
            )),
            _ => Ok(width),
        }
    }
}

/// The image of a stem for small images, if none is said: CIFAR's.
const SMALL: [u32; 3] = [3, 32, 32];
