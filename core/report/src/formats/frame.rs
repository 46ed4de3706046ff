//! Frames for programs: CSV and Parquet of one polars frame.

use crate::Error;
use crate::error::frame_error;
use polars::prelude::{CsvWriter, DataFrame, ParquetCompression, ParquetWriter, SerWriter};

/// The CSV file's bytes; floats have six decimals.
pub(crate) fn csv(name: &str, frame: &mut DataFrame) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes)
        .with_float_precision(Some(6))
        .finish(frame)
        .map_err(frame_error(name))?;
    Ok(bytes)
}

/// The Parquet file's bytes: the same rows, in one row group, so that its bytes do not depend on
/// how many threads there are.
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
