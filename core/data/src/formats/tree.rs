//! Folders of images: which files belong to a set, with which class.
//!
//! Classes are the names of the class folders in bytewise order, rows are classes in order,
//! files in bytewise order of their names within a class. Nothing is followed or skipped: a
//! link, a folder, a stray or hidden file or folder where images or classes are expected is an
//! error that names it.

use crate::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of a set, relative to its folder, not yet hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Names of the classes; a label is an index into them.
    pub(crate) classes: Vec<String>,
    /// Training images, in stored order.
    pub(crate) train: Vec<Leaf>,
    /// Test images, in stored order.
    pub(crate) test: Vec<Leaf>,
    /// Files that say what the others are.
    pub(crate) lists: Vec<String>,
}

/// One image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Relative to the set's folder, with `/`.
    pub(crate) path: String,
    pub(crate) label: u32,
}

pub(crate) fn wrong(path: &Path, message: impl Into<String>) -> Error {
    Error::File {
        path: path.to_owned(),
        message: message.into(),
    }
}

/// `train/CLASS/*` and `val/CLASS/*` (or `test/CLASS/*` where there is no `val`).
pub(crate) fn image_folder(folder: &Path) -> Result<Tree, Error> {
    let train = folder.join("train");
    let classes = class_folders(&train)?;
    let test_name = if folder.join("val").exists() {
        "val"
    } else {
        "test"
    };
    let test = folder.join(test_name);
    if !test.exists() {
        return Err(wrong(
            folder,
            "holds neither `val` nor `test`: expected the test images in one of them, a folder a class",
        ));
    }
    let found = class_folders(&test)?;
    if let Some(class) = classes.iter().find(|class| !found.contains(class)) {
        return Err(wrong(
            &test.join(class),
            "not found, but it is a class of `train`",
        ));
    }
    if let Some(class) = found.iter().find(|class| !classes.contains(class)) {
        return Err(wrong(&test.join(class), "is no class of `train`"));
    }
    let part = |name: &str| -> Result<Vec<Leaf>, Error> {
        let mut leaves = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            let place = format!("{name}/{class}");
            leaves.extend(images(folder, &place, label as u32)?);
        }
        Ok(leaves)
    };
    Ok(Tree {
        train: part("train")?,
        test: part(test_name)?,
        lists: Vec::new(),
        classes,
    })
}

/// Tiny-ImageNet: `wnids.txt`, `train/WNID/images/*`, `val/images/*` with
/// `val/val_annotations.txt`, which names each validation image's class.
pub(crate) fn tiny_imagenet(folder: &Path) -> Result<Tree, Error> {
    const ANNOTATIONS: &str = "val/val_annotations.txt";
    let mut classes: Vec<String> = text(&folder.join("wnids.txt"))?
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    classes.sort_unstable();
    if let Some(twice) = classes.windows(2).find(|pair| pair[0] == pair[1]) {
        let path = folder.join("wnids.txt");
        return Err(wrong(
            &path,
            format!("names the class `{}` twice", twice[0]),
        ));
    }
    if classes.is_empty() {
        return Err(wrong(&folder.join("wnids.txt"), "names no class"));
    }
    let found = class_folders(&folder.join("train"))?;
    if let Some(class) = classes.iter().find(|class| !found.contains(class)) {
        let path = folder.join("train").join(class);
        return Err(wrong(&path, "not found, but `wnids.txt` names it"));
    }
    if let Some(class) = found.iter().find(|class| !classes.contains(class)) {
        let path = folder.join("train").join(class);
        return Err(wrong(&path, "is no class of `wnids.txt`"));
    }
    let mut train = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let boxes = format!("{class}_boxes.txt");
        let place = format!("train/{class}");
        for (name, kind) in entries(&folder.join(&place))? {
            if name != "images" && name != boxes || kind.is_symlink() {
                let path = folder.join(&place).join(&name);
                return Err(wrong(
                    &path,
                    format!("expected only `images` and `{boxes}` here"),
                ));
            }
        }
        train.extend(images(folder, &format!("{place}/images"), label as u32)?);
    }
    let annotated = annotations(&folder.join(ANNOTATIONS), &classes)?;
    let mut test = images(folder, "val/images", 0)?;
    for leaf in &mut test {
        let name = leaf.path.rsplit('/').next().unwrap_or_default();
        leaf.label = *annotated.get(name).ok_or_else(|| {
            wrong(
                &folder.join(&leaf.path),
                format!("has no line in `{ANNOTATIONS}`"),
            )
        })?;
    }
    if test.len() != annotated.len() {
        let there: Vec<&str> = test
            .iter()
            .filter_map(|l| l.path.rsplit('/').next())
            .collect();
        let missing = annotated
            .keys()
            .find(|name| !there.contains(&name.as_str()));
        let missing = missing.map_or("", String::as_str);
        let path = folder.join("val/images").join(missing);
        return Err(wrong(
            &path,
            format!("not found, but `{ANNOTATIONS}` names it"),
        ));
    }
    Ok(Tree {
        classes,
        train,
        test,
        lists: vec![ANNOTATIONS.to_owned(), "wnids.txt".to_owned()],
    })
}

