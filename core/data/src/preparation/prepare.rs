//! From stored files to the study's images: split, subset, resize, cut, pad, normalisation.
//!
//! A part is read in blocks of images, so that a set of any size can be prepared in the memory
//! of one block: [`prepare`] keeps the blocks, [`write_prepared`] writes them as it goes.

use crate::formats::tree::{Leaf, wrong};
use crate::images::Layout as Object;
use crate::preparation::normalisation::{Moments, Normalisation};
use crate::preparation::transform::{average_pool, cut, pad};
use crate::{
    Error, Images, Info, Source, formats::canonical, formats::decode, formats::idx_set,
    preparation::resample, sets::catalogue,
};
use rayon::prelude::*;
use std::io::Write;
use std::path::Path;

/// How stored images become the study's images, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// A folder of images: the shorter side after resizing with Pillow's bilinear filter, the
    /// longer keeping the ratio. Others: the side after average pooling, which must divide the
    /// stored side; means are rounded to the nearest u8, halves up.
    pub resize: Option<u32>,
    /// Side of the square that is cut from the middle; a folder of images is cut to the side
    /// that it was resized to unless this says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<u32>,
    /// Side after zero padding on all sides; an odd remainder goes below and right.
    pub pad_to: Option<u32>,
    /// The first n training rows, balanced over the classes.
    pub train_subset: Option<u32>,
}

/// A data set as a study uses it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Training images, in stored order.
    pub train: Images,
    /// Test images, in stored order.
    pub test: Images,
    /// Number of classes.
    pub classes: u32,
    /// Per channel, of pixels scaled to 0..1.
    pub normalisation: Normalisation,
}

/// Images decoded at once: enough for every thread, little memory.
const BLOCK: usize = 256;

/// Decodes and prepares a data set. Mean and standard deviation are those of the prepared
/// training images, padding included.
pub fn prepare(source: &Source, preparation: &Preparation) -> Result<Prepared, Error> {
    let (train, test) = parts(source, preparation)?;
    let mut moments = Moments::default();
    let held = |part: &Part, see: &mut dyn FnMut(&Images)| -> Result<Images, Error> {
        let [channels, height, width] = part.shape;
        let mut images = Images {
            channels,
            height,
            width,
            pixels: Vec::new(),
            labels: part.labels.clone(),
        };
        part.each_block(&mut |block| {
            see(block);
            images.pixels.extend_from_slice(&block.pixels);
            Ok(())
        })?;
        Ok(images)
    };
    Ok(Prepared {
        train: held(&train, &mut |block| moments.add(block))?,
        test: held(&test, &mut |_| ())?,
        classes: source.info.classes,
        normalisation: moments.normalisation()?,
    })
}

/// As [`prepare`], written as data objects (the bytes of [`Images::to_safetensors`]) in the
/// memory of one block. `seen` hears how many images of all are done.
pub fn write_prepared(
    source: &Source,
    preparation: &Preparation,
    outputs: [&mut dyn Write; 2],
    seen: &mut dyn FnMut(u64, u64),
) -> Result<Normalisation, Error> {
    let (train, test) = parts(source, preparation)?;
    let mut moments = Moments::default();
    let all = (train.labels.len() + test.labels.len()) as u64;
    let mut done = 0;
    let failed = |error: std::io::Error| Error::Invalid(format!("a prepared data set: {error}"));
    for (number, (part, output)) in [&train, &test].into_iter().zip(outputs).enumerate() {
        let object = Object {
            rows: part.labels.len(),
            shape: part.shape,
        };
        output.write_all(&object.header()).map_err(failed)?;
        for label in &part.labels {
            output.write_all(&label.to_le_bytes()).map_err(failed)?;
        }
        part.each_block(&mut |block| {
            if number == 0 {
                moments.add(block);
            }
            done += block.rows() as u64;
            seen(done, all);
            output.write_all(&block.pixels).map_err(failed)
        })?;
        output.flush().map_err(failed)?;
    }
    moments.normalisation()
}

/// Image shape (channels, height, width) and the numbers of training and test rows after
/// preparation, without reading pixels (for plans). Refuses what cannot be done.
pub fn prepared_shape(
    info: &Info,
    preparation: &Preparation,
) -> Result<([u32; 3], u32, u32), Error> {
    let invalid = |message: String| Err(Error::Invalid(message));
    let mut side = if info.layout.is_tree() {
        resized(info, preparation)?
    } else {
        pooled(info, preparation)?
    };
    if let Some(crop) = preparation.crop {
        if !(1..=side).contains(&crop) {
            return invalid(format!(
                "`crop`: {crop} is not within 1 to {side} (the side of the images)"
            ));
        }
        side = crop;
    }
    if let Some(pad_to) = preparation.pad_to {
        if !(side..=MAX_SIDE).contains(&pad_to) {
            return invalid(format!(
                "`pad_to`: {pad_to} is not within {side} (the side of the images) to {MAX_SIDE}"
            ));
        }
        side = pad_to;
    }
    let mut rows = info.train_rows;
    if let Some(subset) = preparation.train_subset {
        if subset == 0 || subset > rows {
            return invalid(format!(
                "`train_subset`: {subset} is not within 1 to the {rows} training rows of `{}`",
                info.name
            ));
        }
        if !subset.is_multiple_of(info.classes) {
            return invalid(format!(
                "`train_subset`: {subset} rows cannot be balanced over {} classes: take a multiple of {}",
                info.classes, info.classes
            ));
        }
        rows = subset;
    }
    Ok(([info.image[0], side, side], rows, info.test_rows))
}

