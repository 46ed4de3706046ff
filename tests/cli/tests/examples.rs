//! The examples are what people copy: every command that the head of a `study.toml` names is run
//! as it stands there, in a copy of the folder, by the programs that users run.
#![allow(clippy::unwrap_used)] // the helpers of a test are a test

use jackpot_test_cli::support::{jackpot, outcome, root};
use jpeg_encoder::{ColorType, Encoder};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A copy of one example in a folder that looks like the root of a checkout, with a store.
struct Example {
    name: &'static str,
    place: tempfile::TempDir,
}

impl Example {
    fn copy(name: &'static str) -> Example {
        let place = tempfile::tempdir().unwrap();
        let example = Example { name, place };
        let listed = Command::new("git")
            .current_dir(root())
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .arg(format!("examples/{name}"))
            .output()
            .unwrap();
        let files = String::from_utf8(listed.stdout).unwrap();
        assert!(files.contains("/study.toml"), "`{name}` has no study");
        for file in files.lines() {
            let to = example.place.path().join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(root().join(file), to).unwrap();
        }
        fs::create_dir(example.store()).unwrap();
        fs::copy(
            root().join("artifacts/FORMAT"),
            example.store().join("FORMAT"),
        )
        .unwrap();
        example
    }

    fn store(&self) -> PathBuf {
        self.place.path().join("store")
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("examples").join(self.name)
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder().join(file)).unwrap()
    }

    /// The commands that stand indented in the comments at the head of the study.
    fn commands(&self) -> Vec<String> {
        self.text("study.toml")
            .lines()
            .filter_map(|line| line.strip_prefix("#     "))
            .filter(|line| line.starts_with("cargo ") || line.starts_with("target/release/"))
            .map(str::to_owned)
            .collect()
    }

    /// Runs them all, and says what each printed.
    fn run(&self) -> Vec<String> {
        let commands = self.commands();
        assert!(commands.len() >= 2, "{commands:?}");
        commands.iter().map(|line| self.call(line)).collect()
    }

    fn call(&self, line: &str) -> String {
        let (program, arguments) = line.split_once(' ').unwrap();
        let mut command = if program == "cargo" {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.env("RUSTFLAGS", "-Dwarnings");
            cargo.env("CARGO_NET_OFFLINE", "true");
            cargo
        } else {
            assert_eq!(program, "target/release/jackpot");
            jackpot()
        };
        command.current_dir(self.place.path());
        command.env("JACKPOT_STORE", self.store());
        command.env_remove("CARGO_TARGET_DIR");
        let output = command.args(arguments.split_whitespace()).output();
        let (code, out, err) = outcome(output.unwrap());
        assert_eq!(code, 0, "`{line}`\n{out}{err}");
        out
    }

    /// Every row of the table of accuracies: ticket, check, accuracy.
    fn accuracies(&self) -> Vec<[String; 3]> {
        let table = self.text("tables/accuracy.md");
        let rows = table.lines().filter(|line| line.contains(" ± "));
        rows.filter(|line| line.starts_with("| "))
            .map(|row| {
                let mut cells = row.split('|').skip(1).map(|cell| cell.trim().to_owned());
                std::array::from_fn(|_| cells.next().unwrap())
            })
            .collect()
    }

    /// The study ran without a failure, its table has these rows, and its store is sound.
    fn assert_reported(&self, said: &[String], rows: &[[&str; 2]]) {
        let run = said.iter().find(|out| out.contains(" ran, ")).unwrap();
        assert!(run.contains(" 0 failed"), "{run}");
        let accuracies = self.accuracies();
        let found: Vec<[&str; 2]> = accuracies
            .iter()
            .map(|[ticket, check, _]| [ticket.as_str(), check.as_str()])
            .collect();
        assert_eq!(found, rows);
        self.call("target/release/jackpot audit --deep");
    }
}

#[test]
fn the_smallest_study_runs_as_its_comments_say() {
    let example = Example::copy("smallest");
    let said = example.run();
    let rows = [
        ["SNIP", "–"],
        ["SNIP", "Corrupted data"],
        ["SNIP", "Layerwise rearrange"],
    ];
    example.assert_reported(&said, &rows);
}

