//! The forward and backward passes of a group, row by row.

pub(crate) mod backward;
pub(crate) mod block;
pub(crate) mod forward;
pub(crate) mod maps;
pub(crate) mod unpool;
pub(crate) mod work;
