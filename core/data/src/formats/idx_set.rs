//! The sets of IDX files: finding, checking and reading them.

use crate::formats::idx::{self, Shape};
use crate::sets::published::{EMBEDDED, Published, published};
use crate::{Error, Info, Source, SourceFile};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// Finds and hashes the files. A file may lie packed under its published name, or unpacked
/// without `.gz`; the packed one is read if both do. Repacked files of known content are
/// accepted; of a part of the set, whatever has its form.
pub(crate) fn open(
    info: &Info,
    folder: Option<&Path>,
    partial: bool,
) -> Result<Vec<SourceFile>, Error> {
    let files = published(info.name)?
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let (name, bytes) = find(file, folder)?;
            let checked = if partial {
                formed(&name, &bytes, shape(file, index, info)).map(drop)
            } else {
                check_fingerprint(file, &name, &bytes)
            };
            checked.map_err(|m| file_error(folder, &name, m))?;
            Ok(SourceFile {
                sha256: Sha256::digest(&bytes).into(),
                bytes: bytes.len() as u64,
                name,
            })
        });
    files.collect()
}

/// Training and test rows of a part of the set: those of the image files, by their headers.
pub(crate) fn rows(set: &str, folder: &Path) -> Result<[u32; 2], Error> {
    let files = published(set)?;
    let rows = |file: &Published| {
        let (name, bytes) = find(file, Some(folder))?;
        idx::rows(&bytes, name.ends_with(".gz"), file.shape)
            .map_err(|message| file_error(Some(folder), &name, message))
    };
    Ok([rows(&files[0])?, rows(&files[2])?])
}

/// What file `index` of a set holds, which may be a part of what was published.
fn shape(file: &Published, index: usize, info: &Info) -> Shape {
    if info.embedded {
        // One pair of files for both parts.
        file.shape
    } else {
        file.shape
            .with([info.train_rows, info.test_rows][index / 2])
    }
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
    source.check(&file.name, &bytes)?;
    let shape = shape(published, index, &source.info);
    let stream = unpack(&file.name, &bytes, shape)
        .and_then(|stream| idx::values(&stream, shape).map(<[u8]>::to_vec));
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
        let found = if facts.is_file() {
            // Too large because it is another file under this name?
            let mut start = Vec::new();
            std::fs::File::open(&path)
                .and_then(|file| file.take(START).read_to_end(&mut start))
                .map_err(unreadable)?;
            idx::check_start(&start, name.ends_with(".gz"), published.shape)
                .map_err(|message| file_error(Some(folder), name, message))?;
            format!("{} bytes", facts.len())
        } else {
            "no regular file".to_owned()
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

/// The IDX stream of a file of that shape, whatever its values are.
fn formed<'a>(name: &str, bytes: &'a [u8], shape: Shape) -> Result<Cow<'a, [u8]>, String> {
    let stream = unpack(name, bytes, shape)?;
    idx::values(&stream, shape)?;
    Ok(stream)
}

/// Is this the published file, as far as its sums are known?
fn check_fingerprint(file: &Published, name: &str, bytes: &[u8]) -> Result<(), String> {
    let sha256 = crate::hex(&Sha256::digest(bytes));
    let packed = name.ends_with(".gz");
    if packed
        && let Some(known) = &file.packed
        && known.bytes == bytes.len()
        && known.sha256 == sha256
    {
        return Ok(());
    }
    // A truncated, mislabelled or damaged file names its byte before any sum is compared.
    let stream = formed(name, bytes, file.shape)?;
    let expected = match (file.unpacked, &file.packed) {
        (Some(known), _) => {
            let found = crate::hex(&Sha256::digest(&stream));
            if found == known {
                return Ok(());
            }
            return Err(format!(
                "is not the published file: sha256 of the unpacked bytes is {found}, expected {known}: download it again, or say `partial = true` if other images are meant"
            ));
        }
        (None, Some(known)) if packed => known,
        (None, _) => return Ok(()),
    };
    Err(format!(
        "is not the published file: {} bytes with sha256 {sha256}, expected {} bytes with sha256 {}: download it again, or say `partial = true` if other images are meant",
        bytes.len(),
        expected.bytes,
        expected.sha256
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::published::FASHION_MNIST;
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
}
