//! Rows in an order that every form of a set can be brought into, and one sum over them.
//!
//! A row is what CIFAR's binary version holds of it: a byte for the label, then the values of
//! the pixels, red, green and blue, each row by row. Rows are sorted by the sha256 of these
//! bytes, which mixes the classes and prefers no kind of picture; two rows of one sum are one
//! picture, whatever their order. The sum of the set is the sha256 of a text that has a line
//! `train SHA256` for every training row in this order and then `test SHA256` for every test
//! row: a function of pixels and labels, not of the files that they lie in.

use crate::formats::tree::wrong;
use crate::{Error, Images, Source, SourceFile, formats::decode, hex, unhex};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::str::FromStr;

/// The order in which the rows of a set are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowOrder {
    /// As they are stored in the files, which name the set.
    #[default]
    Stored,
    /// By the sha256 of label and pixels, whichever files hold them; the rows name the set.
    Canonical,
}

impl RowOrder {
    /// Whether a recipe leaves it out.
    pub fn is_stored(&self) -> bool {
        *self == RowOrder::Stored
    }
}

impl FromStr for RowOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<RowOrder, String> {
        match text {
            "stored" => Ok(RowOrder::Stored),
            "canonical" => Ok(RowOrder::Canonical),
            _ => Err(format!("expected `stored` or `canonical`, found `{text}`")),
        }
    }
}

/// Training and test rows in canonical order.
///
/// # Errors
/// The rows are others than those that `expected` is the sum of.
pub(crate) fn sorted(parts: [Images; 2], source: &Source) -> Result<[Images; 2], Error> {
    let orders = parts.each_ref().map(Order::of);
    let found = sum(&orders);
    if let Some(known) = &source.canonical
        && known.sha256 != found
    {
        let folder = source.folder.as_deref().unwrap_or(Path::new("embedded"));
        return Err(wrong(
            folder,
            format!(
                "changed since it was opened: the sum of its rows was {}, is {}",
                hex(&known.sha256),
                hex(&found)
            ),
        ));
    }
    let [train, test] = &orders;
    Ok([parts[0].take(&train.rows), parts[1].take(&test.rows)])
}

/// The sum of a set's rows under the name that recipes give it. `kept` names a file in which
/// the sum is kept together with the sums of the files that it was computed from, so that
/// images that did not change are decoded once.
pub(crate) fn named(
    source: &Source,
    kept: Option<&Path>,
    read: impl FnOnce() -> Result<[Images; 2], Error>,
) -> Result<SourceFile, Error> {
    let mut files = Sha256::new();
    for file in &source.files {
        files.update(format!("{}  {}\n", hex(&file.sha256), file.name));
    }
    let files: [u8; 32] = files.finalize().into();
    let kept = kept.map(|sums| sums.with_extension("rows"));
    let sha256 = match kept.as_deref().and_then(|kept| recall(kept, &files)) {
        Some(known) => known,
        None => {
            let found = sum(&read()?.each_ref().map(Order::of));
            if let Some(kept) = &kept {
                remember(kept, &files, &found);
            }
            found
        }
    };
    let rows = u64::from(source.info.train_rows) + u64::from(source.info.test_rows);
    let values: u64 = source.info.image.iter().map(|&n| u64::from(n)).product();
    Ok(SourceFile {
        name: "canonical".to_owned(),
        sha256,
        bytes: rows * (1 + values),
    })
}

/// The rows of one part in canonical order, and their sums in this order.
struct Order {
    rows: Vec<u32>,
    sums: Vec<[u8; 32]>,
}

impl Order {
    fn of(images: &Images) -> Order {
        let mut sums: Vec<([u8; 32], u32)> = images
            .pixels
            .par_chunks_exact(images.image_len().max(1))
            .zip(&images.labels)
            .enumerate()
            .map(|(row, (pixels, label))| {
                let mut hash = Sha256::new();
                hash.update([*label as u8]);
                hash.update(pixels);
                (hash.finalize().into(), row as u32)
            })
            .collect();
        sums.sort_unstable();
        let (sums, rows) = sums.into_iter().unzip();
        Order { rows, sums }
    }
}

fn sum(parts: &[Order; 2]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, part) in ["train", "test"].into_iter().zip(parts) {
        for sum in &part.sums {
            hash.update(format!("{name} {}\n", hex(sum)));
        }
    }
    hash.finalize().into()
}

const FIRST_WORDS: &str = "jackpot rows 1";

/// The sum of the rows, if it was computed from these very files.
fn recall(kept: &Path, files: &[u8; 32]) -> Option<[u8; 32]> {
    let text = std::fs::read_to_string(kept).ok()?;
    let line = text.strip_prefix(FIRST_WORDS)?.trim();
    let (of, rows) = line.split_once(' ')?;
    (unhex(of)? == *files).then(|| unhex(rows))?
}

/// A file that cannot be written costs time, nothing else.
fn remember(kept: &Path, files: &[u8; 32], rows: &[u8; 32]) {
    let text = format!("{FIRST_WORDS} {} {}\n", hex(files), hex(rows));
    let part = kept.with_extension(format!("rows.{}.part", std::process::id()));
    let folder = kept.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.and_then(|()| std::fs::write(&part, text));
    if written.and_then(|()| std::fs::rename(&part, kept)).is_err() {
        let _ = std::fs::remove_file(&part);
    }
}

/// The images of class folders as a set of `side`×`side` pixels holds them.
pub(crate) fn class_folders(source: &Source, side: u32) -> Result<[Images; 2], Error> {
    let folder = source.folder.as_deref().unwrap_or(Path::new("."));
    let Some(tree) = &source.tree else {
        return Err(wrong(folder, "was not opened as class folders"));
    };
    let part = |leaves: &[crate::formats::tree::Leaf]| -> Result<Images, Error> {
        let decoded: Vec<Result<Vec<u8>, Error>> = leaves
            .par_iter()
            .map(|leaf| {
                let path = folder.join(&leaf.path);
                let bytes = std::fs::read(&path)
                    .map_err(|error| wrong(&path, format!("cannot be read: {error}")))?;
                source.check(&leaf.path, &bytes)?;
                planes(&bytes, side).map_err(|message| wrong(&path, message))
            })
            .collect();
        // The first error in the set's order, however the threads ran.
        let pixels = decoded.into_iter().collect::<Result<Vec<_>, Error>>()?;
        Ok(Images {
            channels: 3,
            height: side,
            width: side,
            pixels: pixels.concat(),
            labels: leaves.iter().map(|leaf| i64::from(leaf.label)).collect(),
        })
    };
    Ok([part(&tree.0.train)?, part(&tree.0.test)?])
}

/// Red, green and blue of a PNG image, each row by row.
fn planes(bytes: &[u8], side: u32) -> Result<Vec<u8>, String> {
    if !decode::is_png(bytes) {
        return Err(
            "is no PNG image: only PNG keeps the pixels of a published set as they are".to_owned(),
        );
    }
    let picture = decode::decode(bytes)?;
    let side = side as usize;
    if (picture.height, picture.width) != (side, side) {
        return Err(format!(
            "is an image of {}×{} pixels, expected {side}×{side}",
            picture.height, picture.width
        ));
    }
    let plane = |channel: usize| picture.pixels.iter().skip(channel).step_by(3);
    Ok((0..3).flat_map(plane).copied().collect())
}
