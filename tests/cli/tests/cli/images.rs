//! Small data sets in the formats in which the real ones are published.
use jpeg_encoder::{ColorType, Encoder};
use std::{fs, path::Path};

/// A colour for every pixel, another in every image.
fn pixels(side: usize, image: usize) -> Vec<u8> {
    let place = |i: usize| (i * 7 + i / side * (image * 13 + 5) + image * 29) % 256;
    (0..side * side * 3).map(|i| place(i) as u8).collect()
}

fn jpeg(path: &Path, side: u16, image: usize) {
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, 90);
    encoder
        .encode(&pixels(side.into(), image), side, side, ColorType::Rgb)
        .unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Two IDX files for each part, `rows` images and labels of ten classes in each; `other` than
/// those of another set.
pub fn mnist(folder: &Path, rows: u32, other: usize) {
    fs::create_dir_all(folder).unwrap();
    for prefix in ["train", "t10k"] {
        let mut images = vec![0, 0, 8, 3];
        let mut labels = vec![0, 0, 8, 1];
        images.extend([rows, 28, 28].iter().flat_map(|d| d.to_be_bytes()));
        labels.extend(rows.to_be_bytes());
        for row in 0..rows {
            images.extend_from_slice(&pixels(28, row as usize + 100 * other)[..28 * 28]);
            labels.push((row % 10) as u8);
        }
        fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// `rows` records a file: a label and 3072 bytes each.
pub fn cifar_10(folder: &Path, rows: usize) {
    let names = (1..=5).map(|n| format!("data_batch_{n}.bin"));
    for (file, name) in names.chain(["test_batch.bin".to_owned()]).enumerate() {
        cifar(&folder.join(name), file, rows, 10, None);
    }
}

/// `rows` records a file: a coarse label, a fine one and 3072 bytes each.
pub fn cifar_100(folder: &Path, rows: usize) {
    for (file, name) in ["train.bin", "test.bin"].iter().enumerate() {
        cifar(&folder.join(name), file, rows, 100, Some(19));
    }
}

fn cifar(path: &Path, file: usize, rows: usize, classes: usize, coarse: Option<u8>) {
    let record = |row: usize| {
        let labels = coarse.into_iter().chain([(row % classes) as u8]);
        labels.chain(pixels(32, file * rows + row))
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, (0..rows).flat_map(record).collect::<Vec<u8>>()).unwrap();
}

/// Two classes as `tiny-imagenet-200.zip` unpacks them, `rows` images of each.
pub fn tiny_imagenet(folder: &Path, rows: usize) {
    let classes = ["n01443537", "n01629819"];
    let mut annotations = String::new();
    for (label, class) in classes.iter().enumerate() {
        for row in 0..rows {
            let path = format!("train/{class}/images/{class}_{row}.JPEG");
            jpeg(&folder.join(path), 64, label * rows + row);
        }
        let boxes = folder.join(format!("train/{class}/{class}_boxes.txt"));
        fs::write(boxes, format!("{class}_0.JPEG\t0\t0\t63\t63\n")).unwrap();
        jpeg(
            &folder.join(format!("val/images/val_{label}.JPEG")),
            64,
            90 + label,
        );
        annotations += &format!("val_{label}.JPEG\t{class}\t0\t0\t63\t63\n");
    }
    fs::write(folder.join("wnids.txt"), classes.join("\n")).unwrap();
    fs::write(folder.join("val/val_annotations.txt"), annotations).unwrap();
}

/// Two classes in folders, of other sizes than any network takes, `rows` images of each.
pub fn image_folder(folder: &Path, rows: usize) {
    for (label, class) in ["n01440764", "n01443537"].iter().enumerate() {
        for row in 0..rows {
            jpeg(
                &folder.join(format!("train/{class}/{class}_{row}.JPEG")),
                300,
                label * rows + row,
            );
        }
        jpeg(
            &folder.join(format!("val/{class}/one.JPEG")),
            270,
            40 + label,
        );
    }
}