/// The class of every line `NAME<tab>CLASS<tab>…`.
fn annotations(path: &Path, classes: &[String]) -> Result<BTreeMap<String, u32>, Error> {
    let mut annotated = BTreeMap::new();
    for (number, line) in text(path)?.lines().enumerate() {
        let line_is = |message: String| wrong(path, format!("line {}: {message}", number + 1));
        let mut fields = line.split('\t');
        let (Some(name), Some(class)) = (fields.next(), fields.next()) else {
            return Err(line_is(format!(
                "expected an image's name, a tab and its class, found `{line}`"
            )));
        };
        let label = classes
            .binary_search_by(|known| known.as_str().cmp(class))
            .map_err(|_| line_is(format!("`{class}` is no class of `wnids.txt`")))?;
        if annotated.insert(name.to_owned(), label as u32).is_some() {
            return Err(line_is(format!("names `{name}` again")));
        }
    }
    Ok(annotated)
}

fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "not found: is `folder` the set's own folder?".into(),
            _ => format!("cannot be read: {error}"),
        };
        wrong(path, hint)
    })
}

/// Names of the folders of a folder that holds nothing else, in bytewise order.
fn class_folders(path: &Path) -> Result<Vec<String>, Error> {
    let mut classes = Vec::new();
    for (name, kind) in entries(path)? {
        if !kind.is_dir() {
            return Err(wrong(
                &path.join(&name),
                format!(
                    "is {}, expected a folder a class and nothing else",
                    word(kind)
                ),
            ));
        }
        classes.push(name);
    }
    if classes.is_empty() {
        return Err(wrong(path, "is empty, expected a folder a class"));
    }
    Ok(classes)
}

/// The image files of `folder/place`, all of one class.
fn images(folder: &Path, place: &str, label: u32) -> Result<Vec<Leaf>, Error> {
    let path = folder.join(place);
    let mut leaves = Vec::new();
    for (name, kind) in entries(&path)? {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let known = ["jpg", "jpeg", "png"]
            .iter()
            .any(|e| ending.eq_ignore_ascii_case(e));
        if !kind.is_file() || !known {
            return Err(wrong(
                &path.join(&name),
                format!(
                    "is {}, expected files that end in .jpg, .jpeg or .png and nothing else: move it out of the data set",
                    word(kind)
                ),
            ));
        }
        leaves.push(Leaf {
            path: format!("{place}/{name}"),
            label,
        });
    }
    if leaves.is_empty() {
        return Err(wrong(
            &path,
            "holds no image: every class needs at least one",
        ));
    }
    Ok(leaves)
}

fn word(kind: std::fs::FileType) -> &'static str {
    match (kind.is_symlink(), kind.is_dir(), kind.is_file()) {
        (true, ..) => "a symbolic link",
        (_, true, _) => "a folder",
        (_, _, true) => "another file",
        _ => "no regular file",
    }
}

/// What lies in a folder, by bytewise order of the names. Links are not followed.
fn entries(path: &Path) -> Result<Vec<(String, std::fs::FileType)>, Error> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => wrong(path, "not found: is `folder` the set's own folder?"),
        _ => wrong(path, format!("cannot be read as a folder: {error}")),
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let name = entry.file_name().into_string().map_err(|name| {
            let at = PathBuf::from(path).join(name);
            wrong(&at, "the name is not UTF-8: rename it")
        })?;
        if name.starts_with('.') {
            let what = if kind.is_dir() { "folder" } else { "file" };
            return Err(wrong(
                &path.join(&name),
                format!(
                    "is a hidden {what} (its name begins with a dot), such as programs leave behind: move it out of the data set"
                ),
            ));
        }
        if name.contains('\n') {
            return Err(wrong(
                &path.join(&name),
                "the name has a line break: rename it",
            ));
        }
        found.push((name, kind));
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
