//! What is known of the masks that a run made: facts, what they have in common, their summary.

pub(crate) mod facts;
pub(crate) mod overlaps;
pub(crate) mod recorded;
pub(crate) mod summary;
