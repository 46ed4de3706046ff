//! CIFAR binaries, a Tiny-ImageNet tree and folders of JPEG and PNG images, written here in
//! their real formats; and the same with one thing wrong.

#![allow(clippy::unwrap_used)] // clippy does not count a test's helpers as tests

use jackpot_data::{
    OpenOptions, Preparation, Rows, Source, open, open_as, prepare, prepared_shape, survey, verify,
    write_prepared,
};
use jpeg_encoder::{ColorType, Encoder};
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

fn partial(folder: &Path) -> OpenOptions<'_> {
    OpenOptions {
        folder: Some(folder),
        partial: true,
        ..OpenOptions::default()
    }
}

fn whole(folder: &Path) -> OpenOptions<'_> {
    OpenOptions {
        folder: Some(folder),
        ..OpenOptions::default()
    }
}

/// The error of opening or preparing.
fn refused(set: &str, access: &OpenOptions, preparation: &Preparation) -> String {
    let done = open_as(set, access).and_then(|source| prepare(&source, preparation));
    done.expect_err("expected an error").to_string()
}

/// Records whose label is `row % classes` and whose pixels follow from file, row and place.
fn cifar_file(path: &Path, number: usize, labels: usize, rows: usize, classes: usize) {
    let mut bytes = Vec::with_capacity(rows * (labels + 3072));
    for row in 0..rows {
        bytes.extend(std::iter::repeat_n(19, labels - 1));
        bytes.push((row % classes) as u8);
        bytes.extend((0..3072).map(|place| ((place / 7 + row * 13 + number) % 256) as u8));
    }
    std::fs::write(path, bytes).unwrap();
}

fn cifar10(folder: &Path, rows: usize) {
    for number in 1..=5 {
        let path = folder.join(format!("data_batch_{number}.bin"));
        cifar_file(&path, number, 1, rows, 10);
    }
    cifar_file(&folder.join("test_batch.bin"), 6, 1, rows, 10);
}

#[test]
fn cifar_is_read_record_by_record() {
    let folder = tempfile::tempdir().unwrap();
    cifar10(folder.path(), 30);
    let source = open_as("cifar-10", &partial(folder.path())).unwrap();
    assert_eq!((source.info.train_rows, source.info.test_rows), (150, 30));
    assert_eq!(source.files.len(), 6);
    let prepared = prepare(&source, &Preparation::default()).unwrap();
    assert_eq!(prepared.train.shape(), [3, 32, 32]);
    for row in 0..150 {
        assert_eq!(prepared.train.labels[row], (row % 30 % 10) as i64);
        let (number, within) = (row / 30 + 1, row % 30);
        let pixels = &prepared.train.pixels[row * 3072..(row + 1) * 3072];
        let expected = |place: usize| ((place / 7 + within * 13 + number) % 256) as u8;
        assert!((0..3072).all(|place| pixels[place] == expected(place)));
    }
    // The last byte before the pixels is CIFAR-100's fine label, the one before is not read.
    let folder = tempfile::tempdir().unwrap();
    cifar_file(&folder.path().join("train.bin"), 0, 2, 250, 100);
    cifar_file(&folder.path().join("test.bin"), 1, 2, 100, 100);
    let source = open_as("cifar-100", &partial(folder.path())).unwrap();
    let prepared = prepare(&source, &Preparation::default()).unwrap();
    assert_eq!((prepared.classes, prepared.test.labels[37]), (100, 37));
    assert_eq!(prepared.train.rows(), 250);
}

#[test]
fn a_whole_cifar_has_the_published_length() {
    let folder = tempfile::tempdir().unwrap();
    cifar10(folder.path(), 10_000);
    let info = survey("cifar-10", &whole(folder.path())).unwrap();
    assert_eq!((info.train_rows, info.test_rows), (50_000, 10_000));
    let source = open("cifar-10", Some(folder.path())).unwrap();
    assert!(source.files.iter().all(|file| file.bytes == 30_730_000));
    // One label changed: the classes are no longer of one size.
    let batch = folder.path().join("data_batch_3.bin");
    let mut bytes = std::fs::read(&batch).unwrap();
    bytes[3073 * 7] = 1;
    std::fs::write(&batch, bytes).unwrap();
    let error = refused("cifar-10", &whole(folder.path()), &Preparation::default());
    assert!(error.contains("5001 training images of class 1"), "{error}");
    open_as("cifar-10", &partial(folder.path())).unwrap();
}

