//! The readers, and how each is fed.
use crate::bundle;
use jackpot_data::{Images, OpenOptions, Preparation, StoredRows};
use jackpot_net::{Architecture, Network};
use jackpot_prune::Mask;
use jackpot_store::{Digest, Store, canonical};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// From bytes to whether they were accepted.
pub type Reader = Box<dyn FnMut(&[u8]) -> bool>;

/// A reader that others' bytes reach.
pub struct Target {
    /// Of its corpus.
    pub name: &'static str,
    /// Good seeds from elsewhere in the repository.
    pub more: &'static [&'static str],
    pub runs: usize,
    /// What it may ask for beside sixteen times its input, in bytes.
    pub memory: usize,
    /// Makes the reader: from bytes to whether they were accepted.
    pub reader: fn() -> Reader,
}

const MB: usize = 1 << 20;

pub const TARGETS: [Target; 14] = [
    Target {
        name: "study",
        more: &[
            "reports/quick/study.toml",
            "reports/probe-vgg-19/study.toml",
            "tests/cli/tests/cli/studies/everything.toml",
        ],
        runs: 6000,
        memory: 32 * MB,
        reader: || Box::new(study),
    },
    Target {
        name: "recipe",
        more: &[
            "tests/store/golden/init.json",
            "tests/store/golden/select.json",
            "tests/store/golden/train.json",
            "tests/store/golden/spellings.json",
        ],
        runs: 100_000,
        memory: MB,
        reader: || Box::new(recipe),
    },
    Target {
        name: "action",
        more: &[],
        runs: 5000,
        memory: MB,
        reader: action,
    },
    Target {
        name: "pin",
        more: &["artifacts/pins/quick.json"],
        runs: 800,
        memory: 8 * MB,
        reader: pin,
    },
    Target {
        name: "safetensors",
        more: &[],
        runs: 50_000,
        memory: 2 * MB,
        reader: safetensors,
    },
    Target {
        name: "rows",
        more: &[],
        runs: 10_000,
        memory: MB,
        reader: rows,
    },
    Target {
        name: "mask",
        more: &[],
        runs: 100_000,
        memory: MB,
        reader: || Box::new(|bytes| Mask::from_bytes(bytes).is_ok_and(|m| m.to_bytes() == bytes)),
    },
    Target {
        name: "idx",
        more: &[],
        runs: 100_000,
        memory: MB,
        reader: || Box::new(idx),
    },
    Target {
        name: "cifar",
        more: &[],
        runs: 1500,
        memory: 4 * MB,
        reader: cifar,
    },
    Target {
        name: "image-folder",
        more: &[],
        runs: 500,
        memory: 8 * MB,
        reader: listing,
    },
    Target {
        name: "image",
        more: &[
            "core/data/tests/pillow/cmyk.jpg",
            "core/data/tests/pillow/grey.jpg",
            "core/data/tests/pillow/palette.png",
            "core/data/tests/pillow/progressive.jpg",
            "core/data/tests/pillow/rgb420.jpg",
            "core/data/tests/pillow/rgba.png",
        ],
        runs: 800,
        // 2^26 pixels are allowed; a decoder may hold them twice, and as 16 bits a value.
        memory: 1 << 30,
        reader: image,
    },
    Target {
        name: "bundle",
        more: &[],
        runs: 4000,
        // Unpacked beside what is read of it.
        memory: 4 * MB,
        reader: bundle::whole,
    },
    Target {
        name: "bundle-member",
        more: &[],
        runs: 4000,
        memory: 4 * MB,
        reader: bundle::member,
    },
    Target {
        name: "plugin",
        more: &[],
        runs: 50_000,
        memory: MB,
        reader: || Box::new(plugin),
    },
];

fn study(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    jackpot_study::Study::parse(text, Path::new("/nowhere/fuzz")).is_ok()
}

/// Canonical JSON has one spelling: what is read is written the same.
fn recipe(bytes: &[u8]) -> bool {
    let Ok(value) = canonical::parse(bytes) else {
        return false;
    };
    assert_eq!(canonical::to_bytes(&value).unwrap(), bytes);
    true
}

