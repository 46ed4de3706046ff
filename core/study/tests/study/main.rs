//! Studies without running one: what their files say, what is planned, which recipes that gives,
//! and what is concluded from results.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod plans;
mod recipes;
mod results;
mod study_file;
mod support;
