//! Data sets from files: the embedded one, and folders that the tests make.

#![allow(clippy::unwrap_used)] // clippy does not count a test's helpers as tests

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jackpot_data::{OpenOptions, Preparation, info, list, open, open_as, prepare, prepared_shape};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

const EMBEDDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../artifacts/datasets/fashion-mnist-10k"
);

fn gunzip(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::read(path).unwrap();
    GzDecoder::new(&file[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip_stored(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn error<T>(result: Result<T, jackpot_data::Error>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn embedded_files_are_those_that_sha256sum_sees() {
    let source = open("fashion-mnist-10k", None).unwrap();
    let readme = std::fs::read_to_string(Path::new(EMBEDDED).join("README.md")).unwrap();
    assert_eq!(source.files.len(), 2);
    for file in &source.files {
        let path = Path::new(EMBEDDED).join(&file.name);
        let output = Command::new("sha256sum").arg(&path).output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let digest: String = file.sha256.iter().map(|b| format!("{b:02x}")).collect();
        assert!(line.starts_with(&digest), "{line}");
        assert!(
            readme.contains(&digest),
            "{} is not in the README",
            file.name
        );
        assert_eq!(file.bytes, std::fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn embedded_split_is_the_first_600_and_last_400_of_each_class() {
    let prepared = prepare(
        &open("fashion-mnist-10k", None).unwrap(),
        &Preparation::default(),
    )
    .unwrap();
    let folder = Path::new(EMBEDDED);
    let pixels = &gunzip(&folder.join("t10k-images-idx3-ubyte.gz"))[16..];
    let labels = &gunzip(&folder.join("t10k-labels-idx1-ubyte.gz"))[8..];
    let (mut train, mut test, mut seen) = (0, 0, [0; 10]);
    for (&label, image) in labels.iter().zip(pixels.chunks_exact(784)) {
        let (part, row) = if seen[usize::from(label)] < 600 {
            train += 1;
            (&prepared.train, train - 1)
        } else {
            test += 1;
            (&prepared.test, test - 1)
        };
        seen[usize::from(label)] += 1;
        assert_eq!(part.labels[row], i64::from(label));
        assert_eq!(&part.pixels[row * 784..(row + 1) * 784], image);
    }
    assert_eq!((train, test, seen), (6_000, 4_000, [1_000; 10]));
}

#[test]
fn preparation_keeps_its_word_on_real_images() {
    let source = open("fashion-mnist-10k", None).unwrap();
    let preparation = Preparation {
        resize: Some(14),
        pad_to: Some(16),
        crop: None,
        train_subset: Some(500),
    };
    let prepared = prepare(&source, &preparation).unwrap();
    let shape = prepared_shape(info("fashion-mnist-10k").unwrap(), &preparation).unwrap();
    assert_eq!(shape, ([1, 16, 16], 500, 4_000));
    assert_eq!((prepared.train.rows(), prepared.test.rows()), (500, 4_000));
    assert_eq!(prepared.train.pixels.len(), 500 * 256);
    for class in 0..10 {
        let of_class = prepared.train.labels.iter().filter(|&&l| l == class);
        assert_eq!(of_class.count(), 50);
    }
    // The same rows without the subset: the first 50 of each class, in stored order.
    let whole = Preparation {
        train_subset: None,
        ..preparation.clone()
    };
    let whole = prepare(&source, &whole).unwrap();
    let mut seen = [0; 10];
    let first: Vec<i64> = whole
        .train
        .labels
        .iter()
        .filter(|&&l| {
            seen[l as usize] += 1;
            seen[l as usize] <= 50
        })
        .copied()
        .collect();
    assert_eq!(prepared.train.labels, first);
    assert_eq!(whole.test, prepared.test);
    // Padding: two zero borders, and the inside averages the stored blocks.
    let image = &prepared.train.pixels[..256];
    assert!(image[..16].iter().chain(&image[240..]).all(|&p| p == 0));
    let stored = prepare(&source, &Preparation::default()).unwrap().train;
    for (y, x) in [(0, 0), (6, 7), (13, 13)] {
        let block = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let sum: f64 = block
            .iter()
            .map(|(dy, dx)| f64::from(stored.pixels[(2 * y + dy) * 28 + 2 * x + dx]))
            .sum();
        assert_eq!(
            f64::from(image[(y + 1) * 16 + x + 1]),
            (sum / 4.0 + 0.5).floor()
        );
    }
}

/// A KMNIST folder of unpacked files: their sums are not known, so any bytes of the right
/// shape pass.
fn kmnist(folder: &Path) {
    idx_files(folder, [60_000, 10_000]);
}

/// Training and test files of that many rows, unpacked.
fn idx_files(folder: &Path, [train, test]: [u32; 2]) {
    for (prefix, rows) in [("train", train), ("t10k", test)] {
        let mut images = vec![0, 0, 8, 3];
        let mut labels = vec![0, 0, 8, 1];
        images.extend([rows, 28, 28].iter().flat_map(|d| d.to_be_bytes()));
        labels.extend(rows.to_be_bytes());
        images.extend((0..rows as usize * 784).map(|i| (i % 251) as u8));
        labels.extend((0..rows).map(|i| (i % 10) as u8));
        std::fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn a_folder_is_read_and_its_damage_named() {
    let folder = tempfile::tempdir().unwrap();
    kmnist(folder.path());
    let source = open("kmnist", Some(folder.path())).unwrap();
    let names: Vec<_> = source.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte"
        ]
    );
    let prepared = prepare(&source, &Preparation::default()).unwrap();
    assert_eq!(
        (prepared.train.rows(), prepared.test.rows()),
        (60_000, 10_000)
    );
    assert_eq!(
        prepared.test.labels[..12],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    );

    // Changed between opening and preparing.
    let labels = folder.path().join("t10k-labels-idx1-ubyte");
    let good = std::fs::read(&labels).unwrap();
    let mut other = good.clone();
    other[8] = 5;
    std::fs::write(&labels, &other).unwrap();
    let message = error(prepare(&source, &Preparation::default()));
    assert!(
        message.contains("t10k-labels-idx1-ubyte`: changed since"),
        "{message}"
    );

    let check = |bytes: &[u8], expected: &str| {
        std::fs::write(&labels, bytes).unwrap();
        let message = error(open("kmnist", Some(folder.path())));
        assert!(message.contains("t10k-labels-idx1-ubyte`"), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    check(
        &good[..9_000],
        "truncated at byte 9000, expected 10008 bytes",
    );
    check(
        &[&good[..], &[0]].concat(),
        "1 bytes too many from byte 10008",
    );
    other[5_000] = 10;
    check(&other, "byte 5000: label 10 of row 4992");
    check(
        &[&good[..], &vec![0; 2 << 20]].concat(),
        "expected a file of at most 1058584 bytes, found 2107160",
    );
    std::fs::remove_file(&labels).unwrap();
    std::fs::create_dir(&labels).unwrap();
    let message = error(open("kmnist", Some(folder.path())));
    assert!(message.contains("found no regular file"), "{message}");
    std::fs::remove_dir(&labels).unwrap();
    let message = error(open("kmnist", Some(folder.path())));
    assert!(
        message.contains("t10k-labels-idx1-ubyte.gz`: not found"),
        "{message}"
    );
    // Packed, the published sum is known and this is another file.
    std::fs::write(labels.with_extension("gz"), gzip(&good)).unwrap();
    let message = error(open("kmnist", Some(folder.path())));
    assert!(message.contains("is not the published file"), "{message}");
    assert!(message.contains("expected 5120 bytes"), "{message}");
}

#[test]
fn a_part_has_the_rows_that_its_headers_say() {
    let folder = tempfile::tempdir().unwrap();
    let partial = |partial| OpenOptions {
        folder: Some(folder.path()),
        partial,
        ..OpenOptions::default()
    };
    idx_files(folder.path(), [30, 20]);
    for set in ["mnist", "kmnist", "fashion-mnist"] {
        let source = open_as(set, &partial(true)).unwrap();
        assert_eq!((source.info.train_rows, source.info.test_rows), (30, 20));
        let prepared = prepare(&source, &Preparation::default()).unwrap();
        assert_eq!(
            prepared.train.labels[..11],
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
        );
        assert_eq!(prepared.test.pixels[783], (783 % 251) as u8);
        // Nobody takes it for the whole.
        let message = error(open_as(set, &partial(false)));
        assert!(message.contains("30 images, expected 60000"), "{message}");
    }
    // Files that do not belong together.
    let path = folder.path().join("t10k-labels-idx1-ubyte");
    let labels = std::fs::read(&path).unwrap();
    let mut fewer = labels[..labels.len() - 1].to_vec();
    fewer[7] = 19;
    std::fs::write(&path, fewer).unwrap();
    let message = error(open_as("mnist", &partial(true)));
    assert!(
        message.contains("t10k-labels-idx1-ubyte") && message.contains("19 labels, expected 20"),
        "{message}"
    );
    let images = folder.path().join("train-images-idx3-ubyte");
    std::fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 0]).unwrap();
    let message = error(open_as("mnist", &partial(true)));
    assert!(
        message.contains("0 images, expected 1 to 60000"),
        "{message}"
    );
    let message = error(open_as(
        "fashion-mnist-10k",
        &OpenOptions {
            partial: true,
            ..OpenOptions::default()
        },
    ));
    assert!(message.contains("`partial`"), "{message}");
}

#[test]
fn a_file_under_the_other_kind_s_name_is_named_by_its_byte() {
    let folder = tempfile::tempdir().unwrap();
    kmnist(folder.path());
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let mut images = read("t10k-images-idx3-ubyte");
    let labels = read("t10k-labels-idx1-ubyte");
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = folder.path().join(name);
        let before = std::fs::read(&path).ok();
        std::fs::write(&path, bytes).unwrap();
        let message = error(open("kmnist", Some(folder.path())));
        assert!(
            message.contains(&format!("{name}`: {expected}")),
            "{message}"
        );
        match before {
            Some(before) => std::fs::write(&path, before).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    };
    let of_images = "byte 3: expected 0x01, found 0x03: it holds images";
    let of_labels = "byte 3: expected 0x03, found 0x01: it holds labels";
    // Larger than what is read at all, packed and not.
    let large = gzip_stored(&images);
    assert!(large.len() > 2 << 20);
    check("t10k-labels-idx1-ubyte", &images, of_images);
    check("t10k-labels-idx1-ubyte.gz", &large, of_images);
    check("t10k-images-idx3-ubyte", &labels, of_labels);
    check("t10k-images-idx3-ubyte.gz", &gzip(&labels), of_labels);
    // Packed so well that it is read.
    images[16..].fill(0);
    check("t10k-labels-idx1-ubyte.gz", &gzip(&images), of_images);
    images[2] = 0x0d;
    let floats = "byte 2: expected 0x08, found 0x0d: the values";
    check("t10k-labels-idx1-ubyte", &images, floats);
    // What was put back is whole.
    open("kmnist", Some(folder.path())).unwrap();
}

#[test]
fn another_set_under_a_known_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    kmnist(folder.path());
    for set in ["mnist", "fashion-mnist"] {
        let message = error(open(set, Some(folder.path())));
        assert!(
            message.contains("train-images-idx3-ubyte`: is not"),
            "{message}"
        );
        assert!(
            message.contains("sha256 of the unpacked bytes"),
            "{message}"
        );
    }
}

#[test]
fn what_is_asked_wrongly_says_what_to_do() {
    let message = error(open("mnist", None));
    assert!(message.contains("`mnist` needs `folder`"), "{message}");
    let message = error(open("fashion-mnist-10k", Some(Path::new("here"))));
    assert!(
        message.contains("is embedded: remove `folder = \"here\"`"),
        "{message}"
    );
    let message = error(open("cifar", None));
    assert!(message.contains("unknown data set `cifar`"), "{message}");
    for set in list() {
        assert!(message.contains(&format!("`{}`", set.name)));
        assert_eq!(info(set.name).unwrap().name, set.name);
    }
}
