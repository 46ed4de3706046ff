//! What an action is: its recipe, how it is executed, checked, estimated and read back.

pub(crate) mod allocate;
pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod data;
pub(crate) mod estimate;
pub(crate) mod evaluate;
pub(crate) mod init;
pub(crate) mod kind;
pub(crate) mod parts;
pub(crate) mod recipe;
pub(crate) mod score;
pub(crate) mod select;
pub(crate) mod train;
pub(crate) mod validate;
