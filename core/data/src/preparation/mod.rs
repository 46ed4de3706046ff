//! From stored images to those that a study trains on: resizing, cutting, padding, normalising.

pub(crate) mod normalisation;
pub(crate) mod prepare;
pub(crate) mod resample;
pub(crate) mod transform;