/// How many training rows each class has after preparation, as far as no image has to be read
/// for it (for plans): of a subset, which is balanced, and of folders, whose names are labels.
///
/// # Errors
/// A class of too few rows for the subset.
pub fn class_rows(source: &Source, preparation: &Preparation) -> Result<Option<Vec<u64>>, Error> {
    let info = &source.info;
    let (_, rows, _) = prepared_shape(info, preparation)?;
    let tree = source.tree.as_ref().filter(|_| info.layout.is_tree());
    let labels = tree.map(|tree| {
        let leaves = tree.0.train.iter();
        leaves.map(|l| i64::from(l.label)).collect::<Vec<_>>()
    });
    if preparation.train_subset.is_some() || info.embedded {
        if let Some(labels) = &labels {
            balanced_rows(labels, rows, info)?;
        }
        let each = u64::from(rows / info.classes.max(1));
        return Ok(Some(vec![each; info.classes as usize]));
    }
    Ok(labels.map(|labels| {
        let mut counts = vec![0; info.classes as usize];
        labels.iter().for_each(|&y| counts[y as usize] += 1);
        counts
    }))
}

/// Largest side after padding or resizing: beyond it a typing error would fill the memory.
const MAX_SIDE: u32 = 512;

/// The side after average pooling.
fn pooled(info: &Info, preparation: &Preparation) -> Result<u32, Error> {
    let side = info.image[1];
    let Some(resize) = preparation.resize else {
        return Ok(side);
    };
    if resize == 0 || !side.is_multiple_of(resize) {
        let divisors: Vec<String> = (1..=side)
            .filter(|d| side.is_multiple_of(*d))
            .map(|d| d.to_string())
            .collect();
        return Err(Error::Invalid(format!(
            "`resize`: {resize} does not divide the side {side} of `{}`: one of {}",
            info.name,
            divisors.join(", ")
        )));
    }
    Ok(resize)
}

/// The side that can be cut from every image of a folder.
fn resized(info: &Info, preparation: &Preparation) -> Result<u32, Error> {
    let [_, height, width] = info.image;
    match (preparation.resize, preparation.crop) {
        (Some(resize), _) if (1..=MAX_SIDE).contains(&resize) => Ok(resize),
        (Some(resize), _) => Err(Error::Invalid(format!(
            "`resize`: {resize} is not within 1 to {MAX_SIDE}"
        ))),
        (None, Some(_)) => Ok(MAX_SIDE.min(height).min(width)),
        (None, None) if height == width && height <= MAX_SIDE => Ok(height),
        (None, None) => Err(Error::Invalid(format!(
            "the first image of `{}` has {height}×{width} pixels: say `resize` (the shorter side) and, if it is to be smaller, `crop`, both at most {MAX_SIDE}",
            info.name
        ))),
    }
}

/// Where a part's images are.
enum Stored<'a> {
    Held(Images),
    Files(&'a [Leaf]),
}

/// Training or test images, to be read block by block.
struct Part<'a> {
    source: &'a Source,
    preparation: &'a Preparation,
    stored: Stored<'a>,
    /// The stored rows that are taken.
    rows: Vec<u32>,
    /// The labels of these rows.
    labels: Vec<i64>,
    /// Channels, height, width when prepared.
    shape: [u32; 3],
}

fn parts<'a>(
    source: &'a Source,
    preparation: &'a Preparation,
) -> Result<(Part<'a>, Part<'a>), Error> {
    let info = &source.info;
    let (shape, train_rows, _) = prepared_shape(info, preparation)?;
    let part = |stored: Stored<'a>, subset: Option<u32>| -> Result<Part<'a>, Error> {
        let labels: Vec<i64> = match &stored {
            Stored::Held(images) => images.labels.clone(),
            Stored::Files(leaves) => leaves.iter().map(|leaf| i64::from(leaf.label)).collect(),
        };
        let rows = match subset {
            Some(rows) => balanced_rows(&labels, rows, info)?,
            None => (0..labels.len() as u32).collect(),
        };
        Ok(Part {
            source,
            preparation,
            stored,
            labels: rows.iter().map(|&row| labels[row as usize]).collect(),
            rows,
            shape,
        })
    };
    // Class folders of a set whose records are held are read as these records.
    let tree = source.tree.as_ref().filter(|_| info.layout.is_tree());
    let (train, test) = match tree {
        Some(tree) => (Stored::Files(&tree.0.train), Stored::Files(&tree.0.test)),
        None => {
            let [train, test] = held(source)?;
            (Stored::Held(train), Stored::Held(test))
        }
    };
    let subset = preparation.train_subset.map(|_| train_rows);
    Ok((part(train, subset)?, part(test, None)?))
}