#[test]
fn damaged_cifar_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    cifar10(folder.path(), 10);
    let (path, batch) = (folder.path(), folder.path().join("data_batch_2.bin"));
    let default = Preparation::default();
    let error = refused("cifar-10", &whole(path), &default);
    assert!(
        error.contains("data_batch_1.bin") && error.contains("`partial = true`"),
        "{error}"
    );
    let good = std::fs::read(&batch).unwrap();
    let check = |bytes: &[u8], expected: &str| {
        std::fs::write(&batch, bytes).unwrap();
        let error = refused("cifar-10", &partial(path), &default);
        assert!(
            error.contains("data_batch_2.bin") && error.contains(expected),
            "{error}"
        );
    };
    check(&good[..good.len() - 1], "30729 bytes, expected 30730000");
    check(&[], "0 bytes");
    let mut wrong = good.clone();
    wrong[3 * 3073] = 10;
    check(&wrong, "byte 9219: label 10 of row 3");
    check(b"<html>403</html>", "but a web page");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n";
    check(pointer, "but a pointer of Git LFS");
    std::fs::remove_file(&batch).unwrap();
    let error = refused("cifar-10", &partial(path), &default);
    assert!(error.contains("data_batch_2.bin"), "{error}");
    // A CIFAR-100 file under a CIFAR-10 name: its records have another length.
    cifar_file(&batch, 0, 2, 10, 100);
    let error = refused("cifar-10", &partial(path), &default);
    assert!(error.contains("data_batch_2.bin"), "{error}");
}

/// A picture whose colour tells class and number, smooth enough for JPEG.
fn pixels(width: u16, height: u16, class: usize, number: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..usize::from(height) {
        for x in 0..usize::from(width) {
            pixels.push((x * 3 + class * 60) as u8);
            pixels.push((y * 3 + number * 20) as u8);
            pixels.push((x + y + 40) as u8);
        }
    }
    pixels
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn jpeg(path: &Path, pixels: &[u8], width: u16, height: u16, kind: ColorType) {
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, 95);
    encoder.encode(pixels, width, height, kind).unwrap();
    write(path, &bytes);
}

fn colour_jpeg(path: &Path, width: u16, height: u16, class: usize, number: usize) {
    let pixels = pixels(width, height, class, number);
    jpeg(path, &pixels, width, height, ColorType::Rgb);
}

fn png(path: &Path, pixels: &[u8], width: u32, height: u32) {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    write(path, &bytes);
}

/// Two classes, three JPEG or PNG images each in `train`, one in `val`, of several sizes.
fn image_folder(folder: &Path) {
    for (class, name) in ["b-cats", "a-dogs"].iter().enumerate() {
        for number in 0..3 {
            let path = folder.join(format!("train/{name}/{number}.jpg"));
            colour_jpeg(&path, 20 + number as u16 * 4, 18, class, number);
        }
        let path = folder.join(format!("val/{name}/one.PNG"));
        png(&path, &pixels(24, 18, class, 9), 24, 18);
    }
}

const SQUARE: Preparation = Preparation {
    resize: Some(16),
    crop: Some(12),
    pad_to: None,
    train_subset: None,
};

