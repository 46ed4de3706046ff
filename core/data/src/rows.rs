//! A data object as rows: held in memory, or read from its file batch by batch.

use crate::images::{Layout, little_endian};
use crate::{Error, Images};
use safetensors::tensor::Metadata;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data object (the format of [`Images::to_safetensors`]); the bytes of a row are the
/// same whichever way it is read.
#[derive(Clone, Debug)]
pub enum Rows {
    /// All pixels are in memory.
    InMemory(Images),
    /// Pixels stay in the file.
    Stored(StoredRows),
}

impl From<Images> for Rows {
    fn from(images: Images) -> Rows {
        Rows::InMemory(images)
    }
}

/// A data object whose pixels stay in its file; labels are in memory.
#[derive(Clone, Debug)]
pub struct StoredRows {
    file: Arc<File>,
    path: PathBuf,
    layout: Layout,
    /// Where the first pixel lies in the file.
    pixels: u64,
    labels: Arc<[i64]>,
}

/// The header of a data object is two hundred bytes; a larger one is no data object.
const MOST_HEADER: u64 = 1 << 16;

/// Bytes read at once where all pixels are wanted.
const BLOCK: usize = 1 << 22;

impl Rows {
    /// Opens a data object, held if its file has at most `memory` bytes.
    ///
    /// # Errors
    /// A file that cannot be read or is no data object.
    pub fn open(path: &Path, memory: u64) -> Result<Rows, Error> {
        let stored = StoredRows::open(path)?;
        if stored.pixels + stored.layout.pixels() > memory {
            return Ok(Rows::Stored(stored));
        }
        let [channels, height, width] = stored.shape();
        let rows: Vec<u32> = (0..stored.rows() as u32).collect();
        Ok(Rows::InMemory(Images {
            channels,
            height,
            width,
            pixels: stored.pixels_of(&rows)?,
            labels: stored.labels.to_vec(),
        }))
    }

    /// How many images.
    pub fn rows(&self) -> usize {
        self.labels().len()
    }

    /// Channels, height, width.
    pub fn shape(&self) -> [u32; 3] {
        match self {
            Rows::InMemory(images) => images.shape(),
            Rows::Stored(stored) => stored.shape(),
        }
    }

    /// One class a row.
    pub fn labels(&self) -> &[i64] {
        match self {
            Rows::InMemory(images) => &images.labels,
            Rows::Stored(stored) => &stored.labels,
        }
    }

    /// Gives all pixels, in stored order, a piece at a time.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn each_block(&self, see: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        match self {
            Rows::InMemory(images) => see(&images.pixels),
            Rows::Stored(stored) => {
                let mut buffer = vec![0; BLOCK];
                let (mut at, end) = (0, stored.layout.pixels());
                while at < end {
                    let length = (end - at).min(BLOCK as u64) as usize;
                    stored.read(at, &mut buffer[..length])?;
                    see(&buffer[..length]);
                    at += length as u64;
                }
            }
        }
        Ok(())
    }
}

