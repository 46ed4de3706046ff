//! What an action is: its recipe, how it is executed, checked, estimated and read back.

pub(crate) mod estimate;
pub(crate) mod execute;
pub(crate) mod inputs;
pub(crate) mod makers;
pub(crate) mod pure;
pub(crate) mod recipe;
pub(crate) mod recorded;
pub(crate) mod validate;