/// In memory: no disk keeps up with this.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// An action's file, under the key that the seed has.
fn action() -> Reader {
    let folder = folder();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let key = Digest::of(b"key");
    let name = key.to_string();
    let path = store.root().join("actions").join(&name[..2]).join(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    Box::new(move |bytes| {
        // Whichever of them owns the folder: it goes with this reader.
        let _folder = &folder;
        fs::write(&path, bytes).unwrap();
        let found = store.action(&key);
        if found.is_err() {
            empty(&store.root().join("quarantine"));
        }
        found.is_ok_and(|action| action.is_some())
    })
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

fn pin() -> Reader {
    let folder = folder();
    let store = Store::create(&folder.path().join("store")).unwrap();
    Box::new(move |bytes| {
        let _folder = &folder;
        fs::write(store.root().join("pins/fuzz.json"), bytes).unwrap();
        let read = jackpot_study::RunManifest::read(&store, "fuzz");
        empty(&store.root().join("quarantine"));
        // A report reads it, too: the objects that it names are not here.
        let _ = jackpot_results::collect(&store, "fuzz");
        empty(&store.root().join("quarantine"));
        read.is_ok()
    })
}

fn network() -> Network {
    let text = r#"{"family":"lenet-300-100","depth":3,"width":3,"classes":3,"input":[1,4,4]}"#;
    let architecture: Architecture = serde_json::from_str(text).unwrap();
    architecture.build().unwrap()
}

/// As weights, as scores, as a mask and as images: whatever one of them takes.
fn safetensors() -> Reader {
    let network = network();
    Box::new(move |bytes| {
        let weights = jackpot_net::read_state_dict(&network, bytes).is_ok();
        let scores = jackpot_prune::Scores::from_safetensors(bytes, &network).is_ok();
        let mask = Mask::from_safetensors(bytes, &network).is_ok();
        let images = Images::from_safetensors(bytes).is_ok();
        weights || scores || mask || images
    })
}

/// A data object as a training reads it, from its file.
fn rows() -> Reader {
    let folder = folder();
    let path = folder.path().join("rows");
    Box::new(move |bytes| {
        let _folder = &folder;
        fs::write(&path, bytes).unwrap();
        let Ok(rows) = StoredRows::open(&path) else {
            return false;
        };
        let all: Vec<u32> = (0..rows.rows() as u32).collect();
        rows.pixels_of(&all).is_ok()
    })
}

/// Four images of 3 × 3, or seven labels, plain or packed.
fn idx(bytes: &[u8]) -> bool {
    let read = |packed, rows, side| jackpot_data::read_idx(bytes, packed, rows, side).is_ok();
    read(false, 4, 3) || read(true, 4, 3) || read(false, 7, 0) || read(true, 7, 0)
}

/// The first training file; the others are as they should be.
fn cifar() -> Reader {
    let folder = folder();
    let good: Vec<u8> = (0..2 * 3073).map(|i| (i % 10) as u8).collect();
    for number in 2..=5 {
        fs::write(
            folder.path().join(format!("data_batch_{number}.bin")),
            &good,
        )
        .unwrap();
    }
    fs::write(folder.path().join("test_batch.bin"), &good).unwrap();
    Box::new(move |bytes| {
        fs::write(folder.path().join("data_batch_1.bin"), bytes).unwrap();
        whole("cifar-10", folder.path())
    })
}

/// Opens and prepares a set, as a study does.
fn whole(set: &str, folder: &Path) -> bool {
    let access = OpenOptions {
        folder: Some(folder),
        partial: set == "cifar-10",
        ..OpenOptions::default()
    };
    let preparation = Preparation {
        resize: Some(if set == "image-folder" { 8 } else { 16 }),
        ..Preparation::default()
    };
    let prepared = jackpot_data::open_as(set, &access)
        .and_then(|source| jackpot_data::prepare(&source, &preparation));
    prepared.is_ok()
}

const PIXEL: &str = "tests/faults/corpus/image/good/grey.png";

/// A line a path; one that ends in `/` is a folder, one with ` -> ` a link, others images.
fn listing() -> Reader {
    let place = folder();
    let pixel = fs::read(jackpot_test_cli::support::root().join(PIXEL)).unwrap();
    Box::new(move |bytes| {
        let set = place.path().join("set");
        fs::create_dir(&set).unwrap();
        for line in bytes.split(|&b| b == b'\n').take(40) {
            make(&set, line, &pixel);
        }
        let accepted = whole("image-folder", &set);
        fs::remove_dir_all(&set).unwrap();
        accepted
    })
}

/// What cannot be made is not there.
fn make(set: &Path, line: &[u8], pixel: &[u8]) -> Option<()> {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let arrow = line.windows(4).position(|w| w == b" -> ");
    let name = &line[..arrow.unwrap_or(line.len())];
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(name));
    let plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !plain || name.len() > 200 {
        return None;
    }
    let path = set.join(path);
    if name.ends_with(b"/") {
        return fs::create_dir_all(path).ok();
    }
    fs::create_dir_all(path.parent()?).ok()?;
    match arrow {
        // Within the set only.
        Some(_) => symlink("train", path).ok(),
        None => fs::write(path, pixel).ok(),
    }
}

/// One image of a set whose others are as they should be.
fn image() -> Reader {
    let folder = folder();
    let set = folder.path().to_path_buf();
    let pixel = fs::read(jackpot_test_cli::support::root().join(PIXEL)).unwrap();
    for path in ["train/a/1", "train/b/1", "val/a/1", "val/b/1"] {
        fs::create_dir_all(set.join(path).parent().unwrap()).unwrap();
        fs::write(set.join(format!("{path}.png")), &pixel).unwrap();
    }
    Box::new(move |bytes| {
        fs::write(folder.path().join("train/a/2.png"), bytes).unwrap();
        whole("image-folder", folder.path())
    })
}

/// The description that a worker gives of a plugin, and what a study may ask of it.
fn plugin(bytes: &[u8]) -> bool {
    let Ok(plugin) = serde_json::from_slice::<jackpot_protocol::Plugin>(bytes) else {
        return false;
    };
    for item in &plugin.items {
        let _ = item.promised();
        let given = item
            .params
            .iter()
            .map(|p| (p.name.clone(), p.default.clone()));
        let _ = item.configure(&given.collect());
        let unknown = [(
            "smaples".to_owned(),
            jackpot_protocol::ConfigValue::Int(i64::MIN),
        )];
        let _ = item.configure(&unknown.into());
    }
    let plugins = jackpot_study::Plugins {
        all: vec![plugin],
        ..Default::default()
    };
    for kind in [
        jackpot_protocol::Kind::Method,
        jackpot_protocol::Kind::Check,
    ] {
        let _ = plugins.item("snip", kind, "field");
    }
    true
}
