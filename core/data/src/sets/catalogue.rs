//! The data sets we know, and opening them.

use crate::{
    Error, Images,
    formats::{
        canonical::{self, RowOrder},
        cifar::{CIFAR10, CIFAR100, Cifar},
        decode, idx_set,
        tree::{self, Tree, wrong},
    },
    hex,
    sets::manifest::{self, Sums},
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the files of a set are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One IDX file for images, one for labels, plain or in gzip.
    Idx,
    /// Files of records, a label and an image each.
    Cifar,
    /// `wnids.txt`, `train/WNID/images/`, `val/images/`, `val/val_annotations.txt`.
    TinyImageNet,
    /// A folder a class.
    ImageFolder,
}

impl Layout {
    /// Whether every image is a file of its own.
    pub(crate) fn is_tree(self) -> bool {
        matches!(self, Layout::TinyImageNet | Layout::ImageFolder)
    }
}

/// What `jackpot list` prints of a data set.
#[derive(Clone, Debug)]
pub struct Info {
    /// Its name in a study.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Number of classes; labels are 0 to classes − 1. 0 where the folder says.
    pub classes: u32,
    /// Channels, height, width as stored; 0 where the folder says.
    pub image: [u32; 3],
    /// Training images before `train_subset`; 0 where the folder says.
    pub train_rows: u32,
    /// Test images; 0 where the folder says.
    pub test_rows: u32,
    /// Embedded, or needs `folder`.
    pub embedded: bool,
    /// The licence of the images, or the terms they come under.
    pub licence: &'static str,
    /// How the files are laid out.
    pub layout: Layout,
}

impl Info {
    /// Whether a part of the set can be told from the whole: it was published, in files that
    /// have to be here.
    pub fn has_parts(&self) -> bool {
        !self.embedded && self.layout != Layout::ImageFolder
    }

    /// Refuses an order of rows that is not defined for the set.
    pub fn takes_order(&self, order: RowOrder) -> Result<(), Error> {
        let defined = |info: &Info| cifar(info).is_some_and(|cifar| cifar.names.is_some());
        if order.is_stored() || defined(self) {
            return Ok(());
        }
        let with: Vec<String> = CATALOGUE
            .iter()
            .filter(|info| defined(info))
            .map(|info| format!("`{}`", info.name))
            .collect();
        Err(Error::Invalid(format!(
            "`order`: expected `stored` with `{}`, found `canonical`, which is defined for {}",
            self.name,
            with.join(", ")
        )))
    }
}

/// One file a data set is read from, or the manifest of a folder of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// File name without its folder; `manifest` for the manifest.
    pub name: String,
    /// The sha256 of the file as it lies, packed or not.
    pub sha256: [u8; 32],
    /// Length of the file as it lies; of all files of a manifest.
    pub bytes: u64,
}

/// Where a set lies, and what may be taken for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions<'a> {
    /// The folder of the files; None for an embedded set.
    pub folder: Option<&'a Path>,
    /// A part of the published set is meant: whatever whole images are there are all of it.
    pub partial: bool,
    /// A file in which the sums of a folder of images are kept from one run to the next.
    pub sums: Option<&'a Path>,
    /// The order of the rows; canonical, the images may also lie in class folders.
    pub order: RowOrder,
}

/// A data set ready to prepare: its files are hashed, not yet decoded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name in the catalogue.
    pub set: String,
    /// What the set is, as found.
    pub info: Info,
    /// Where the files are; None for an embedded set.
    pub folder: Option<PathBuf>,
    /// Images before labels, training before test; for a folder of images its manifest.
    pub files: Vec<SourceFile>,
    /// The images of a folder, with their sums.
    pub(crate) tree: Option<Arc<(Tree, Sums)>>,
    /// The sum of the rows, where their order is canonical.
    pub(crate) canonical: Option<SourceFile>,
}

impl Source {
    /// A set whose files are not here: it can be planned with, and nothing can be read of it.
    pub fn absent(info: &Info, folder: Option<&Path>) -> Source {
        Source {
            set: info.name.to_owned(),
            info: info.clone(),
            folder: folder.map(Path::to_owned),
            files: Vec::new(),
            tree: None,
            canonical: None,
        }
    }

    /// What a recipe names: the files, or the rows where their order is canonical.
    pub fn named(&self) -> &[SourceFile] {
        match &self.canonical {
            Some(rows) => std::slice::from_ref(rows),
            None => &self.files,
        }
    }

