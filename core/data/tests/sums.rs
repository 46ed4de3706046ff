//! Remembered sums: when one is used, and every way in which a file can become another while
//! it looks the same. A sum is remembered only of files that have not changed for some
//! seconds, so these tests wait.

#![allow(clippy::unwrap_used)] // clippy does not count a test's helpers as tests

use jackpot_data::{OpenOptions, Preparation, open_as, prepare};
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

const SET: &str = "image-folder";

/// Longer than the clock step of any file system.
const SETTLED: Duration = Duration::from_millis(3_200);

/// An old time of modification that every image has, as `tar` or `rsync -a` would leave it.
fn long_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(1_000_000)
}

fn age(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

/// A PNG whose length does not depend on its grey.
fn png(path: &Path, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), 8, 8);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[grey; 8 * 8 * 3]).unwrap();
    writer.finish().unwrap();
}

/// A set of two classes and three images a part, all of one length and one time, and where its
/// sums are kept.
struct Set {
    folder: tempfile::TempDir,
    time: SystemTime,
}

impl Set {
    fn new() -> Set {
        let set = Set {
            folder: tempfile::tempdir().unwrap(),
            time: long_ago(),
        };
        set.fill("set", 10);
        set
    }

    fn fill(&self, name: &str, grey: u8) {
        for part in ["train", "val"] {
            for class in ["cat", "dog"] {
                for image in 0..3 {
                    let path = format!("{name}/{part}/{class}/{image}.png");
                    let grey = grey + 20 * image + u8::from(class == "dog");
                    png(&self.path(&path), grey);
                    age(&self.path(&path), self.time);
                }
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, name: &str) -> PathBuf {
        self.path("set/train").join(name)
    }

    fn sums(&self) -> PathBuf {
        self.path("cache/sums")
    }

    fn opened(&self) -> jackpot_data::Source {
        let (folder, sums) = (self.path("set"), self.sums());
        let access = OpenOptions {
            folder: Some(&folder),
            sums: Some(&sums),
            ..OpenOptions::default()
        };
        open_as(SET, &access).unwrap()
    }

    /// The set's sum with the help of what is remembered.
    fn quick(&self) -> [u8; 32] {
        self.opened().files[0].sha256
    }

    /// The set's sum without.
    fn true_sum(&self) -> [u8; 32] {
        jackpot_data::open(SET, Some(&self.path("set")))
            .unwrap()
            .files[0]
            .sha256
    }

    fn remembered(&self) -> usize {
        let text = fs::read_to_string(self.sums()).unwrap();
        text.lines().count() - 1
    }

    /// Puts a false sum in the place of an image's, with a right sum over the file of sums.
    fn lie_about(&self, image: &str) {
        let text = fs::read_to_string(self.sums()).unwrap();
        let (_, lines) = text.split_once('\n').unwrap();
        let lie = |line: &str| {
            if line.ends_with(image) {
                format!("{}{}\n", "0".repeat(64), &line[64..])
            } else {
                format!("{line}\n")
            }
        };
        let lines: String = lines.lines().map(lie).collect();
        let sum: String = Sha256::digest(lines.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        fs::write(self.sums(), format!("jackpot sums 2 {sum}\n{lines}")).unwrap();
    }
}

/// A set whose sums are all remembered.
fn settled() -> Set {
    let set = Set::new();
    sleep(SETTLED);
    assert_eq!(set.quick(), set.true_sum());
    assert_eq!(set.remembered(), 12);
    set
}

/// What the change made of the set, with and without what is remembered, and what it was.
fn after(change: impl Fn(&Set)) -> ([u8; 32], [u8; 32], [u8; 32]) {
    let set = settled();
    let before = set.true_sum();
    change(&set);
    (set.quick(), set.true_sum(), before)
}

fn is_found(change: impl Fn(&Set)) {
    let (quick, whole, before) = after(change);
    assert_ne!(whole, before, "the change changes nothing");
    assert_eq!(quick, whole, "the change was not noticed");
}

#[test]
fn what_is_remembered_is_used_and_found_out_where_it_is_false() {
    let set = settled();
    set.lie_about("train/cat/1.png");
    assert_ne!(set.quick(), set.true_sum());
    let error = prepare(&set.opened(), &Preparation::default()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("1.png`: changed since it was opened"),
        "{error}"
    );
}

#[test]
fn an_image_replaced_by_one_of_the_same_length_and_time_is_found() {
    is_found(|set| {
        let new = set.path("new.png");
        png(&new, 200);
        age(&new, set.time);
        let old = fs::metadata(set.image("cat/1.png")).unwrap();
        let made = fs::metadata(&new).unwrap();
        assert_eq!(old.len(), made.len());
        assert_eq!(old.modified().unwrap(), made.modified().unwrap());
        fs::rename(new, set.image("cat/1.png")).unwrap();
    });
}

#[test]
fn an_image_written_over_in_place_is_found() {
    is_found(|set| {
        let path = set.image("cat/1.png");
        png(&path, 200);
        age(&path, set.time);
    });
}

#[test]
fn two_images_that_change_places_are_found() {
    is_found(|set| {
        let [a, b, aside] = ["cat/0.png", "dog/2.png", "cat/aside"].map(|name| set.image(name));
        fs::rename(&a, &aside).unwrap();
        fs::rename(&b, &a).unwrap();
        fs::rename(&aside, &b).unwrap();
    });
}

#[test]
fn two_classes_that_change_places_are_found() {
    is_found(|set| {
        let [a, b, aside] = ["cat", "dog", "aside"].map(|name| set.image(name));
        fs::rename(&a, &aside).unwrap();
        fs::rename(&b, &a).unwrap();
        fs::rename(&aside, &b).unwrap();
    });
}

#[test]
fn a_set_renamed_over_another_is_found() {
    is_found(|set| {
        set.fill("other", 90);
        fs::rename(set.path("set"), set.path("old")).unwrap();
        fs::rename(set.path("other"), set.path("set")).unwrap();
    });
}

#[test]
fn an_image_changed_within_a_clock_step_of_its_sum_is_found() {
    let set = Set::new();
    let fresh = set.quick();
    assert_eq!(set.remembered(), 0, "too young to be remembered");
    let path = set.image("cat/1.png");
    png(&path, 200);
    age(&path, set.time);
    assert_ne!(set.quick(), fresh);
    assert_eq!(set.quick(), set.true_sum());
    // An old time of modification is no sign of age, and a time to come is none either.
    sleep(SETTLED);
    age(&path, SystemTime::now() + Duration::from_secs(1_000));
    set.quick();
    assert_eq!(set.remembered(), 11);
    age(&path, set.time);
    sleep(SETTLED);
    set.quick();
    assert_eq!(set.remembered(), 12);
}

#[test]
fn what_changes_no_byte_is_no_change_and_is_remembered_anew() {
    let (quick, whole, before) = after(|set| {
        // A copy, as a backup that is put back.
        let (path, copy) = (set.image("cat/1.png"), set.path("copy.png"));
        fs::copy(&path, &copy).unwrap();
        age(&copy, set.time);
        fs::rename(copy, path).unwrap();
        set.quick();
        assert_eq!(set.remembered(), 11);
        sleep(SETTLED);
        set.quick();
        assert_eq!(set.remembered(), 12);
    });
    assert_eq!([quick, whole], [before; 2]);
}

#[test]
fn a_file_of_sums_that_is_older_or_damaged_knows_nothing() {
    let set = settled();
    let good = fs::read_to_string(set.sums()).unwrap();
    let image = set.image("cat/1.png");
    let modified = fs::metadata(&image).unwrap().modified().unwrap();
    let modified = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let length = fs::metadata(&image).unwrap().len();
    let older = format!(
        "jackpot sums 1\n{} {length} {} train/cat/1.png\n",
        "0".repeat(64),
        modified.as_nanos()
    );
    let first = good.lines().nth(1).unwrap();
    let other_digit = if first.starts_with('0') { "1" } else { "0" };
    let flipped = good.replace(first, &format!("{other_digit}{}", &first[1..]));
    let cut = &good[..good.len() - 40];
    for damaged in [
        &older,
        &flipped,
        cut,
        "",
        "\n",
        "jackpot sums 2\n",
        "\0\0\0",
    ] {
        fs::write(set.sums(), damaged).unwrap();
        assert_eq!(set.quick(), set.true_sum(), "{damaged}");
        assert_eq!(fs::read_to_string(set.sums()).unwrap(), good);
    }
    fs::write(set.sums(), b"\xff\n").unwrap();
    assert_eq!(set.quick(), set.true_sum());
    // And where they cannot be kept, nothing is lost but time.
    fs::remove_file(set.sums()).unwrap();
    fs::create_dir(set.sums()).unwrap();
    assert_eq!(set.quick(), set.true_sum());
}
