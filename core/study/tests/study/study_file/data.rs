//! `[data]` of a study: what it says is what is read, prepared and named in the key.
use crate::support::{self, QUICK};
use jackpot_study::{Recipe, Study};
use std::path::Path;

const DATA: &str = "set = \"fashion-mnist-10k\"\nresize = 14";

fn with(data: &str) -> String {
    let start = QUICK.find("set = \"fashion-mnist-10k\"").unwrap();
    let end = start + QUICK[start..].find("\n[").unwrap();
    format!("{}{data}\n{}", &QUICK[..start], &QUICK[end..])
}

fn parse(data: &str, folder: &Path) -> Result<Study, String> {
    Study::parse(&with(data), folder).map_err(|e| e.to_string())
}

fn refused(data: &str, folder: &Path, expected: &str) {
    let error = match parse(data, folder) {
        Ok(_) => panic!("`{data}` was accepted"),
        Err(error) => error,
    };
    assert!(error.contains(expected), "{data}: {error}");
}

const NOWHERE: &str = "/nowhere/at/all";

#[test]
fn a_published_set_is_planned_without_its_files() {
    let nowhere = Path::new(NOWHERE);
    let study = parse("set = \"cifar-100\"\nfolder = \"c\"", nowhere).unwrap();
    assert_eq!(study.settings[0].data.image, [3, 32, 32]);
    assert_eq!(study.settings[0].architecture.classes, 100);
    assert_eq!(
        (
            study.settings[0].data.train_rows,
            study.settings[0].data.test_rows
        ),
        (50_000, 10_000)
    );
    let study = parse(
        "set = \"tiny-imagenet\"\nfolder = \"t\"\nresize = 32",
        nowhere,
    )
    .unwrap();
    assert_eq!(
        (
            study.settings[0].architecture.input,
            study.settings[0].architecture.classes
        ),
        ([3, 32, 32], 200)
    );
    assert_eq!(study.settings[0].data.memory, 1 << 30);
    // A set that only its folder tells says what it holds, or must be there.
    let stated = "set = \"image-folder\"\nfolder = \"i\"\nresize = 40\ncrop = 32\nclasses = 7\ntrain_rows = 700\ntest_rows = 70\nmemory_mb = 3";
    let study = parse(stated, nowhere).unwrap();
    assert_eq!(
        (
            study.settings[0].data.image,
            study.settings[0].architecture.classes
        ),
        ([3, 32, 32], 7)
    );
    assert_eq!(study.settings[0].data.memory, 3 << 20);
    refused(
        "set = \"image-folder\"\nfolder = \"i\"\nresize = 40",
        nowhere,
        "`classes`",
    );
}

#[test]
fn slips_in_data_are_named() {
    let nowhere = Path::new(NOWHERE);
    refused("set = \"cifar-10\"", nowhere, "`data.folder`");
    refused("set = \"cifar10\"\nfolder = \"x\"", nowhere, "`cifar-10`");
    refused(
        "set = \"cifar-10\"\nfolder = \"x\"\nclasses = 10",
        nowhere,
        "remove them",
    );
    refused(
        "set = \"cifar-10\"\nfolder = \"x\"\ncrop = 33",
        nowhere,
        "`crop`: 33",
    );
    refused(
        "set = \"cifar-10\"\nfolder = \"x\"\npartial = true",
        nowhere,
        "data_batch_1.bin",
    );
    let stated = "set = \"image-folder\"\nfolder = \"i\"\nresize = 40\nclasses = 7";
    refused(stated, nowhere, "all of `classes`");
    let stated =
        "set = \"image-folder\"\nfolder = \"i\"\nclasses = 7\ntrain_rows = 70\ntest_rows = 7";
    refused(stated, nowhere, "`data.resize`");
    refused(&format!("{DATA}\npartial = 1"), nowhere, "partial");
    // A window larger than the stored images.
    let text = with(DATA).replacen("flip = ", "crop = 15, flip = ", 1);
    let error = Study::parse(&text, nowhere).err().unwrap().to_string();
    assert!(
        error.contains("`training.augment.crop`") && error.contains("14×14"),
        "{error}"
    );
}

#[test]
fn a_window_is_what_the_network_takes() {
    let text = with(DATA).replacen("flip = ", "crop = 12, flip = ", 1);
    let study = Study::parse(&text, Path::new(NOWHERE)).unwrap();
    assert_eq!(study.settings[0].architecture.input, [1, 12, 12]);
    assert_eq!(study.settings[0].data.image, [1, 14, 14]);
    assert_eq!(study.settings[0].training.augment.crop, Some(12));
}

/// A part of CIFAR-10 in its real format.
fn cifar(folder: &Path, rows: usize) {
    std::fs::create_dir_all(folder).unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let record = |row: usize| {
            let pixels = (0..3072).map(move |place| ((place * 7 + row * 31) % 256) as u8);
            std::iter::once((row % 10) as u8).chain(pixels)
        };
        let bytes: Vec<u8> = (0..rows).flat_map(record).collect();
        std::fs::write(folder.join(format!("{name}.bin")), bytes).unwrap();
    }
}

