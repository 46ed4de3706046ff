//! CIFAR-10 in two forms: what they make of one set is the same, and of another is not.

#![allow(clippy::unwrap_used)] // clippy does not count a test's helpers as tests

use jackpot_data::{
    OpenOptions, Preparation, Prepared, RowOrder, Source, open_as, prepare, verify,
};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

const NAMES: [&str; 10] = [
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
];

/// Label and pixels, red, green, blue.
type Row = (u8, Vec<u8>);

/// Rows of all classes; the pixels follow from part and number.
fn rows(part: u8, count: usize) -> Vec<Row> {
    let row = |number: usize| {
        let value = |place: usize| ((place / 5 + number * 37) % 251) as u8 ^ part;
        ((number % 10) as u8, (0..3072).map(value).collect())
    };
    (0..count).map(row).collect()
}

fn binary(folder: &Path, train: &[Row], test: &[Row]) {
    fs::create_dir_all(folder).unwrap();
    let bytes = |rows: &[Row]| -> Vec<u8> {
        rows.iter()
            .flat_map(|(label, pixels)| std::iter::once(label).chain(pixels))
            .copied()
            .collect()
    };
    for (number, rows) in train.chunks(train.len().div_ceil(5)).enumerate() {
        let name = format!("data_batch_{}.bin", number + 1);
        fs::write(folder.join(name), bytes(rows)).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), bytes(test)).unwrap();
}

fn png(path: &Path, pixels: &[u8]) {
    let interleaved: Vec<u8> = (0..1024)
        .flat_map(|place| [pixels[place], pixels[1024 + place], pixels[2048 + place]])
        .collect();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 32, 32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&interleaved).unwrap();
}

fn class_folders(folder: &Path, train: &[Row], test: &[Row]) {
    for (part, rows) in [("train", train), ("test", test)] {
        for (number, (label, pixels)) in rows.iter().enumerate() {
            let place = folder.join(part).join(NAMES[usize::from(*label)]);
            fs::create_dir_all(&place).unwrap();
            // Names in another order than the numbers.
            png(
                &place.join(format!("{}_{number}.png", number * 7 % 10)),
                pixels,
            );
        }
    }
}

fn access(folder: &Path) -> OpenOptions<'_> {
    OpenOptions {
        folder: Some(folder),
        partial: true,
        order: RowOrder::Canonical,
        ..OpenOptions::default()
    }
}

fn read(folder: &Path) -> (Source, Prepared) {
    let source = open_as("cifar-10", &access(folder)).unwrap();
    verify(&source, &mut |_, _| ()).unwrap();
    let prepared = prepare(&source, &Preparation::default()).unwrap();
    (source, prepared)
}

fn refused(access: &OpenOptions) -> String {
    let done = open_as("cifar-10", access).and_then(|s| prepare(&s, &Preparation::default()));
    done.expect_err("expected an error").to_string()
}

fn objects(prepared: &Prepared) -> [Vec<u8>; 2] {
    [&prepared.train, &prepared.test].map(|images| images.to_safetensors().unwrap())
}

