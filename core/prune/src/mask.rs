//! Which weights are kept: one bit for each prunable weight.
//!
//! # The stored format
//!
//! All numbers little-endian, nothing between the fields and nothing after the last:
//!
//! | field | bytes |
//! |---|---|
//! | magic `JKPMASK1` | 8 |
//! | number of layers | u32, at least 1 |
//! | for each layer: length of the name, name, number of dimensions, dimensions | u16, UTF-8, u8 from 1 to 8, u64 each, at least 1 |
//! | for each layer in the same order: its bits | ⌈weights / 8⌉ |
//!
//! Weights are row-major; weight `i` of a layer is bit `i mod 8` (the lowest first) of its
//! byte `i div 8`; 1 is kept. Spare bits of a layer's last byte are 0, so that equal masks
//! are equal bytes. No name comes twice.

use crate::{Error, tensors::write_tensors};
use jackpot_net::{Layer, Network};
use safetensors::{Dtype, SafeTensors};

const MAGIC: &[u8; 8] = b"JKPMASK1";
const MOST_DIMENSIONS: u8 = 8;

/// The kept weights of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerMask {
    /// The layer's name in the state_dict.
    pub name: String,
    /// The shape of the layer's weight.
    pub shape: Vec<usize>,
    /// One entry for each weight, row-major: whether it is kept.
    pub kept: Vec<bool>,
}

impl LayerMask {
    /// Number of kept weights.
    pub fn count(&self) -> u64 {
        self.kept.iter().map(|&kept| u64::from(kept)).sum()
    }
}

/// Which weights of a network are kept, layer by layer in forward order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// One entry for each prunable layer.
    pub layers: Vec<LayerMask>,
}

impl Mask {
    /// The mask that keeps every weight.
    pub fn dense(network: &Network) -> Mask {
        let whole = |layer: &Layer| LayerMask {
            name: layer.name.clone(),
            shape: layer.shape.clone(),
            kept: vec![true; layer.len()],
        };
        Mask {
            layers: network.layers.iter().map(whole).collect(),
        }
    }

