//! CIFAR-10 and CIFAR-100 in their binary version: records of one image each.
//!
//! A record is the label (CIFAR-100: the coarse one, which is not used, then the fine one)
//! and 3 × 32 × 32 values, red, green, blue, each row by row.

use crate::formats::tree::{self, Tree, wrong};
use crate::{Error, Images, Source, SourceFile, formats::canonical};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// One published form of the set.
pub(crate) struct Cifar {
    pub(crate) classes: u32,
    /// Bytes before the pixels; the last is the label.
    labels: usize,
    train: &'static [&'static str],
    test: &'static str,
    /// Records of one training file, and of the test file.
    rows: [usize; 2],
    /// Names of the classes, in the order of the labels, where folders of them are read too.
    pub(crate) names: Option<&'static [&'static str]>,
}

pub(crate) static CIFAR10: Cifar = Cifar {
    classes: 10,
    labels: 1,
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    rows: [10_000, 10_000],
    names: Some(&[
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]),
};

pub(crate) static CIFAR100: Cifar = Cifar {
    classes: 100,
    labels: 2,
    train: &["train.bin"],
    test: "test.bin",
    rows: [50_000, 10_000],
    names: None,
};

const SIDE: u32 = 32;
const PIXELS: usize = 3 * 32 * 32;

impl Cifar {
    fn record(&self) -> usize {
        self.labels + PIXELS
    }

