//! The tar of a bundle's file, unpacked if need be.

use crate::{Error, error::failed};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    path::Path,
};

/// The first bytes of a zstd frame (RFC 8878, 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Opens the file of a bundle; what is read is its tar.
///
/// # Errors
/// If it cannot be opened or read.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Error> {
    let mut file = File::open(path).map_err(failed(path, "could not open the bundle"))?;
    let cannot_read = || failed(path, "could not read the bundle");
    let mut magic = [0; 4];
    let is_zstd = file.read_exact(&mut magic).is_ok() && magic == ZSTD_MAGIC;
    file.rewind().map_err(cannot_read())?;
    if !is_zstd {
        return Ok(Box::new(BufReader::new(file)));
    }
    // The library refuses a window above 128 MiB, so a frame cannot take more memory.
    let frame = zstd::Decoder::new(file)
        .map_err(cannot_read())?
        .single_frame();
    Ok(Box::new(BufReader::new(OneFrame(frame))))
}

/// The content of a file that is one zstd frame and nothing else: further frames may be empty,
/// or such that zstd's own program skips them (RFC 8878, 3.1.2), and would hide what they hold.
struct OneFrame(zstd::Decoder<'static, BufReader<File>>);

impl Read for OneFrame {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "something follows the zstd frame, which has to be the whole file",
            ));
        }
        Ok(read)
    }
}