    /// The stored format: magic `JKPMASK1`, then names, shapes, bits (LSB first, spare bits 0).
    ///
    /// # Panics
    /// If a layer's `kept` has not one entry for each weight of its `shape`, or a name or
    /// shape is beyond the format's limits: no [`Network`] has such a layer.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let layers = u32::try_from(self.layers.len()).expect("fewer than 2^32 layers");
        bytes.extend(layers.to_le_bytes());
        for layer in &self.layers {
            let length = u16::try_from(layer.name.len()).expect("a name under 64 KiB");
            bytes.extend(length.to_le_bytes());
            bytes.extend(layer.name.as_bytes());
            let dimensions = u8::try_from(layer.shape.len()).expect("at most 8 dimensions");
            bytes.push(dimensions);
            for &side in &layer.shape {
                bytes.extend((side as u64).to_le_bytes());
            }
        }
        for layer in &self.layers {
            let weights: usize = layer.shape.iter().product();
            assert_eq!(
                layer.kept.len(),
                weights,
                "one bit a weight of `{}`",
                layer.name
            );
            bytes.extend(layer.kept.chunks(8).map(pack));
        }
        bytes
    }

    /// Refuses wrong magic, truncation, spare bits set, trailing bytes: names the byte.
    ///
    /// Allocates no more than eight times the input, whatever its header claims.
    pub fn from_bytes(bytes: &[u8]) -> Result<Mask, Error> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(8, "the magic `JKPMASK1`")? != MAGIC {
            return Error::invalid(
                "mask: byte 0: expected the magic `JKPMASK1`: this file is not a mask",
            );
        }
        let count = u32::from_le_bytes(reader.array("the number of layers")?);
        if count == 0 {
            return Error::invalid("mask: byte 8: expected at least one layer, found none");
        }
        let mut headers: Vec<Header> = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..count {
            let start = reader.at;
            let header = reader.header()?;
            if !names.insert(header.name.clone()) {
                return Error::invalid(format!(
                    "mask: byte {start}: layer `{}` comes twice",
                    header.name
                ));
            }
            headers.push(header);
        }
        let mut layers = Vec::with_capacity(headers.len());
        for header in headers {
            layers.push(reader.layer(header)?);
        }
        if reader.at < bytes.len() {
            return Error::invalid(format!(
                "mask: byte {}: expected the end, found {} bytes more",
                reader.at,
                bytes.len() - reader.at
            ));
        }
        Ok(Mask { layers })
    }

    /// u8 0/1 tensors under the layers' names, for Python.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let mut tensors = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let bytes = layer.kept.iter().map(|&kept| u8::from(kept)).collect();
            tensors.push((layer.name.clone(), Dtype::U8, layer.shape.clone(), bytes));
        }
        write_tensors(tensors)
    }

    /// The reverse of [`Mask::to_safetensors`]; also takes tensors of type bool. Exactly the
    /// network's layers, in any order; every value 0 or 1.
    pub fn from_safetensors(bytes: &[u8], network: &Network) -> Result<Mask, Error> {
        let file = SafeTensors::deserialize(bytes).or_else(|e| {
            Error::invalid(format!("mask: {}", jackpot_net::not_tensors(bytes, &e)))
        })?;
        let known = |name: &str| network.layers.iter().any(|layer| layer.name == name);
        let mut names = file.names();
        names.sort();
        if let Some(extra) = names.iter().find(|name| !known(name)) {
            return Error::invalid(format!("mask: the network has no layer `{extra}`"));
        }
        let read = |layer: &Layer| from_tensor(&file, layer);
        let layers = network.layers.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Mask { layers })
    }

    /// Names and shapes are this network's, in order.
    pub fn check(&self, network: &Network) -> Result<(), Error> {
        if self.layers.len() != network.layers.len() {
            return Error::invalid(format!(
                "mask: expected the network's {} layers, found {}",
                network.layers.len(),
                self.layers.len()
            ));
        }
        for (mask, layer) in self.layers.iter().zip(&network.layers) {
            if mask.name != layer.name || mask.shape != layer.shape {
                return Error::invalid(format!(
                    "mask: expected layer `{}` of shape {:?}, found `{}` of shape {:?}",
                    layer.name, layer.shape, mask.name, mask.shape
                ));
            }
            if mask.kept.len() != layer.len() {
                return Error::invalid(format!(
                    "mask: layer `{}`: expected {} entries, found {}",
                    layer.name,
                    layer.len(),
                    mask.kept.len()
                ));
            }
        }
        Ok(())
    }

    /// Kept weights, layer by layer.
    pub fn counts(&self) -> Vec<u64> {
        self.layers.iter().map(LayerMask::count).collect()
    }

    /// Kept weights of all layers.
    pub fn kept(&self) -> u64 {
        self.layers.iter().map(LayerMask::count).sum()
    }

    /// Kept and pruned weights of all layers.
    pub fn total(&self) -> u64 {
        self.layers
            .iter()
            .map(|layer| layer.kept.len() as u64)
            .sum()
    }

    /// Kept in both, layer by layer. Refuses masks of different layers.
    pub fn overlap(&self, other: &Mask) -> Result<Vec<u64>, Error> {
        let same = |a: &LayerMask, b: &LayerMask| a.name == b.name && a.shape == b.shape;
        let pairs = || self.layers.iter().zip(&other.layers);
        if self.layers.len() != other.layers.len() || !pairs().all(|(a, b)| same(a, b)) {
            return Error::invalid("mask overlap: the two masks are not of one network");
        }
        let both = |a: &LayerMask, b: &LayerMask| {
            let kept = a.kept.iter().zip(&b.kept);
            kept.map(|(&a, &b)| u64::from(a && b)).sum()
        };
        Ok(pairs().map(|(a, b)| both(a, b)).collect())
    }
}

