//! What runs left in a store, read back: results, mask facts, provenance and evidence.

pub(crate) mod curves;
pub(crate) mod diff;
pub(crate) mod evidence;
pub(crate) mod facts;
pub(crate) mod load;
pub(crate) mod named;
pub(crate) mod overlaps;
pub(crate) mod provenance;
