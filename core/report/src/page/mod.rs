//! The page of a study's folder, as Markdown and as HTML: its facts, tables and figures, and how
//! to check them.

pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod overview;
mod provenance;