    /// Are these the bytes of the file `name` that [`open`] hashed?
    pub(crate) fn check(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let known = match &self.tree {
            Some(tree) => tree.1.get(name).map(|sum| sum.sha256),
            None => {
                let file = self.files.iter().find(|file| file.name == name);
                file.map(|file| file.sha256)
            }
        };
        let found: [u8; 32] = Sha256::digest(bytes).into();
        if known == Some(found) {
            return Ok(());
        }
        let folder = self.folder.as_deref().unwrap_or(Path::new("embedded"));
        let was = known.map_or_else(|| "not known".to_owned(), |sum| hex(&sum));
        Err(wrong(
            &folder.join(name),
            format!(
                "changed since it was opened: sha256 was {was}, is {}",
                hex(&found)
            ),
        ))
    }
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
        layout: Layout::Idx,
    }
}

const fn colour(name: &'static str, summary: &'static str, layout: Layout) -> Info {
    Info {
        name,
        summary,
        classes: 0,
        image: [3, 0, 0],
        train_rows: 0,
        test_rows: 0,
        embedded: false,
        licence: "",
        layout,
    }
}

static CATALOGUE: [Info; 8] = [
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
    Info {
        classes: 10,
        image: [3, 32, 32],
        train_rows: 50_000,
        test_rows: 10_000,
        licence: "none stated by the publisher",
        ..colour(
            "cifar-10",
            "tiny photographs of ten things (Krizhevsky 2009), binary version",
            Layout::Cifar,
        )
    },
    Info {
        classes: 100,
        image: [3, 32, 32],
        train_rows: 50_000,
        test_rows: 10_000,
        licence: "none stated by the publisher",
        ..colour(
            "cifar-100",
            "tiny photographs of a hundred things, fine labels (Krizhevsky 2009), binary version",
            Layout::Cifar,
        )
    },
    Info {
        classes: 200,
        image: [3, 64, 64],
        train_rows: 100_000,
        test_rows: 10_000,
        licence: "none stated; photographs of ImageNet: research and education only",
        ..colour(
            "tiny-imagenet",
            "ImageNet's photographs at 64×64 (Stanford CS231n), as `tiny-imagenet-200.zip` unpacks; tested on its validation images",
            Layout::TinyImageNet,
        )
    },
    Info {
        licence: "that of your images; ImageNet's own: research and education only, from image-net.org after its consent form",
        ..colour(
            "image-folder",
            "JPEG or PNG images in `train/CLASS/` and `val/CLASS/` (else `test/CLASS/`): ImageNet and one's own",
            Layout::ImageFolder,
        )
    },
];

/// Every data set that [`open`] knows, by name.
pub fn list() -> &'static [Info] {
    &CATALOGUE
}

/// The data set of this name, as published.
pub fn info(set: &str) -> Result<&'static Info, Error> {
    CATALOGUE.iter().find(|i| i.name == set).ok_or_else(|| {
        let known: Vec<String> = CATALOGUE.iter().map(|i| format!("`{}`", i.name)).collect();
        Error::Invalid(format!(
            "unknown data set `{set}`: known are {}",
            known.join(", ")
        ))
    })
}

/// Finds and hashes the whole published set; an embedded set needs no folder. Size and sha256
/// are checked where they are known (of an unpacked KMNIST file only the size is).
pub fn open(set: &str, folder: Option<&Path>) -> Result<Source, Error> {
    open_as(
        set,
        &OpenOptions {
            folder,
            ..OpenOptions::default()
        },
    )
}

/// What the set is as it lies there: classes and rows of a folder are counted, no image but
/// the first is read.
pub fn survey(set: &str, access: &OpenOptions) -> Result<Info, Error> {
    Ok(surveyed(set, access)?.0)
}

/// As [`open`], with the choices of `access`.
pub fn open_as(set: &str, access: &OpenOptions) -> Result<Source, Error> {
    let mut source = opened(set, access)?;
    if access.order == RowOrder::Canonical {
        let rows = canonical::named(&source, access.sums, || stored(&source))?;
        source.canonical = Some(rows);
    }
    Ok(source)
}

/// Training and test images of a CIFAR set in the order of its files.
pub(crate) fn stored(source: &Source) -> Result<[Images; 2], Error> {
    match (cifar(&source.info), &source.folder) {
        (Some(cifar), Some(folder)) => cifar.images(source, folder),
        _ => Err(Error::Invalid(format!(
            "data set `{}` was not opened as records in a folder",
            source.set
        ))),
    }
}

fn opened(set: &str, access: &OpenOptions) -> Result<Source, Error> {
    let (info, tree) = surveyed(set, access)?;
    let source = |files, tree| Source {
        set: set.to_owned(),
        info: info.clone(),
        folder: access.folder.map(Path::to_owned),
        files,
        tree,
        canonical: None,
    };
    let Some(folder) = access.folder else {
        return Ok(source(idx_set::open(&info, None, false)?, None));
    };
    let Some(tree) = tree else {
        let files = match cifar(&info) {
            Some(cifar) => cifar.open(folder, access.partial)?,
            None => idx_set::open(&info, Some(folder), access.partial)?,
        };
        return Ok(source(files, None));
    };
    let known = access.sums.map(manifest::recall).unwrap_or_default();
    let sums = manifest::hash(folder, &tree, &known)?;
    if let Some(file) = access.sums
        && sums != known
    {
        manifest::remember(file, &sums);
    }
    let (sha256, bytes) = manifest::digest(&sums);
    let files = vec![SourceFile {
        name: "manifest".to_owned(),
        sha256,
        bytes,
    }];
    Ok(source(files, Some(Arc::new((tree, sums)))))
}

