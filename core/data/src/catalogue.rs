//! The data sets we know, and finding their files.

use crate::Error;
use crate::idx::{self, Shape};
use crate::published::{EMBEDDED, Published, published};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What `jackpot list` prints of a data set.
#[derive(Clone, Debug)]
pub struct Info {
    /// As a study names it.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Number of classes; labels are 0 to classes − 1.
    pub classes: u32,
    /// Channels, height, width as stored.
    pub image: [u32; 3],
    /// Training images before `train_subset`.
    pub train_rows: u32,
    /// Test images.
    pub test_rows: u32,
    /// Embedded, or needs `folder`.
    pub embedded: bool,
    /// The licence of the images.
    pub licence: &'static str,
}

/// One file a data set is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// File name without its folder.
    pub name: String,
    /// Of the file as it lies, packed or not.
    pub sha256: [u8; 32],
    /// Length of the file as it lies.
    pub bytes: u64,
}

/// A data set ready to prepare: its files are hashed, not yet decoded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name in the catalogue.
    pub set: String,
    /// Where the files are; None for an embedded set.
    pub folder: Option<PathBuf>,
    /// Images before labels, training before test.
    pub files: Vec<SourceFile>,
}

const fn mnist_family(name: &'static str, summary: &'static str, licence: &'static str) -> Info {
    Info {
        name,
        summary,
        classes: 10,
        image: [1, 28, 28],
        train_rows: 60_000,
        test_rows: 10_000,
        embedded: false,
        licence,
    }
}

static CATALOGUE: [Info; 4] = [
    Info {
        train_rows: 6_000,
        test_rows: 4_000,
        embedded: true,
        ..mnist_family(
            "fashion-mnist-10k",
            "Fashion-MNIST's test file, split 6,000 / 4,000 within each class",
            "MIT, Zalando SE",
        )
    },
    mnist_family(
        "fashion-mnist",
        "grey images of clothes (Xiao et al. 2017)",
        "MIT, Zalando SE",
    ),
    mnist_family(
        "kmnist",
        "cursive Japanese characters (Clanuwat et al. 2018)",
        "CC BY-SA 4.0, ROIS-DS Center for Open Data in the Humanities",
    ),
    mnist_family(
        "mnist",
        "handwritten digits (LeCun et al. 1998)",
        "none stated by the publisher",
    ),
];

/// Every data set that [`open`] knows, by name.
pub fn list() -> &'static [Info] {
    &CATALOGUE
}

/// The data set of this name.
pub fn info(set: &str) -> Result<&'static Info, Error> {
    CATALOGUE.iter().find(|i| i.name == set).ok_or_else(|| {
        let known: Vec<String> = CATALOGUE.iter().map(|i| format!("`{}`", i.name)).collect();
        Error::Invalid(format!(
            "unknown data set `{set}`: known are {}",
            known.join(", ")
        ))
    })
}

