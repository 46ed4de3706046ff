//! Results that are made up, read back and judged: no study is run here.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

mod chance;
mod contrasts;
mod declared;
mod factorial;
mod identical;
mod outline;
mod report_seam;
mod support;