#[test]
fn an_image_folder_is_sorted_resized_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path());
    // Another class of the same images; a grey one and a CMYK one among them.
    let odd = folder.path().join("train/b-cats/x-grey.jpeg");
    jpeg(&odd, &[90; 400], 20, 20, ColorType::Luma);
    let odd = folder.path().join("train/b-cats/y-cmyk.jpeg");
    jpeg(&odd, &[40; 1600], 20, 20, ColorType::Cmyk);
    let source = open("image-folder", Some(folder.path())).unwrap();
    let shape = prepared_shape(&source.info, &SQUARE).unwrap();
    assert_eq!(shape, ([3, 12, 12], 8, 2));
    let mut last = (0, 0);
    verify(&source, &mut |done, all| last = (done, all)).unwrap();
    assert_eq!(last, (10, 10));
    let prepared = prepare(&source, &SQUARE).unwrap();
    // `a-dogs` comes before `b-cats`.
    assert_eq!(prepared.train.labels, [0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(prepared.test.labels, [0, 1]);
    assert_eq!(prepared.train.pixels.len(), 8 * 3 * 144);
    let grey = &prepared.train.pixels[6 * 432..7 * 432];
    assert!(grey.iter().all(|&p| p.abs_diff(90) <= 1), "{grey:?}");
    // CMYK (40, 40, 40, 40) is light or dark, but no colour.
    let cmyk = &prepared.train.pixels[7 * 432..];
    assert!(cmyk.iter().all(|&p| p.abs_diff(cmyk[0]) <= 2), "{cmyk:?}");
    // The colour of a class arrives: the first image of `a-dogs` is redder by 60.
    let mean = |row: usize| {
        let red = &prepared.train.pixels[row * 432..row * 432 + 144];
        red.iter().map(|&p| f64::from(p)).sum::<f64>() / 144.0
    };
    assert!((mean(0) - mean(3) - 60.0).abs() < 3.0);
}

#[test]
fn written_block_by_block_is_what_is_held() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..300 {
        // More than one block, of two classes.
        let path = folder
            .path()
            .join(format!("train/{}/{number}.png", number % 2));
        png(&path, &pixels(8, 8, number % 3, number % 7), 8, 8);
    }
    for class in 0..2 {
        let path = folder.path().join(format!("test/{class}/0.png"));
        png(&path, &pixels(8, 8, class, 0), 8, 8);
    }
    let source = open("image-folder", Some(folder.path())).unwrap();
    for preparation in [
        Preparation::default(),
        Preparation {
            resize: Some(6),
            crop: Some(5),
            pad_to: Some(10),
            train_subset: Some(280),
        },
    ] {
        let held = prepare(&source, &preparation).unwrap();
        let (mut train, mut test, mut last) = (Vec::new(), Vec::new(), (0, 0));
        let outputs: [&mut dyn std::io::Write; 2] = [&mut train, &mut test];
        let normalisation = write_prepared(&source, &preparation, outputs, &mut |done, all| {
            last = (done, all);
        });
        assert_eq!(normalisation.unwrap(), held.normalisation);
        assert_eq!(train, held.train.to_safetensors().unwrap());
        assert_eq!(test, held.test.to_safetensors().unwrap());
        let all = (held.train.rows() + held.test.rows()) as u64;
        assert_eq!(last, (all, all));
        let path = folder.path().join("object");
        std::fs::write(&path, &train).unwrap();
        let Rows::Stored(stored) = Rows::open(&path, 0).unwrap() else {
            panic!("expected it stored");
        };
        let rows: Vec<u32> = (0..held.train.rows() as u32).collect();
        assert_eq!(stored.pixels_of(&rows).unwrap(), held.train.pixels);
        std::fs::remove_file(path).unwrap();
    }
}

/// Two classes of two, and three validation images whose classes only a file tells.
fn tiny_imagenet(folder: &Path) {
    write(&folder.join("wnids.txt"), b"n02\nn01\n");
    for (class, name) in ["n01", "n02"].iter().enumerate() {
        for number in 0..2 {
            let path = folder.join(format!("train/{name}/images/{name}_{number}.JPEG"));
            colour_jpeg(&path, 64, 64, class, number);
        }
        let boxes = folder.join(format!("train/{name}/{name}_boxes.txt"));
        write(&boxes, b"n01_0.JPEG\t0\t0\t62\t62\n");
    }
    for number in 0..3 {
        let path = folder.join(format!("val/images/val_{number}.JPEG"));
        jpeg(&path, &[30 + number * 60; 4096], 64, 64, ColorType::Luma);
    }
    let lines =
        "val_2.JPEG\tn01\t0\t0\t9\t9\nval_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn02\t1\t1\t2\t2\n";
    write(&folder.join("val/val_annotations.txt"), lines.as_bytes());
}