/// The format of a CIFAR set.
pub(crate) fn cifar(info: &Info) -> Option<&'static Cifar> {
    match (info.layout, info.name) {
        (Layout::Cifar, "cifar-100") => Some(&CIFAR100),
        (Layout::Cifar, _) => Some(&CIFAR10),
        _ => None,
    }
}

fn surveyed(set: &str, access: &OpenOptions) -> Result<(Info, Option<Tree>), Error> {
    let published = info(set)?;
    let mut info = published.clone();
    let folder = match (info.embedded, access.folder) {
        (true, Some(folder)) => {
            return Err(Error::Invalid(format!(
                "data set `{set}` is embedded: remove `folder = \"{}\"`",
                folder.display()
            )));
        }
        (false, None) => return Err(Error::Invalid(no_folder(&info))),
        (_, folder) => folder,
    };
    if access.partial && !info.has_parts() {
        return Err(Error::Invalid(format!(
            "`partial`: expected with a published set that is read from files, found with `{set}`: remove it"
        )));
    }
    info.takes_order(access.order)?;
    let Some(folder) = folder else {
        return Ok((info, None));
    };
    if let Some(cifar) = cifar(&info) {
        if access.order == RowOrder::Canonical && cifar.is_class_folders(folder) {
            let tree = cifar.class_folders(folder, access.partial)?;
            info.train_rows = count(folder, tree.train.len())?;
            info.test_rows = count(folder, tree.test.len())?;
            return Ok((info, Some(tree)));
        }
        [info.train_rows, info.test_rows] = cifar.rows(folder, access.partial)?;
    } else if access.partial && info.layout == Layout::Idx {
        [info.train_rows, info.test_rows] = idx_set::rows(set, folder)?;
    }
    if !info.layout.is_tree() {
        return Ok((info, None));
    }
    let tree = match info.layout {
        Layout::TinyImageNet => tree::tiny_imagenet(folder)?,
        _ => tree::image_folder(folder)?,
    };
    info.classes = count(folder, tree.classes.len())?;
    info.train_rows = count(folder, tree.train.len())?;
    info.test_rows = count(folder, tree.test.len())?;
    let facts = |i: &Info| [i.classes, i.train_rows, i.test_rows];
    if info.layout == Layout::TinyImageNet {
        if !access.partial && facts(&info) != facts(published) {
            return Err(wrong(
                folder,
                format!(
                    "holds {} + {} images of {} classes, expected {} + {} of {}: unpack the archive again, or say `partial = true` if a part of the set is meant",
                    info.train_rows,
                    info.test_rows,
                    info.classes,
                    published.train_rows,
                    published.test_rows,
                    published.classes
                ),
            ));
        }
    } else {
        let first = folder.join(&tree.train[0].path);
        let bytes = std::fs::read(&first)
            .map_err(|error| wrong(&first, format!("cannot be read: {error}")))?;
        let (width, height) = decode::size(&bytes).map_err(|message| wrong(&first, message))?;
        info.image = [3, height as u32, width as u32];
    }
    Ok((info, Some(tree)))
}

fn count(folder: &Path, count: usize) -> Result<u32, Error> {
    u32::try_from(count).map_err(|_| {
        wrong(
            folder,
            format!("holds {count} images, more than can be counted"),
        )
    })
}

fn no_folder(info: &Info) -> String {
    let what = match info.layout {
        Layout::Idx => {
            let published = crate::sets::published::published(info.name).unwrap_or_default();
            let names: Vec<_> = published.iter().map(|f| f.name).collect();
            format!(
                "that holds its published files {}, each plain or with `.gz`",
                names.join(", ")
            )
        }
        Layout::Cifar => {
            let names: Vec<_> = cifar(info).iter().flat_map(|cifar| cifar.files()).collect();
            format!("that holds its published files {}", names.join(", "))
        }
        Layout::TinyImageNet => "that holds `wnids.txt`, `train` and `val`".to_owned(),
        Layout::ImageFolder => {
            "that holds `train` and `val` (or `test`), a folder a class".to_owned()
        }
    };
    format!("data set `{}` needs `folder`: the folder {what}", info.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::idx::Shape;
    use crate::sets::published::published;

    #[test]
    fn every_set_has_the_files_that_its_info_promises() {
        for info in list().iter().filter(|info| info.layout == Layout::Idx) {
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
