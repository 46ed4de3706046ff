//! What masks keep, layer by layer and beside each other.

pub(crate) mod collapse;
pub(crate) mod corruption;
pub(crate) mod layers;
pub(crate) mod masks;
pub(crate) mod overlaps;
pub(crate) mod ratios;
