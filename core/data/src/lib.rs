//! Image data sets as raw bytes: readers, preparation, and which rows a batch holds.
//!
//! [`open`] finds and hashes the files of a data set, [`prepare`] decodes them into u8
//! images with their labels, [`scoring_rows`] and [`epoch_order`] say which rows are seen
//! in which order. One set, `fashion-mnist-10k`, is embedded in the crate:
//!
//! ```
//! let source = jackpot_data::open("fashion-mnist-10k", None)?;
//! let preparation = jackpot_data::Preparation { resize: Some(14), ..Default::default() };
//! let prepared = jackpot_data::prepare(&source, &preparation)?;
//! assert_eq!((prepared.train.rows(), prepared.test.rows()), (6_000, 4_000));
//! # Ok::<(), jackpot_data::Error>(())
//! ```
//!
//! **Invariant:** this crate never makes a tensor, never augments, never writes a file,
//! never fetches one, and never returns a pixel of a file whose bytes it has not hashed.
//! Everything it returns is a function of the files' bytes and of keys.

mod batches;
mod catalogue;
mod idx;
mod images;
mod prepare;
mod published;
mod rows;

pub use batches::{BatchSpec, epoch_order, scoring_rows};
pub use catalogue::{Info, Source, SourceFile, info, list, open};
pub use images::{Images, centre};
pub use prepare::{Normalisation, Preparation, Prepared, prepare, prepared_shape};
pub use rows::{Rows, StoredRows};

use std::path::PathBuf;

/// Why a data set, a preparation or a batch could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing, damaged, or not the one that its name promises.
    #[error("`{path}`: {message}")]
    File {
        /// The file as it was looked for.
        path: PathBuf,
        /// What was expected, what was found (with the byte), what to do.
        message: String,
    },
    /// A request that cannot be met, whatever the files hold.
    #[error("{0}")]
    Invalid(String),
}
