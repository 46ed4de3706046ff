//! `[data]`: which images, how they are prepared, and how they are opened.
use crate::{Error, messages::at};
use jackpot_data::{Info, Layout, OpenOptions, Preparation, RowOrder, Source};
use jackpot_store::Digest;
use serde::Deserialize;
use std::{
    env,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSection {
    pub set: String,
    pub folder: Option<PathBuf>,
    #[serde(default)]
    pub partial: bool,
    #[serde(default)]
    pub order: RowOrder,
    pub classes: Option<u32>,
    pub train_rows: Option<u32>,
    pub test_rows: Option<u32>,
    pub resize: Option<u32>,
    pub crop: Option<u32>,
    pub pad_to: Option<u32>,
    pub train_subset: Option<u32>,
    pub memory_mb: Option<u32>,
    /// Of a trial: the training rows of the whole set, where the folder may hold fewer.
    #[serde(skip)]
    pub whole_rows: Option<u32>,
}

/// The data set and how its images are prepared.
#[derive(Clone, Debug)]
pub struct DataSettings {
    /// As `jackpot list` names it.
    pub set: String,
    /// Absolute, or relative to where the program runs (the study's own folder is joined).
    pub folder: Option<PathBuf>,
    /// The folder holds a part of the published set.
    pub partial: bool,
    /// The order of the rows.
    pub order: RowOrder,
    /// Resize, cut, pad, subset.
    pub preparation: Preparation,
    /// Channels, height, width after preparation.
    pub image: [u32; 3],
    /// Training rows after preparation.
    pub train_rows: u32,
    /// Test rows after preparation.
    pub test_rows: u32,
    /// Bytes up to which a data object is held in memory; no result depends on it.
    pub memory: u64,
}

/// Data objects up to this size are held unless the study says otherwise.
const HELD_MB: u32 = 1024;

impl DataSettings {
    /// Bytes of the training rows as a data object, its header aside.
    pub fn train_bytes(&self) -> u64 {
        let image: u64 = self.image.iter().map(|&side| u64::from(side)).product();
        u64::from(self.train_rows) * (image + 8)
    }

    /// Why the files cannot be here, and how to get them; `None` if there is a folder, or none is
    /// needed.
    pub(crate) fn missing(&self) -> Option<String> {
        let folder = self.folder.as_deref().filter(|f| !f.exists())?;
        let how = match self.set.as_str() {
            "fashion-mnist" => {
                "`apt-get install dataset-fashion-mnist` unpacks it into /usr/share/datasets/fashion-mnist"
                    .to_owned()
            }
            "image-folder" => "it holds `train/CLASS/` and `val/CLASS/`".to_owned(),
            set => format!("`jackpot data fetch {set} --to FOLDER` downloads it and says its `folder`"),
        };
        Some(format!(
            "the images of `{}` are not here: no folder {}; {how}",
            self.set,
            folder.display()
        ))
    }

    /// The set as it is published, without its files.
    pub(crate) fn absent(&self) -> Result<Source, Error> {
        let info = jackpot_data::info(&self.set).map_err(at("data.set"))?;
        Ok(Source::absent(info, self.folder.as_deref()))
    }

    /// Finds and hashes the files, and compares them with what the study was read with.
    pub(crate) fn open(&self, classes: u32) -> Result<Source, Error> {
        if let Some(missing) = self.missing() {
            return Err(Error(format!("`data.folder`: {missing}")));
        }
        let sums = self.folder.as_deref().and_then(sums_file);
        let access = OpenOptions {
            folder: self.folder.as_deref(),
            partial: self.partial,
            order: self.order,
            sums: sums.as_deref(),
        };
        let source = jackpot_data::open_as(&self.set, &access).map_err(at("data"))?;
        let found =
            jackpot_data::prepared_shape(&source.info, &self.preparation).map_err(at("data"))?;
        let expected = (self.image, self.train_rows, self.test_rows);
        if (found, source.info.classes) != (expected, classes) {
            return Err(Error(format!(
                "`data`: expected {} + {} images of {classes} classes, the folder gives {} + {} of {}",
                expected.1, expected.2, found.1, found.2, source.info.classes
            )));
        }
        Ok(source)
    }
}

/// Reads the section: the choice and the number of classes.
pub(crate) fn choice(section: &DataSection, folder: &Path) -> Result<(DataSettings, u32), Error> {
    let published = jackpot_data::info(&section.set).map_err(at("data.set"))?;
    if !published.embedded && section.folder.is_none() {
        return Err(Error(format!(
            "`data.folder`: expected the folder that holds the files of `{}`, found nothing; write `folder = \"…\"` (relative to {})",
            published.name,
            folder.display()
        )));
    }
    published.takes_order(section.order).map_err(at("data"))?;
    let place = section.folder.as_ref().map(|f| folder.join(f));
    let info = facts(section, published, place.as_deref())?;
    let preparation = Preparation {
        resize: section.resize,
        crop: section.crop,
        pad_to: section.pad_to,
        // A trial takes what is here.
        train_subset: match section.whole_rows {
            Some(_) => section.train_subset.map(|n| n.min(info.train_rows)),
            None => section.train_subset,
        },
    };
    let (image, train_rows, test_rows) =
        jackpot_data::prepared_shape(&info, &preparation).map_err(at("data"))?;
    let choice = DataSettings {
        set: section.set.clone(),
        folder: place,
        partial: section.partial,
        order: section.order,
        preparation,
        image,
        train_rows,
        test_rows,
        memory: u64::from(section.memory_mb.unwrap_or(HELD_MB)) << 20,
    };
    Ok((choice, info.classes))
}

/// What the set holds: as published, as the study says, or as its folder is found. Only the
/// last needs the folder, so that a report can be drawn where the images are not.
fn facts(section: &DataSection, published: &Info, folder: Option<&Path>) -> Result<Info, Error> {
    let open_ended = section.partial || published.layout == Layout::ImageFolder;
    let stated = [section.classes, section.train_rows, section.test_rows];
    if stated != [None; 3] && !open_ended {
        return Err(Error(format!(
            "`data`: `classes`, `train_rows` and `test_rows` of `{}` are known: remove them",
            published.name
        )));
    }
    if !open_ended {
        return Ok(published.clone());
    }
    match stated {
        [Some(classes), Some(train_rows), Some(test_rows)] => {
            if classes == 0 || train_rows == 0 || test_rows == 0 {
                return Err(Error(
                    "`data`: expected `classes`, `train_rows` and `test_rows` of at least 1".into(),
                ));
            }
            let known_side = published.image[1] > 0 || section.resize.is_some();
            if !known_side {
                return Err(Error(
                    "`data.resize`: expected the shorter side of the images beside `train_rows`, found nothing".into(),
                ));
            }
            Ok(Info {
                classes,
                train_rows,
                test_rows,
                ..published.clone()
            })
        }
        [None, None, None] => {
            let access = OpenOptions {
                folder,
                partial: section.partial,
                order: section.order,
                sums: None,
            };
            jackpot_data::survey(&section.set, &access).map_err(|e| {
                Error(format!(
                    "`data.folder`: {e}; where the images are not at hand, `classes`, `train_rows` and `test_rows` say what they are"
                ))
            })
        }
        _ => Err(Error(
            "`data`: expected all of `classes`, `train_rows` and `test_rows`, or none".into(),
        )),
    }
}

/// Where the sums of a folder's files are kept: in the user's cache, never in the store.
pub(crate) fn sums_file(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
    let digest = Digest::of(folder.as_os_str().as_encoded_bytes()).to_string();
    Some(cache.join("jackpot").join("sums").join(&digest[..16]))
}
