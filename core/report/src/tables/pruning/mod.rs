//! Tables about masks: what they keep in each layer, and how they differ.

pub(crate) mod collapse;
pub(crate) mod corruption;
pub(crate) mod layers;
pub(crate) mod masks;
pub(crate) mod overlaps;
pub(crate) mod ratios;