#[test]
fn the_same_pixels_are_the_same_set_in_either_form() {
    let root = tempfile::tempdir().unwrap();
    let (train, test) = (rows(0, 60), rows(128, 20));
    let [bin, shuffled, folders] = ["bin", "shuffled", "folders"].map(|n| root.path().join(n));
    binary(&bin, &train, &test);
    let mut others = train.clone();
    others.rotate_left(23);
    others.swap(0, 40);
    binary(&shuffled, &others, &test);
    class_folders(&folders, &train, &test);
    let (source, prepared) = read(&bin);
    for other in [&shuffled, &folders] {
        let (found, same) = read(other);
        assert_eq!(found.named(), source.named(), "{}", other.display());
        assert!(objects(&same) == objects(&prepared), "{}", other.display());
        assert_eq!(same.normalisation, prepared.normalisation);
        assert_eq!((found.info.train_rows, found.info.test_rows), (60, 20));
    }
    // The sum and the order are what the documentation says, computed by hand.
    let mut text = String::new();
    for (part, rows, images) in [
        ("train", &train, &prepared.train),
        ("test", &test, &prepared.test),
    ] {
        let mut sorted: Vec<(Vec<u8>, Row)> = rows
            .iter()
            .map(|(label, pixels)| {
                let record = [&[*label], &pixels[..]].concat();
                (Sha256::digest(&record).to_vec(), (*label, pixels.clone()))
            })
            .collect();
        sorted.sort();
        for (place, (sum, (label, pixels))) in sorted.iter().enumerate() {
            let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            text.push_str(&format!("{part} {digits}\n"));
            assert_eq!(images.labels[place], i64::from(*label));
            assert!(images.pixels[place * 3072..(place + 1) * 3072] == pixels[..]);
        }
    }
    let sum: [u8; 32] = Sha256::digest(&text).into();
    let [named] = source.named() else {
        panic!("expected one name")
    };
    assert_eq!((named.name.as_str(), named.sha256), ("canonical", sum));
    assert_eq!(named.bytes, 80 * 3073);
    // A balanced part is the first rows of every class in this order.
    let preparation = Preparation {
        train_subset: Some(20),
        ..Preparation::default()
    };
    let parts = [&bin, &folders].map(|folder| {
        let source = open_as("cifar-10", &access(folder)).unwrap();
        objects(&prepare(&source, &preparation).unwrap())
    });
    assert!(parts[0] == parts[1]);
}

#[test]
fn another_pixel_label_or_part_is_another_set() {
    let root = tempfile::tempdir().unwrap();
    let (train, test) = (rows(0, 40), rows(128, 20));
    let at = |name: &str| root.path().join(name);
    class_folders(&at("first"), &train, &test);
    let first = read(&at("first")).0.named().to_vec();
    let other = |name: &str, train: &[Row], test: &[Row]| {
        class_folders(&at(name), train, test);
        assert_ne!(read(&at(name)).0.named(), first, "{name}");
    };
    let mut changed = train.clone();
    changed[7].1[3000] ^= 1;
    other("pixel", &changed, &test);
    let mut changed = train.clone();
    (changed[7].0, changed[8].0) = (changed[8].0, changed[7].0);
    other("labels", &changed, &test);
    other("fewer", &train[..30], &test);
    let (mut more, mut fewer) = (train.clone(), test.clone());
    more.push(fewer.pop().unwrap());
    other("part", &more, &fewer);
    // A picture that is there twice, and in two classes, has one order only.
    let mut twice = train.clone();
    let (label, pixels) = twice[3].clone();
    twice.extend([(label, pixels.clone()), ((label + 1) % 10, pixels)]);
    class_folders(&at("twice"), &twice, &test);
    twice.reverse();
    binary(&at("twice-bin"), &twice, &test);
    let (found, same) = (read(&at("twice")), read(&at("twice-bin")));
    assert_eq!(found.0.named(), same.0.named());
    assert!(objects(&found.1) == objects(&same.1));
}

