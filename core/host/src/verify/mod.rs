//! The supervisor's judgement of what a worker left: outputs read, promises verified, masks selected.

pub(crate) mod last_round;
pub(crate) mod outputs;
pub(crate) mod promises;
pub(crate) mod run;
pub(crate) mod structure;
