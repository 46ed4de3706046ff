//! Images of a folder that become others, in every way in which they look the same from afar.
use crate::support::{Place, outcome, ran};
use std::{
    fs::{self, File, FileTimes},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

const STUDY: &str = r#"
title = "Folder"
sparsities = [0.9]
seeds = [1]
tables = ["accuracy"]

[data]
set = "image-folder"
folder = "../set"
resize = 16
crop = 16

[network]
family = "lenet-300-100"

[training]
epochs = 1
batch = 4
lr = 0.1
schedule = "constant"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = false }

[[ticket]]
name = "dense"
dense = true
"#;

/// An image whose length does not depend on its pixels.
fn png(path: &Path, grey: u8, time: SystemTime) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[grey; 16 * 16 * 3]).unwrap();
    writer.finish().unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

/// A study of a folder of images, run once, its sums remembered.
struct Folder {
    place: Place,
    time: SystemTime,
}

impl Folder {
    fn new() -> Folder {
        let folder = Folder {
            place: Place::with(STUDY),
            time: SystemTime::now() - Duration::from_secs(1_000_000),
        };
        folder.fill("set", 10);
        std::thread::sleep(Duration::from_millis(3_200));
        assert!(folder.run() > 0);
        assert_eq!(folder.remembered(), 24);
        assert_eq!(folder.run(), 0);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder.path().join(name)
    }

    fn fill(&self, name: &str, grey: u8) {
        for (class, add) in [("cat", 0), ("dog", 60)] {
            for part in ["train", "val"] {
                for image in 0..6 {
                    let path = format!("{name}/{part}/{class}/{image}.png");
                    png(&self.path(&path), grey + add + image, self.time);
                }
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = self.place.command("run", &["--workers", "1"]);
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// How many actions it took.
    fn run(&self) -> u64 {
        let (code, out, err) = outcome(self.command().output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        ran(&out)
    }

    fn data_objects(&self) -> usize {
        self.place.kinds()["data"]
    }

    fn remembered(&self) -> usize {
        let folder = fs::read_dir(self.path("cache/jackpot/sums")).unwrap();
        let texts = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        // Beside those of the set's images stand those of the worker's libtorch.
        let texts: Vec<String> = texts.filter(|text| text.contains(".png")).collect();
        let [sums] = &texts[..] else {
            panic!("{texts:?}");
        };
        sums.lines().count() - 1
    }
}

#[test]
fn images_replaced_by_others_of_the_same_length_and_time_are_trained_on() {
    let folder = Folder::new();
    let kept = folder.path("kept");
    fs::create_dir(&kept).unwrap();
    for image in 0..6 {
        let path = folder.path(&format!("set/train/cat/{image}.png"));
        fs::rename(&path, kept.join(image.to_string())).unwrap();
        png(&path, 0, folder.time);
        let (old, new) = (
            fs::metadata(kept.join(image.to_string())),
            fs::metadata(&path),
        );
        let (old, new) = (old.unwrap(), new.unwrap());
        assert_eq!(old.len(), new.len());
        assert_eq!(old.modified().unwrap(), new.modified().unwrap());
    }
    let (code, out, err) = outcome(folder.place.command("plan", &[]).output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains(" 0 to run"), "{out}");
    assert!(folder.run() > 0);
    assert_eq!(folder.data_objects(), 2);
    // The old ones again: their bytes are what counts, and these were trained on.
    for image in 0..6 {
        let path = folder.path(&format!("set/train/cat/{image}.png"));
        fs::rename(kept.join(image.to_string()), path).unwrap();
    }
    assert_eq!(folder.run(), 0);
}

#[test]
fn classes_that_change_places_are_trained_on_anew() {
    let folder = Folder::new();
    let [cat, dog, aside] = ["cat", "dog", "aside"].map(|name| folder.path("set/train").join(name));
    fs::rename(&cat, &aside).unwrap();
    fs::rename(&dog, &cat).unwrap();
    fs::rename(&aside, &dog).unwrap();
    assert!(folder.run() > 0);
    assert_eq!(folder.data_objects(), 2);
}

#[test]
fn another_folder_mounted_over_the_set_is_trained_on() {
    let folder = Folder::new();
    folder.fill("other", 90);
    let run = folder.command();
    let mut mounted = Command::new("unshare");
    mounted.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    mounted.arg("mount --bind \"$1\" \"$2\" || exit 77; shift 2; exec \"$@\"");
    mounted
        .arg("mounted")
        .arg(folder.path("other"))
        .arg(folder.path("set"));
    mounted.arg(run.get_program()).args(run.get_args());
    mounted.env("XDG_CACHE_HOME", folder.path("cache"));
    let (code, out, err) = match mounted.output() {
        Ok(output) => outcome(output),
        Err(error) => (77, String::new(), error.to_string()),
    };
    if code == 77 || (out.is_empty() && err.starts_with("unshare")) {
        eprintln!("NOT TRIED: a bind mount, for {err}");
        return;
    }
    assert_eq!(code, 0, "{out}{err}");
    assert!(ran(&out) > 0, "{out}");
    // And back.
    assert_eq!(folder.run(), 0);
}