/// A light or a dark image with a pattern of its own, in the form that the name's end says.
fn write_image(path: &Path, light: u8, image: usize) {
    let (width, height) = (60, 44);
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|i| light + ((i * 7 + i / width * (image + 3)) % 90) as u8)
        .collect();
    let [width, height] = [width, height].map(|side| side as u16);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if path.extension().is_some_and(|end| end == "png") {
        let file = fs::File::create(path).unwrap();
        let mut png = png::Encoder::new(file, width.into(), height.into());
        png.set_color(png::ColorType::Rgb);
        png.write_header()
            .unwrap()
            .write_image_data(&pixels)
            .unwrap();
    } else {
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, 90)
            .encode(&pixels, width, height, ColorType::Rgb)
            .unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_folder_of_ones_own_images_runs_as_its_comments_say() {
    let example = Example::copy("own-images");
    let images = example.folder().join("data/images");
    for (class, light, end) in [("apple", 140, "png"), ("pear", 20, "jpg")] {
        for (part, number) in [("train", 20), ("val", 5)] {
            for image in 1..=number {
                let name = format!("{part}/{class}/{image:04}.{end}");
                write_image(&images.join(name), light, image);
            }
        }
    }
    let said = example.run();
    let counted = "40 training and 10 test images";
    assert!(said[0].contains(counted), "{}", said[0]);
    let rows = [["Dense", "–"], ["SNIP", "–"], ["Random, smart ratio", "–"]];
    example.assert_reported(&said, &rows);

    // What the comments call an error is one, and what a plan needs no images for is true.
    fs::write(images.join("train/apple/notes.txt"), "sour").unwrap();
    let plan = |example: &Example| {
        let mut plan = jackpot();
        plan.env("JACKPOT_STORE", example.store());
        outcome(plan.arg("plan").arg(example.folder()).output().unwrap())
    };
    let (code, _, err) = plan(&example);
    assert!(code != 0 && err.contains("notes.txt"), "{err}");
    fs::remove_dir_all(&images).unwrap();
    assert_ne!(plan(&example).0, 0);
    let text = example.text("study.toml");
    let counted = ["classes", "train_rows", "test_rows"]
        .iter()
        .fold(text, |text, key| {
            text.replace(&format!("# {key} = "), &format!("{key} = "))
        });
    fs::write(example.folder().join("study.toml"), counted).unwrap();
    let (code, out, err) = plan(&example);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_plugin_of_ones_own_is_built_checked_and_run_as_its_comments_say() {
    let example = Example::copy("own-plugin");
    // What somebody changes who copies the folder: where Jackpot lies.
    let manifest = example.folder().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let sdk = root().canonicalize().unwrap().join("plugins/sdk");
    let moved = text.replace("../../plugins/sdk", sdk.to_str().unwrap());
    assert_ne!(moved, text);
    fs::write(&manifest, moved).unwrap();
    let lock = example.text("Cargo.lock");
    let said = example.run();
    assert_eq!(example.text("Cargo.lock"), lock);
    assert!(said[1].contains("cases hold") && !said[1].contains("FAIL"));
    let rows = [
        ["Relative magnitude", "–"],
        ["Relative magnitude", "Layerwise rearrange"],
        ["Magnitude", "–"],
        ["Magnitude", "Layerwise rearrange"],
    ];
    example.assert_reported(&said, &rows);
    // The method chooses other weights than magnitude does, or it would be no example of one.
    let accuracies = example.accuracies();
    assert_ne!(accuracies[0][2], accuracies[2][2]);
    let formatted = Command::new("rustfmt")
        .args(["--check", "--edition=2024"])
        .arg(root().join("examples/own-plugin/src/lib.rs"))
        .status();
    assert!(formatted.unwrap().success());
}

#[test]
fn every_example_is_one_that_a_test_runs() {
    let readme = fs::read_to_string(root().join("examples/README.md")).unwrap();
    let mut names: Vec<String> = fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["own-images", "own-plugin", "smallest"]);
    for name in &names {
        assert!(readme.contains(&format!("({name}/study.toml)")), "{name}");
    }
}
