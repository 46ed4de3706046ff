//! From `study.toml` to a checked [`Study`](file::Study): what each section may say, and what fits
//! together.

pub(crate) mod checks;
pub(crate) mod data;
pub(crate) mod engine;
pub(crate) mod file;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod reference;
pub(crate) mod repeat;
pub(crate) mod run_section;
pub(crate) mod sections;
pub(crate) mod setting;
pub(crate) mod settings;
pub(crate) mod ticket;
pub(crate) mod training;
pub(crate) mod trial;