/// Finds and hashes the files; an embedded set needs no folder. Size and sha256 are
/// checked where they are known (of an unpacked KMNIST file only the size is).
///
/// A file may lie packed under its published name, or unpacked without `.gz`; the packed
/// one is read if both do. Repacked files of known content are accepted.
pub fn open(set: &str, folder: Option<&Path>) -> Result<Source, Error> {
    let info = info(set)?;
    match (info.embedded, folder) {
        (true, Some(folder)) => {
            return Err(Error::Invalid(format!(
                "data set `{set}` is embedded: remove `folder = \"{}\"`",
                folder.display()
            )));
        }
        (false, None) => {
            let names: Vec<_> = published(set)?.iter().map(|f| f.name).collect();
            return Err(Error::Invalid(format!(
                "data set `{set}` needs `folder`: the folder that holds its published files {}, each plain or with `.gz`",
                names.join(", ")
            )));
        }
        _ => {}
    }
    let files = published(set)?
        .iter()
        .map(|file| {
            let (name, bytes) = find(file, folder)?;
            check_fingerprint(file, &name, &bytes).map_err(|m| file_error(folder, &name, m))?;
            Ok(SourceFile {
                sha256: Sha256::digest(&bytes).into(),
                bytes: bytes.len() as u64,
                name,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Source {
        set: set.to_owned(),
        folder: folder.map(Path::to_owned),
        files,
    })
}

/// The unpacked IDX values of file `index`, after checking that it is still the file
/// that [`open`] hashed.
pub(crate) fn read(source: &Source, index: usize) -> Result<Vec<u8>, Error> {
    let published = &published(&source.set)?[index];
    let folder = source.folder.as_deref();
    let file = source.files.get(index).ok_or_else(|| {
        Error::Invalid(format!(
            "data set `{}` was opened with {} files, expected `{}` too",
            source.set,
            source.files.len(),
            published.name
        ))
    })?;
    let bytes = load(published, folder, &file.name)?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    if sha256 != file.sha256 {
        return Err(file_error(
            folder,
            &file.name,
            format!(
                "changed since it was opened: sha256 was {}, is {}",
                hex(&file.sha256),
                hex(&sha256)
            ),
        ));
    }
    let stream = unpack(&file.name, &bytes, published.shape)
        .and_then(|stream| idx::values(&stream, published.shape).map(<[u8]>::to_vec));
    stream.map_err(|message| file_error(folder, &file.name, message))
}

/// Name and bytes of the file that lies there: packed before unpacked.
fn find(file: &Published, folder: Option<&Path>) -> Result<(String, Vec<u8>), Error> {
    let packed = format!("{}.gz", file.name);
    if let Some(folder) = folder {
        let exists = |name: &str| folder.join(name).exists();
        if !exists(&packed) {
            if !exists(file.name) {
                let message = "not found, neither so nor without `.gz`: download the published file into this folder";
                return Err(file_error(Some(folder), &packed, message.to_owned()));
            }
            return Ok((file.name.to_owned(), load(file, Some(folder), file.name)?));
        }
    }
    let bytes = load(file, folder, &packed)?;
    Ok((packed, bytes))
}

/// No published file in gzip is larger than what it unpacks to and this many bytes.
const SLACK: u64 = 1 << 20;

/// Bytes that hold the start of an IDX file, packed or not: a gzip header (its name field is a
/// path at most) and the first bits of the stream.
const START: u64 = 1 << 16;

/// The bytes of a file; what cannot be `published`, by its length or kind, is not read.
fn load(published: &Published, folder: Option<&Path>, name: &str) -> Result<Vec<u8>, Error> {
    let Some(folder) = folder else {
        let embedded = EMBEDDED.iter().find(|file| file.0 == name);
        return embedded
            .map(|file| file.1.to_vec())
            .ok_or_else(|| file_error(None, name, "is not embedded".to_owned()));
    };
    let path = folder.join(name);
    let unreadable = |error| file_error(Some(folder), name, format!("cannot be read: {error}"));
    let facts = std::fs::metadata(&path).map_err(unreadable)?;
    let most = published.shape.file_len() as u64 + SLACK;
    if !facts.is_file() || facts.len() > most {
        let found = match facts.is_file() {
            true => {
                // Too large because it is another file under this name?
                let mut start = Vec::new();
                std::fs::File::open(&path)
                    .and_then(|file| file.take(START).read_to_end(&mut start))
                    .map_err(unreadable)?;
                idx::check_start(&start, name.ends_with(".gz"), published.shape)
                    .map_err(|message| file_error(Some(folder), name, message))?;
                format!("{} bytes", facts.len())
            }
            false => "no regular file".to_owned(),
        };
        let message = format!("expected a file of at most {most} bytes, found {found}");
        return Err(file_error(Some(folder), name, message));
    }
    std::fs::read(&path).map_err(unreadable)
}

fn file_error(folder: Option<&Path>, name: &str, message: String) -> Error {
    Error::File {
        path: folder.unwrap_or(Path::new("embedded")).join(name),
        message,
    }
}

/// The IDX stream: `bytes`, unpacked if the name ends in `.gz`.
fn unpack<'a>(name: &str, bytes: &'a [u8], shape: Shape) -> Result<Cow<'a, [u8]>, String> {
    if name.ends_with(".gz") {
        idx::gunzip(bytes, shape).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(bytes))
    }
}

/// Is this the published file, as far as its sums are known?
fn check_fingerprint(file: &Published, name: &str, bytes: &[u8]) -> Result<(), String> {
    let sha256 = hex(&Sha256::digest(bytes));
    let packed = name.ends_with(".gz");
    if packed
        && let Some(known) = &file.packed
        && known.bytes == bytes.len()
        && known.sha256 == sha256
    {
        return Ok(());
    }
    // A truncated, mislabelled or damaged file names its byte before any sum is compared.
    let stream = unpack(name, bytes, file.shape)?;
    idx::values(&stream, file.shape)?;
    let expected = match (file.unpacked, &file.packed) {
        (Some(known), _) => {
            let found = hex(&Sha256::digest(&stream));
            if found == known {
                return Ok(());
            }
            return Err(format!(
                "is not the published file: sha256 of the unpacked bytes is {found}, expected {known}: download it again"
            ));
        }
        (None, Some(known)) if packed => known,
        (None, _) => return Ok(()),
    };
    Err(format!(
        "is not the published file: {} bytes with sha256 {sha256}, expected {} bytes with sha256 {}: download it again",
        bytes.len(),
        expected.bytes,
        expected.sha256
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::FASHION_MNIST;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn repack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn known_content_is_accepted_in_any_packing_and_nothing_else_is() {
        let labels = &FASHION_MNIST[3];
        let (name, published) = EMBEDDED[1];
        let content = idx::gunzip(published, labels.shape).unwrap();
        check_fingerprint(labels, name, published).unwrap();
        check_fingerprint(labels, name, &repack(&content)).unwrap();
        check_fingerprint(labels, labels.name, &content).unwrap();

        let mut other = content.clone();
        other[8] = (other[8] + 1) % 10;
        for (name, bytes) in [(name, repack(&other)), (labels.name, other)] {
            let error = check_fingerprint(labels, name, &bytes).unwrap_err();
            assert!(error.contains("is not the published file"), "{error}");
        }
    }

    #[test]
    fn every_set_has_the_files_that_its_info_promises() {
        for info in list() {
            let files = published(info.name).unwrap();
            let rows: Vec<u32> = files
                .iter()
                .map(|file| match file.shape {
                    Shape::Images { rows, .. } | Shape::Labels { rows, .. } => rows,
                })
                .collect();
            let (train, test) = (info.train_rows, info.test_rows);
            if info.embedded {
                assert_eq!(rows, [train + test; 2]);
            } else {
                assert_eq!(rows, [train, train, test, test]);
            }
        }
    }
}