    /// File names, training before test.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'static str> {
        self.train.iter().copied().chain([self.test])
    }

    fn published_rows(&self, name: &str) -> usize {
        self.rows[usize::from(name == self.test)]
    }

    /// Rows of the files as they lie: training, test.
    pub(crate) fn rows(&self, folder: &Path, partial: bool) -> Result<[u32; 2], Error> {
        let mut rows = [0; 2];
        for name in self.files() {
            let path = folder.join(name);
            let facts = std::fs::metadata(&path).map_err(|error| {
                let hint = if self.is_class_folders(folder) {
                    "; of the class folders there `order = \"canonical\"` makes the same set"
                } else {
                    ""
                };
                wrong(
                    &path,
                    format!(
                        "cannot be read: {error}; expected the files of the set's binary version in `folder`{hint}"
                    ),
                )
            })?;
            self.check_start(&path)?;
            let found = self.check_length(&path, name, facts.len(), partial)?;
            rows[usize::from(name == self.test)] += found as u32;
        }
        Ok(rows)
    }

    /// A file of another kind is named before its length is found to be wrong. The first byte
    /// of a record is a label below 20 (CIFAR-100's coarse ones are 20), and no such kind begins
    /// with one, white space aside.
    fn check_start(&self, path: &Path) -> Result<(), Error> {
        let unreadable = |error| wrong(path, format!("cannot be read: {error}"));
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(wrong(path, "is no regular file"));
        }
        let mut start = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(256).read_to_end(&mut start))
            .map_err(unreadable)?;
        let is_record = start.first().is_some_and(|&label| label < 20);
        match jackpot_net::foreign(&start).filter(|_| !is_record) {
            Some(what) => Err(wrong(
                path,
                format!("is no file of the set's binary version but {what}"),
            )),
            None => Ok(()),
        }
    }

    fn check_length(
        &self,
        path: &Path,
        name: &str,
        bytes: u64,
        partial: bool,
    ) -> Result<usize, Error> {
        let record = self.record() as u64;
        let published = self.published_rows(name) as u64;
        let expected = format!(
            "{} bytes ({published} images of {record})",
            published * record
        );
        if bytes == published * record {
            return Ok(published as usize);
        }
        if !bytes.is_multiple_of(record) || bytes == 0 || bytes > published * record {
            return Err(wrong(
                path,
                format!(
                    "{bytes} bytes, expected {expected}: the last record ends at byte {}; copy the file again",
                    bytes / record * record
                ),
            ));
        }
        if !partial {
            return Err(wrong(
                path,
                format!(
                    "{bytes} bytes ({} images), expected {expected}: copy the file again, or say `partial = true` if a part of the set is meant",
                    bytes / record
                ),
            ));
        }
        Ok((bytes / record) as usize)
    }

    /// Hashes the files and checks every label.
    pub(crate) fn open(&self, folder: &Path, partial: bool) -> Result<Vec<SourceFile>, Error> {
        // Training and test rows of each class.
        let mut counts = [vec![0; 256], vec![0; 256]];
        let files = self.files().map(|name| {
            let bytes = self.load(folder, name, partial)?;
            for record in bytes.chunks_exact(self.record()) {
                let label = usize::from(record[self.labels - 1]);
                counts[usize::from(name == self.test)][label] += 1;
            }
            Ok(SourceFile {
                name: name.to_owned(),
                sha256: Sha256::digest(&bytes).into(),
                bytes: bytes.len() as u64,
            })
        });
        let files: Vec<SourceFile> = files.collect::<Result<_, Error>>()?;
        if !partial {
            self.check_counts(folder, &counts)?;
        }
        Ok(files)
    }

    /// As published, every class has as many images as another.
    fn check_counts(&self, folder: &Path, counts: &[Vec<usize>; 2]) -> Result<(), Error> {
        for (part, counts) in ["training", "test"].into_iter().zip(counts) {
            let counts = &counts[..self.classes as usize];
            if let Some(class) = counts.iter().position(|&count| count != counts[0]) {
                return Err(wrong(
                    folder,
                    format!(
                        "is not the published set: {} {part} images of class {class}, {} of class 0: copy the files again, or say `partial = true` if other images are meant",
                        counts[class], counts[0]
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Whether a folder holds no file of the binary version, but the images in class folders.
    pub(crate) fn is_class_folders(&self, folder: &Path) -> bool {
        self.names.is_some()
            && folder.join("train").is_dir()
            && !self.files().any(|name| folder.join(name).exists())
    }

    /// The images of `train/CLASS/` and `test/CLASS/` (or `val/CLASS/`), each with the label
    /// that is published for its class.
    pub(crate) fn class_folders(&self, folder: &Path, partial: bool) -> Result<Tree, Error> {
        let mut tree = tree::image_folder(folder)?;
        let names = self.names.unwrap_or_default();
        let mut labels = Vec::new();
        for class in &tree.classes {
            let label = names.iter().position(|name| name == class);
            labels.push(label.ok_or_else(|| {
                wrong(
                    &folder.join("train").join(class),
                    format!("is no class of the set: expected {}", names.join(", ")),
                )
            })?);
        }
        let mut counts = [vec![0; names.len()], vec![0; names.len()]];
        for (part, counts) in [&mut tree.train, &mut tree.test]
            .into_iter()
            .zip(&mut counts)
        {
            for leaf in part {
                let label = labels[leaf.label as usize];
                counts[label] += 1;
                leaf.label = label as u32;
            }
        }
        if partial {
            return Ok(tree);
        }
        let missing = names
            .iter()
            .find(|name| !tree.classes.iter().any(|class| class == *name));
        if let Some(missing) = missing {
            return Err(wrong(
                &folder.join("train").join(missing),
                "not found: expected a folder of every class of the set, or `partial = true` if a part of it is meant",
            ));
        }
        let found = [tree.train.len(), tree.test.len()];
        let published = [self.rows[0] * self.train.len(), self.rows[1]];
        if found != published {
            return Err(wrong(
                folder,
                format!(
                    "holds {} + {} images, expected {} + {}: copy them again, or say `partial = true` if a part of the set is meant",
                    found[0], found[1], published[0], published[1]
                ),
            ));
        }
        self.check_counts(folder, &counts)?;
        Ok(tree)
    }

    /// Training and test images in the order of their files, whichever form these have.
    pub(crate) fn images(&self, source: &Source, folder: &Path) -> Result<[Images; 2], Error> {
        match source.tree {
            Some(_) => canonical::class_folders(source, SIDE),
            None => self.read(source, folder),
        }
    }

    fn load(&self, folder: &Path, name: &str, partial: bool) -> Result<Vec<u8>, Error> {
        let path = folder.join(name);
        let unreadable = |error| wrong(&path, format!("cannot be read: {error}"));
        let facts = std::fs::metadata(&path).map_err(unreadable)?;
        if !facts.is_file() {
            return Err(wrong(&path, "is no regular file"));
        }
        self.check_start(&path)?;
        // Before reading: a file of another length may not fit the memory.
        self.check_length(&path, name, facts.len(), partial)?;
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        self.check_length(&path, name, bytes.len() as u64, partial)?;
        for (row, record) in bytes.chunks_exact(self.record()).enumerate() {
            let label = record[self.labels - 1];
            if u32::from(label) >= self.classes {
                return Err(wrong(
                    &path,
                    format!(
                        "byte {}: label {label} of row {row}, expected 0 to {}: is it another set's file?",
                        row * self.record() + self.labels - 1,
                        self.classes - 1
                    ),
                ));
            }
        }
        Ok(bytes)
    }

    /// Training and test images, after checking that the files are those that were hashed.
    fn read(&self, source: &Source, folder: &Path) -> Result<[Images; 2], Error> {
        let part = |names: &[&str]| -> Result<Images, Error> {
            let mut images = Images {
                channels: 3,
                height: SIDE,
                width: SIDE,
                pixels: Vec::new(),
                labels: Vec::new(),
            };
            for name in names {
                let bytes = self.load(folder, name, true)?;
                source.check(name, &bytes)?;
                for record in bytes.chunks_exact(self.record()) {
                    images.labels.push(i64::from(record[self.labels - 1]));
                    images.pixels.extend_from_slice(&record[self.labels..]);
                }
            }
            Ok(images)
        };
        Ok([part(self.train)?, part(&[self.test])?])
    }
}
