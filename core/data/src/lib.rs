//! Image data sets as raw bytes: readers, preparation, and which rows a batch holds.
//!
//! [`open`] finds and hashes the files of a data set, [`prepare`] decodes them into u8
//! images with their labels ([`write_prepared`] in the memory of one block, for sets that do
//! not fit), [`scoring_rows`] and [`epoch_order`] say which rows are seen in which order. One set, `fashion-mnist-10k`, is embedded in the crate:
//!
//! ```
//! let source = jackpot_data::open("fashion-mnist-10k", None)?;
//! let preparation = jackpot_data::Preparation { resize: Some(14), ..Default::default() };
//! let prepared = jackpot_data::prepare(&source, &preparation)?;
//! assert_eq!((prepared.train.rows(), prepared.test.rows()), (6_000, 4_000));
//! # Ok::<(), jackpot_data::Error>(())
//! ```
//!
//! **Invariant:** this crate never makes a tensor, never augments, never fetches a file,
//! writes none but the sums that [`OpenOptions`] and [`sum_of`] name, and never returns a pixel of a file whose bytes it has not hashed.
//! Everything it returns is a function of the files' bytes and of keys.

mod batches;
mod formats;
mod images;
mod preparation;
mod rows;
mod sets;

pub use batches::{BatchSpec, epoch_order, scoring_batch, scoring_rows};
pub use formats::canonical::RowOrder;
#[doc(hidden)]
pub use formats::idx::read as read_idx;
pub use images::{Images, centre};
pub use preparation::normalisation::Normalisation;
pub use preparation::prepare::{
    Preparation, Prepared, class_rows, prepare, prepared_shape, write_prepared,
};
pub use preparation::resample::{Filter, WHOLE, filters};
pub use rows::{Rows, StoredRows};
pub use sets::catalogue::{
    Info, Layout, OpenOptions, Source, SourceFile, info, list, open, open_as, survey,
};
pub use sets::manifest::sum_of;
pub use sets::remote::{Remote, remotes};
pub use sets::verify::verify;

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

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of 64 hexadecimal digits.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}
