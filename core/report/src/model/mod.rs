//! What a report shows, before anything is drawn: the runs of a study as a grid of cells, and what is
//! computed from them.

pub(crate) mod analysis;
pub(crate) mod cells;
pub(crate) mod format;
pub(crate) mod grid;
pub(crate) mod groups;
pub(crate) mod inputs;
pub(crate) mod kept;
pub(crate) mod mean_sd;
pub(crate) mod notes;
pub(crate) mod overlaps;
pub(crate) mod references;
pub(crate) mod settings;
pub(crate) mod summary;
pub(crate) mod sweep;