impl Part<'_> {
    /// Prepares the images in stored order, a block at a time.
    fn each_block(&self, see: &mut dyn FnMut(&Images) -> Result<(), Error>) -> Result<(), Error> {
        for (rows, labels) in self.rows.chunks(BLOCK).zip(self.labels.chunks(BLOCK)) {
            let mut block = match &self.stored {
                Stored::Held(images) => self.pooled(images.take(rows)),
                Stored::Files(leaves) => self.decoded(leaves, rows, labels)?,
            };
            if let Some(side) = self.preparation.crop
                && matches!(self.stored, Stored::Held(_))
            {
                block = cut(&block, side);
            }
            if let Some(side) = self.preparation.pad_to {
                block = pad(&block, side);
            }
            see(&block)?;
        }
        Ok(())
    }

    fn pooled(&self, block: Images) -> Images {
        match self.preparation.resize {
            Some(side) => average_pool(&block, side),
            None => block,
        }
    }

    /// Decodes in parallel. The first file that fails is the one that is named.
    fn decoded(&self, leaves: &[Leaf], rows: &[u32], labels: &[i64]) -> Result<Images, Error> {
        let folder = self.source.folder.as_deref().unwrap_or(Path::new("."));
        let decoded: Vec<Result<Images, Error>> = rows
            .par_iter()
            .map(|&row| self.image(folder, &leaves[row as usize]))
            .collect();
        let mut block = Images {
            channels: 3,
            height: 0,
            width: 0,
            pixels: Vec::new(),
            labels: labels.to_vec(),
        };
        for image in decoded {
            let image = image?;
            (block.height, block.width) = (image.height, image.width);
            block.pixels.extend_from_slice(&image.pixels);
        }
        Ok(block)
    }

    /// One file: checked, decoded, resized, cut.
    fn image(&self, folder: &Path, leaf: &Leaf) -> Result<Images, Error> {
        let path = folder.join(&leaf.path);
        let bytes = std::fs::read(&path)
            .map_err(|error| wrong(&path, format!("cannot be read: {error}")))?;
        self.source.check(&leaf.path, &bytes)?;
        let mut picture = decode::decode(&bytes).map_err(|message| wrong(&path, message))?;
        if let Some(side) = self.preparation.resize {
            picture = resample::shorter_side(picture, side as usize);
        }
        let asked = self.preparation.crop.or(self.preparation.resize);
        let side = asked.unwrap_or(self.source.info.image[1]) as usize;
        let (height, width) = (picture.height, picture.width);
        let exact = asked.is_none() && (height, width) != (side, side);
        if exact || height < side || width < side {
            return Err(wrong(
                &path,
                format!(
                    "is an image of {height}×{width} pixels, expected {side}×{side}: say `resize`"
                ),
            ));
        }
        let plane = |channel: usize| picture.pixels.iter().skip(channel).step_by(3);
        let planar = Images {
            channels: 3,
            height: height as u32,
            width: width as u32,
            pixels: (0..3).flat_map(plane).copied().collect(),
            labels: Vec::new(),
        };
        Ok(cut(&planar, side as u32))
    }
}

/// Training and test images of the sets that fit the memory as stored, after the embedded
/// set's split.
fn held(source: &Source) -> Result<[Images; 2], Error> {
    let info = &source.info;
    if catalogue::cifar(info).is_some() {
        let images = catalogue::stored(source)?;
        return match source.canonical {
            Some(_) => canonical::sorted(images, source),
            None => Ok(images),
        };
    }
    let images = |pixels: usize, labels: usize| -> Result<Images, Error> {
        let [channels, height, width] = info.image;
        Ok(Images {
            channels,
            height,
            width,
            pixels: idx_set::read(source, pixels)?,
            labels: idx_set::read(source, labels)?
                .into_iter()
                .map(i64::from)
                .collect(),
        })
    };
    if !info.embedded {
        return Ok([images(0, 1)?, images(2, 3)?]);
    }
    let all = images(0, 1)?;
    let train = balanced_rows(&all.labels, info.train_rows, info)?;
    let mut test: Vec<u32> = (0..all.rows() as u32).collect();
    test.retain(|row| train.binary_search(row).is_err());
    Ok([all.take(&train), all.take(&test)])
}

/// The first `rows / classes` rows of every class, in stored order.
fn balanced_rows(labels: &[i64], rows: u32, info: &Info) -> Result<Vec<u32>, Error> {
    let wanted = rows / info.classes;
    let mut taken = vec![0u32; info.classes as usize];
    let mut chosen = Vec::with_capacity(rows as usize);
    for (row, &label) in labels.iter().enumerate() {
        let count = &mut taken[label as usize];
        if *count < wanted {
            *count += 1;
            chosen.push(row as u32);
        }
    }
    match taken.iter().position(|&count| count < wanted) {
        None => Ok(chosen),
        Some(class) => Err(Error::Invalid(format!(
            "`train_subset`: class {class} of `{}` has {} rows, a balanced subset of {rows} needs {wanted}",
            info.name, taken[class]
        ))),
    }
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
