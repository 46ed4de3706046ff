//! What is concluded from results that are made up.

mod chance;
mod contrasts;
mod declared;
mod factorial;
mod report_seam;