#[test]
fn what_is_no_part_of_the_set_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (train, test) = (rows(0, 40), rows(128, 20));
    let at = |name: &str| root.path().join(name);
    let made = |name: &str| {
        class_folders(&at(name), &train, &test);
        at(name)
    };
    let check = |folder: &Path, expected: &[&str]| {
        let error = refused(&access(folder));
        for expected in expected {
            assert!(error.contains(expected), "`{expected}` not in: {error}");
        }
    };
    let folder = made("class");
    for part in ["train", "test"] {
        fs::rename(
            folder.join(part).join("cat"),
            folder.join(part).join("lion"),
        )
        .unwrap();
    }
    check(
        &folder,
        &[
            "train/lion",
            "is no class of the set",
            "airplane, automobile",
        ],
    );
    let folder = made("size");
    let mut encoder = png::Encoder::new(
        fs::File::create(folder.join("test/dog/x.png")).unwrap(),
        16,
        32,
    );
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0; 512]).unwrap();
    drop(writer);
    check(&folder, &["test/dog/x.png", "32×16 pixels, expected 32×32"]);
    let folder = made("jpeg");
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 90)
        .encode(&[7; 3072], 32, 32, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    fs::write(folder.join("train/ship/a.png"), jpeg).unwrap();
    check(&folder, &["train/ship/a.png", "is no PNG image"]);
    // A part that is not said to be one; and all classes, but not all images.
    let folder = made("whole");
    let whole = OpenOptions {
        partial: false,
        ..access(&folder)
    };
    assert!(refused(&whole).contains("holds 40 + 20 images, expected 50000 + 10000"));
    for part in ["train", "test"] {
        fs::remove_dir_all(folder.join(part).join("horse")).unwrap();
    }
    open_as("cifar-10", &access(&folder)).unwrap();
    let error = refused(&whole);
    assert!(
        error.contains("train/horse") && error.contains("`partial = true`"),
        "{error}"
    );
    // In the order of its files only the binary version is read.
    let stored = OpenOptions {
        order: RowOrder::Stored,
        ..access(&folder)
    };
    let error = refused(&stored);
    assert!(
        error.contains("data_batch_1.bin") && error.contains("`order = \"canonical\"`"),
        "{error}"
    );
    for set in ["cifar-100", "fashion-mnist-10k", "image-folder"] {
        let folder = Some(folder.as_path()).filter(|_| set != "fashion-mnist-10k");
        let access = OpenOptions {
            folder,
            order: RowOrder::Canonical,
            ..OpenOptions::default()
        };
        let error = open_as(set, &access).unwrap_err().to_string();
        assert!(
            error.contains("`order`") && error.contains("`cifar-10`"),
            "{error}"
        );
    }
}

#[test]
fn the_sum_is_kept_for_these_files_only_and_the_rows_are_looked_at_again() {
    let root = tempfile::tempdir().unwrap();
    let (train, test) = (rows(0, 40), rows(128, 20));
    let [bin, folders] = ["bin", "folders"].map(|name| root.path().join(name));
    binary(&bin, &train, &test);
    class_folders(&folders, &train, &test);
    let wanted = read(&bin).0.named().to_vec();
    for folder in [&bin, &folders] {
        let sums = folder.with_extension("sums");
        let kept = sums.with_extension("rows");
        let with_sums = OpenOptions {
            sums: Some(&sums),
            ..access(folder)
        };
        let open = || open_as("cifar-10", &with_sums);
        assert_eq!(open().unwrap().named(), wanted);
        assert_eq!(open().unwrap().named(), wanted);
        // What is kept is believed until the rows are read, and not a line longer.
        let line = fs::read_to_string(&kept).unwrap();
        let (start, _) = line.trim_end().rsplit_once(' ').unwrap();
        fs::write(&kept, format!("{start} {}\n", "0".repeat(64))).unwrap();
        let source = open().unwrap();
        assert_ne!(source.named(), wanted);
        let error = prepare(&source, &Preparation::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("changed since it was opened"), "{error}");
        fs::write(&kept, "what is this").unwrap();
        assert_eq!(open().unwrap().named(), wanted);
    }
    // Other bytes in a file are other sums, so that what is kept is of no use.
    let mut changed = train.clone();
    changed[5].1[5] ^= 1;
    binary(&bin, &changed, &test);
    let sums = bin.with_extension("sums");
    let with_sums = OpenOptions {
        sums: Some(&sums),
        ..access(&bin)
    };
    let source = open_as("cifar-10", &with_sums).unwrap();
    assert_ne!(source.named(), wanted);
    prepare(&source, &Preparation::default()).unwrap();
}