#[test]
fn tiny_imagenet_is_read_as_it_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    tiny_imagenet(folder.path());
    let source = open_as("tiny-imagenet", &partial(folder.path())).unwrap();
    let prepared = prepare(&source, &Preparation::default()).unwrap();
    assert_eq!(prepared.train.shape(), [3, 64, 64]);
    assert_eq!(prepared.train.labels, [0, 0, 1, 1]);
    assert_eq!(prepared.test.labels, [1, 1, 0]);
    for number in 0..3 {
        let pixels = &prepared.test.pixels[number * 12_288..(number + 1) * 12_288];
        let expected = 30 + number as u8 * 60;
        assert!(pixels.iter().all(|&p| p.abs_diff(expected) <= 1));
    }
    let error = refused(
        "tiny-imagenet",
        &whole(folder.path()),
        &Preparation::default(),
    );
    assert!(error.contains("expected 100000 + 10000 of 200"), "{error}");
}

#[test]
fn a_tiny_imagenet_that_contradicts_itself_is_refused() {
    let check = |change: &dyn Fn(&Path), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        tiny_imagenet(folder.path());
        change(folder.path());
        let error = refused(
            "tiny-imagenet",
            &partial(folder.path()),
            &Preparation::default(),
        );
        assert!(error.contains(expected), "{error}");
    };
    let annotations = "val/val_annotations.txt";
    check(
        &|f| write(&f.join(annotations), b"val_0.JPEG\tn02\n"),
        "val_1.JPEG`: has no line",
    );
    check(
        &|f| write(&f.join(annotations), b"val_0.JPEG\tn03\n"),
        "line 1: `n03` is no class",
    );
    check(
        &|f| write(&f.join(annotations), b"val_0.JPEG n02\n"),
        "line 1: expected",
    );
    check(
        &|f| write(&f.join(annotations), b"val_0.JPEG\tn02\nval_0.JPEG\tn01\n"),
        "line 2: names `val_0.JPEG` again",
    );
    check(
        &|f| std::fs::remove_file(f.join("val/images/val_1.JPEG")).unwrap(),
        "val_1.JPEG`: not found",
    );
    check(
        &|f| std::fs::remove_file(f.join("wnids.txt")).unwrap(),
        "wnids.txt",
    );
    check(
        &|f| write(&f.join("wnids.txt"), b"n01\n"),
        "n02`: is no class",
    );
    check(
        &|f| write(&f.join("wnids.txt"), b"n01\nn02\nn09\n"),
        "n09`: not found",
    );
    check(
        &|f| write(&f.join("train/n01/notes.txt"), b""),
        "notes.txt`: expected only",
    );
}

