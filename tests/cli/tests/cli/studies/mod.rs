//! Studies planned, run, compared and reported.

mod engines;
mod everything;
mod identical;
mod machines;
mod networks;
mod plans;
mod probe;
mod reports;
mod runs;
mod trials;
