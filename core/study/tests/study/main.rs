//! Studies without running one: what their files say, what is planned and which recipes that gives.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod plans;
mod recipes;
mod study_file;
mod support;
