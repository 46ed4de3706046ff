//! A polars frame as CSV and Parquet.

use crate::Error;
use crate::error::frame_error;
use polars::prelude::{CsvWriter, DataFrame, ParquetCompression, ParquetWriter, SerWriter};

/// The bytes of the CSV file. Floats have six decimals.
pub(crate) fn csv(name: &str, frame: &mut DataFrame) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes)
        .with_float_precision(Some(6))
        .finish(frame)
        .map_err(frame_error(name))?;
    Ok(bytes)
}

/// The bytes of the Parquet file: the same rows in one row group, so that they do not depend on the
/// number of threads.
pub(crate) fn parquet(name: &str, frame: &mut DataFrame) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    frame.rechunk_mut();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(frame.height().max(1)))
        .finish(frame)
        .map_err(frame_error(name))?;
    Ok(bytes)
}