#[test]
fn hostile_folders_are_refused_by_name() {
    let check = |change: &dyn Fn(&Path), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        image_folder(folder.path());
        change(folder.path());
        let error = refused("image-folder", &whole(folder.path()), &SQUARE);
        assert!(error.contains(expected), "{error}");
    };
    let first = |f: &Path| -> PathBuf { f.join("train/a-dogs/0.jpg") };
    let cut = |f: &Path| {
        let bytes = std::fs::read(first(f)).unwrap();
        std::fs::write(first(f), &bytes[..bytes.len() * 2 / 3]).unwrap();
    };
    check(&cut, "0.jpg`: is a");
    check(
        &|f| write(&first(f), b"<html>"),
        "0.jpg`: is no JPEG or PNG",
    );
    check(&|f| write(&first(f), b""), "0.jpg`: is empty");
    check(
        &|f| write(&f.join("train/a-dogs/Thumbs.db"), b"x"),
        "Thumbs.db",
    );
    check(
        &|f| write(&f.join("train/a-dogs/more/0.jpg"), b"x"),
        "more`: is a folder",
    );
    check(
        &|f| write(&f.join("train/README"), b"x"),
        "README`: is another file",
    );
    // A folder or image that programs leave behind is no class and no image.
    for (name, expected) in [
        (
            "train/.ipynb_checkpoints",
            ".ipynb_checkpoints`: is a hidden folder",
        ),
        (
            "val/.ipynb_checkpoints",
            "val/.ipynb_checkpoints`: is a hidden folder",
        ),
        ("train/b-cats/.thumbs", ".thumbs`: is a hidden folder"),
        ("train/.", ".one.png`: is a hidden file"),
        ("train/b-cats", ".one.png`: is a hidden file"),
        ("val/a-dogs", ".one.png`: is a hidden file"),
    ] {
        let hidden = |f: &Path| {
            let path = f.join(name).join(".one.png");
            png(&path, &pixels(24, 18, 0, 9), 24, 18);
        };
        check(&hidden, expected);
    }
    check(
        &|f| std::fs::create_dir(f.join("train/empty")).unwrap(),
        "empty",
    );
    check(
        &|f| {
            std::fs::remove_file(f.join("val/b-cats/one.PNG")).unwrap();
        },
        "val/b-cats`: holds no image",
    );
    check(
        &|f| std::fs::remove_dir_all(f.join("val/b-cats")).unwrap(),
        "b-cats`: not found, but it is a class",
    );
    check(
        &|f| std::fs::create_dir(f.join("val/c")).unwrap(),
        "c`: is no class of `train`",
    );
    check(
        &|f| std::fs::remove_dir_all(f.join("val")).unwrap(),
        "neither `val` nor `test`",
    );
    check(
        &|f| std::fs::remove_dir_all(f.join("train")).unwrap(),
        "train`: not found",
    );
    let link = |f: &Path| {
        std::os::unix::fs::symlink("0.jpg", f.join("train/a-dogs/link.jpg")).unwrap();
    };
    check(&link, "link.jpg`: is a symbolic link");
    let named = |f: &Path| {
        let name = std::ffi::OsString::from_vec(b"\xff.jpg".to_vec());
        std::fs::write(f.join("train/a-dogs").join(name), b"x").unwrap();
    };
    check(&named, "not UTF-8");
    let small = |f: &Path| colour_jpeg(&first(f), 4, 4, 0, 0);
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path());
    small(folder.path());
    let only_cut = Preparation {
        resize: None,
        crop: Some(4),
        ..SQUARE
    };
    prepare(
        &open("image-folder", Some(folder.path())).unwrap(),
        &only_cut,
    )
    .unwrap();
    let nothing = Preparation::default();
    let error = refused("image-folder", &whole(folder.path()), &nothing);
    assert!(
        error.contains("1.jpg") && error.contains("`resize`"),
        "{error}"
    );
}

fn manifest(source: &Source) -> [u8; 32] {
    assert_eq!(source.files.len(), 1);
    source.files[0].sha256
}

#[test]
fn the_manifest_is_the_sum_of_sums_that_sha256sum_gives() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path());
    let source = open("image-folder", Some(folder.path())).unwrap();
    let listed = std::process::Command::new("sh")
        .current_dir(folder.path())
        .args([
            "-c",
            "find train val -type f | LC_ALL=C sort | xargs sha256sum",
        ])
        .output()
        .unwrap();
    let mut lines = String::new();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        let (sum, path) = line.split_once("  ").unwrap();
        let bytes = std::fs::metadata(folder.path().join(path)).unwrap().len();
        lines.push_str(&format!("{sum}  {bytes}  {path}\n"));
    }
    assert_eq!(lines.lines().count(), 8);
    let expected: [u8; 32] = Sha256::digest(lines.as_bytes()).into();
    assert_eq!(manifest(&source), expected);
}

#[test]
fn a_change_after_the_set_was_opened_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    image_folder(folder.path());
    let opened = open("image-folder", Some(folder.path())).unwrap();
    prepare(&opened, &SQUARE).unwrap();
    colour_jpeg(&folder.path().join("train/a-dogs/0.jpg"), 40, 18, 1, 6);
    let error = prepare(&opened, &SQUARE).unwrap_err().to_string();
    assert!(error.contains("0.jpg`: changed since"), "{error}");
}
