//! `study.toml` and what is checked when it is read.

mod analysis;
mod data;
mod numbers;
mod reference;
mod settings;
mod slips;
mod told_apart;
mod trial;