#[test]
fn a_plan_opens_what_was_read_and_its_key_follows_the_bytes() {
    let root = tempfile::tempdir().unwrap();
    let study = root.path().join("study");
    std::fs::create_dir(&study).unwrap();
    cifar(&root.path().join("c"), 400);
    let data = "set = \"cifar-10\"\nfolder = \"../c\"\npartial = true";
    let planned = |data: &str| support::planned(&with(data), &study);
    let key = |data: &str| {
        let plan = planned(data).unwrap();
        let node = plan
            .nodes
            .iter()
            .find(|n| matches!(n.recipe, Recipe::Data(_)));
        node.unwrap().recipe.key().unwrap()
    };
    let first = key(data);
    assert_eq!(
        planned(data).unwrap().study.settings[0].data.train_rows,
        2_000
    );
    // Where it is held and how it is said changes nothing; pixels and preparation do.
    assert_eq!(key(&format!("{data}\nmemory_mb = 7")), first);
    assert_eq!(
        key(&format!(
            "{data}\nclasses = 10\ntrain_rows = 2000\ntest_rows = 400"
        )),
        first
    );
    assert_ne!(key(&format!("{data}\ncrop = 30")), first);
    let wrong = planned(&format!(
        "{data}\nclasses = 10\ntrain_rows = 2000\ntest_rows = 300"
    ));
    let error = wrong.err().unwrap();
    assert!(
        error.contains("2000 + 300") && error.contains("2000 + 400"),
        "{error}"
    );
    let path = root.path().join("c/data_batch_2.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_ne!(key(data), first);
}

#[test]
fn a_check_on_data_above_the_bound_is_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    cifar(&root.path().join("c"), 400);
    let data = "set = \"cifar-10\"\nfolder = \"../c\"\npartial = true";
    let study = root.path().join("study");
    std::fs::create_dir(&study).unwrap();
    support::planned(&with(data), &study).unwrap();
    let small = with(&format!("{data}\nmemory_mb = 1"));
    for on in ["data", "pretraining-data", "scoring-data"] {
        let text = small.replace("on = \"data\"", &format!("on = \"{on}\""));
        let error = support::planned(&text, &study).err().unwrap();
        assert!(
            error.contains("needs all training images in memory")
                && error.contains("`data.memory_mb` = 1"),
            "{on}: {error}"
        );
    }
    let planned = support::planned(&with(data), &study).unwrap();
    // 2,000 images and their labels, the header aside.
    assert_eq!(planned.study.settings[0].data.train_bytes(), 2_000 * 3_080);
}

/// As [`cifar`] writes it, in class folders of PNG images.
fn cifar_folders(folder: &Path, rows: usize) {
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
    for (part, files) in [("train", 5), ("test", 1)] {
        for row in 0..rows {
            let value = |place: usize| ((place * 7 + row * 31) % 256) as u8;
            let pixels: Vec<u8> = (0..1024)
                .flat_map(|place| [value(place), value(1024 + place), value(2048 + place)])
                .collect();
            let class = folder.join(part).join(NAMES[row % 10]);
            std::fs::create_dir_all(&class).unwrap();
            for file in 0..files {
                let path = class.join(format!("{file}-{row}.png"));
                let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), 32, 32);
                encoder.set_color(png::ColorType::Rgb);
                let mut writer = encoder.write_header().unwrap();
                writer.write_image_data(&pixels).unwrap();
            }
        }
    }
}

#[test]
fn one_study_serves_both_forms_of_cifar() {
    let root = tempfile::tempdir().unwrap();
    let study = root.path().join("study");
    std::fs::create_dir(&study).unwrap();
    cifar(&root.path().join("c"), 400);
    cifar_folders(&root.path().join("f"), 400);
    let keys = |data: &str| -> Vec<String> {
        let plan = support::planned(&with(data), &study).unwrap();
        let known = plan.nodes.iter().filter_map(|node| node.recipe.key().ok());
        known.map(|key| key.to_string()).collect()
    };
    let data =
        |folder: &str| format!("set = \"cifar-10\"\nfolder = \"../{folder}\"\npartial = true");
    let canonical = |folder: &str| format!("{}\norder = \"canonical\"", data(folder));
    let of_files = keys(&data("c"));
    assert_eq!(
        keys(&format!("{}\norder = \"stored\"", data("c"))),
        of_files
    );
    let of_rows = keys(&canonical("c"));
    assert_eq!(keys(&canonical("f")), of_rows);
    assert!(of_rows.len() > 1 && of_rows[0] != of_files[0]);
    let picture = root.path().join("f/test/cat/0-3.png");
    std::fs::copy(root.path().join("f/test/cat/0-13.png"), picture).unwrap();
    assert_ne!(keys(&canonical("f"))[0], of_rows[0]);
    let error = support::planned(&with(&data("f")), &study).err().unwrap();
    assert!(error.contains("`order = \"canonical\"`"), "{error}");
    refused(
        "set = \"cifar-10\"\nfolder = \"c\"\norder = \"sorted\"",
        root.path(),
        "canonical",
    );
    let other = "set = \"cifar-100\"\nfolder = \"c\"\norder = \"canonical\"";
    refused(other, root.path(), "defined for `cifar-10`");
}