impl StoredRows {
    /// Reads header and labels.
    ///
    /// # Errors
    /// A file that cannot be read or is no data object.
    pub fn open(path: &Path) -> Result<StoredRows, Error> {
        let wrong = |message: String| Error::File {
            path: path.to_owned(),
            message,
        };
        let unreadable = |error: std::io::Error| wrong(format!("cannot be read: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        file.read_exact_at(&mut length, 0).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        if length > MOST_HEADER.min(bytes.saturating_sub(8)) {
            return Err(wrong(format!(
                "no data object: a header of {length} bytes, expected at most {MOST_HEADER} in a file of {bytes}"
            )));
        }
        let mut header = vec![0; 8 + length as usize];
        file.read_exact_at(&mut header, 0).map_err(unreadable)?;
        let metadata: Metadata = serde_json::from_slice(&header[8..])
            .map_err(|error| wrong(format!("no data object: {error}")))?;
        let layout = Layout::of(&metadata)?;
        let data = header.len() as u64;
        let expected = data + layout.rows as u64 * 8 + layout.pixels();
        if header != layout.header() || bytes != expected {
            return Err(wrong(format!(
                "no data object of {} images: {bytes} bytes, expected {expected} and the header that this program writes",
                layout.rows
            )));
        }
        let mut labels = vec![0; layout.rows * 8];
        file.read_exact_at(&mut labels, data).map_err(unreadable)?;
        Ok(StoredRows {
            file: Arc::new(file),
            path: path.to_owned(),
            pixels: data + layout.rows as u64 * 8,
            labels: labels.chunks_exact(8).map(little_endian).collect(),
            layout,
        })
    }

    /// How many images.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Channels, height, width.
    pub fn shape(&self) -> [u32; 3] {
        self.layout.shape
    }

    /// One class a row.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The pixels of `rows`, one image after the other, each channels × height × width.
    ///
    /// # Errors
    /// A row out of range, a file that cannot be read any more.
    pub fn pixels_of(&self, rows: &[u32]) -> Result<Vec<u8>, Error> {
        let size = self.layout.image();
        let mut pixels = vec![0; rows.len() * size];
        let mut at = 0;
        while at < rows.len() {
            // Neighbours are read at once: an evaluation reads every row in order.
            let run = rows[at..].windows(2).take_while(|w| w[0] + 1 == w[1]);
            let end = at + 1 + run.count();
            let (first, last) = (rows[at] as usize, rows[end - 1] as usize);
            if last >= self.layout.rows {
                return Err(Error::Invalid(format!(
                    "row {last} of a data object of {} rows",
                    self.layout.rows
                )));
            }
            self.read((first * size) as u64, &mut pixels[at * size..end * size])?;
            at = end;
        }
        Ok(pixels)
    }

    /// Bytes from `at` on, counted from the first pixel.
    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let done = self.file.read_exact_at(buffer, self.pixels + at);
        done.map_err(|error| Error::File {
            path: self.path.clone(),
            message: format!("cannot be read: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Images {
        Images {
            channels: 2,
            height: 3,
            width: 5,
            pixels: (0..7 * 30).map(|i| (i * 37 % 251) as u8).collect(),
            labels: vec![0, 2, 1, 1, 0, 2, 6],
        }
    }

    fn write(folder: &Path, bytes: &[u8]) -> PathBuf {
        let path = folder.join("object");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn both_ways_give_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = sample().to_safetensors().unwrap();
        let path = write(folder.path(), &bytes);
        let held = Rows::open(&path, bytes.len() as u64).unwrap();
        let Rows::InMemory(images) = &held else {
            panic!("within the bound: expected it held");
        };
        assert_eq!(*images, sample());
        let stored = Rows::open(&path, bytes.len() as u64 - 1).unwrap();
        let Rows::Stored(rows) = &stored else {
            panic!("above the bound: expected it stored");
        };
        for order in [vec![], vec![6], vec![0, 1, 2, 3], vec![5, 6, 0, 2, 2, 3, 1]] {
            assert_eq!(
                rows.pixels_of(&order).unwrap(),
                sample().take(&order).pixels
            );
        }
        assert_eq!((stored.rows(), stored.shape()), (7, [2, 3, 5]));
        assert_eq!(stored.labels(), sample().labels);
        for rows in [&held, &stored] {
            let mut seen = Vec::new();
            rows.each_block(&mut |piece| seen.extend_from_slice(piece))
                .unwrap();
            assert_eq!(seen, sample().pixels);
        }
        let error = rows.pixels_of(&[0, 7]).unwrap_err().to_string();
        assert!(
            error.contains("row 7 of a data object of 7 rows"),
            "{error}"
        );
    }

    #[test]
    fn damaged_objects_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = sample().to_safetensors().unwrap();
        for end in 0..bytes.len() {
            let path = write(folder.path(), &bytes[..end]);
            let error = Rows::open(&path, 0).unwrap_err().to_string();
            assert!(error.contains("object"), "{end}: {error}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Rows::open(&write(folder.path(), &longer), 0).is_err());
        let huge = [&u64::MAX.to_le_bytes()[..], &bytes].concat();
        let error = Rows::open(&write(folder.path(), &huge), 0).unwrap_err();
        assert!(error.to_string().contains("no data object"), "{error}");
    }
}
