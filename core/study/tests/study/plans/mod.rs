//! Plans: which actions a study asks for, with plugins that are only described.

mod before;
mod checks;
mod controls;
mod identical;
mod pipelines;
mod probe;
mod shipped;
mod shipped_study;