fn pack(kept: &[bool]) -> u8 {
    let bits = kept.iter().enumerate();
    bits.fold(0, |byte, (place, &kept)| byte | u8::from(kept) << place)
}

fn from_tensor(file: &SafeTensors, layer: &Layer) -> Result<LayerMask, Error> {
    let name = &layer.name;
    let tensor = file
        .tensor(name)
        .or_else(|_| Error::invalid(format!("mask: layer `{name}` is missing")))?;
    if !matches!(tensor.dtype(), Dtype::U8 | Dtype::BOOL) || tensor.shape() != layer.shape {
        return Error::invalid(format!(
            "mask: layer `{name}`: expected U8 of shape {:?}, found {:?} of shape {:?}",
            layer.shape,
            tensor.dtype(),
            tensor.shape()
        ));
    }
    if let Some(place) = tensor.data().iter().position(|&value| value > 1) {
        return Error::invalid(format!(
            "mask: layer `{name}`: expected 0 or 1, found {} at weight {place}",
            tensor.data()[place]
        ));
    }
    Ok(LayerMask {
        name: name.clone(),
        shape: layer.shape.clone(),
        kept: tensor.data().iter().map(|&value| value == 1).collect(),
    })
}

struct Header {
    name: String,
    shape: Vec<usize>,
    weights: usize,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.at..];
        if rest.len() < n {
            return Error::invalid(format!(
                "mask: byte {}: expected {n} bytes of {what}, found {}: the file is truncated",
                self.at,
                rest.len()
            ));
        }
        self.at += n;
        Ok(&rest[..n])
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Error> {
        let taken = self.take(N, what)?;
        Ok(taken.try_into().expect("`take` gives the length asked"))
    }

    fn header(&mut self) -> Result<Header, Error> {
        let length = u16::from_le_bytes(self.array("a layer's name length")?);
        let start = self.at;
        let name = self.take(length.into(), "a layer's name")?;
        let Ok(name) = std::str::from_utf8(name) else {
            return Error::invalid(format!("mask: byte {start}: a layer's name is not UTF-8"));
        };
        if name.is_empty() {
            return Error::invalid(format!("mask: byte {start}: a layer's name is empty"));
        }
        let start = self.at;
        let [dimensions] = self.array(&format!("`{name}`'s number of dimensions"))?;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Error::invalid(format!(
                "mask: byte {start}: layer `{name}`: expected 1 to {MOST_DIMENSIONS} dimensions, found {dimensions}"
            ));
        }
        let mut shape = Vec::new();
        let mut weights = 1usize;
        for _ in 0..dimensions {
            let start = self.at;
            let side = u64::from_le_bytes(self.array(&format!("`{name}`'s shape"))?);
            let grown = usize::try_from(side).ok().filter(|&side| side > 0);
            let grown = grown.and_then(|side| Some((side, weights.checked_mul(side)?)));
            let Some((side, product)) = grown else {
                return Error::invalid(format!(
                    "mask: byte {start}: layer `{name}`: a dimension of {side} is not possible"
                ));
            };
            shape.push(side);
            weights = product;
        }
        Ok(Header {
            name: name.to_owned(),
            shape,
            weights,
        })
    }

    fn layer(&mut self, header: Header) -> Result<LayerMask, Error> {
        let Header {
            name,
            shape,
            weights,
        } = header;
        let packed = self.take(weights.div_ceil(8), &format!("`{name}`'s bits"))?;
        let bit = |place: usize| packed[place / 8] >> (place % 8) & 1 == 1;
        if (weights..packed.len() * 8).any(bit) {
            return Error::invalid(format!(
                "mask: byte {}: layer `{name}`: a spare bit after the last weight is set",
                self.at - 1
            ));
        }
        Ok(LayerMask {
            kept: (0..weights).map(bit).collect(),
            name,
            shape,
        })
    }
}
