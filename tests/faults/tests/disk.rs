//! Disks that fill, files that may not grow, stores that can only be read.
use crate::mortal::Mortal;
use jackpot_test_cli::support::outcome;
use jackpot_test_faults::{count, say};
use std::{
    fs,
    process::{Command, Output},
};

/// A disk of 300 kB that grows by half a megabyte each time it was full, until the study is
/// finished; then it can only be read. `$1` jackpot, `$2` store, `$3` study, `$4` plugins, `$5`
/// where the results go.
const FULL: &str = r#"
size=300
mount -t tmpfs -o size=${size}k,mode=755 none "$2" || { echo "no mount"; exit 0; }
printf 'jackpot-store 1\n' > "$2/FORMAT"
run() { "$1" --store "$2" run "$3" --workers 1 --plugins "$4" 2>&1; }
while out=$(run "$@"); code=$?; [ $code != 0 ]; do
    why=$(echo "$out" | grep -E '^(failed|error)')
    mute=$(echo "$why" | grep -v 'No space left on device')
    echo "run $code $(echo "$why" | grep -c .) $(echo "$out" | grep -c panicked) $mute"
    audit=$("$1" --store "$2" audit --deep 2>&1); echo "audit $? $(echo "$audit" | tail -1)"
    size=$((size + 500))
    [ $size -lt 30000 ] || { echo "$out"; exit 1; }
    mount -o remount,size=${size}k "$2" || exit 1
done
echo "run 0"
"$1" --store "$2" audit --deep > /dev/null; echo "audit $?"
mount -o remount,ro "$2" || exit 1
"$1" --store "$2" audit --deep > /dev/null; echo "read-only audit $?"
"$1" --store "$2" plan "$3" --plugins "$4" > /dev/null 2>&1; echo "read-only plan $?"
out=$(run "$@"); echo "read-only run $? $(echo "$out" | grep -c 'can only be read') $(echo "$out" | grep -c panicked)"
cp -r "$2" "$5"
"#;

#[test]
fn a_disk_that_fills_again_and_again() {
    let expected = Mortal::finished();
    let mortal = Mortal::new();
    let results = mortal.place.folder.path().join("results");
    let run = mortal.run();
    let mut script = Command::new("unshare");
    script.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        FULL,
        "full",
    ]);
    script.arg(run.get_program()).arg(mortal.place.store());
    script
        .arg(mortal.place.study())
        .arg(mortal.plugins())
        .arg(&results);
    let Ok(output) = script.output() else {
        return not_tried("`unshare` is not installed");
    };
    let (code, out, err) = outcome(output);
    if out.starts_with("no mount") || (out.is_empty() && err.contains("unshare")) {
        return not_tried(&format!("no mount in a namespace of its own: {err}"));
    }
    assert_eq!(code, 0, "{out}{err}");
    let mut full = 0;
    for line in out.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["run", "0"] | ["audit", "0", ..] => {}
            // Every failure says why, and nothing panicked.
            ["run", "1" | "2", failures, "0"] if failures != "0" => full += 1,
            ["read-only", "audit" | "plan", "0"] => {}
            ["read-only", "run", "0" | "2", said, "0"] => assert_ne!(said, "0", "{out}"),
            _ => panic!("{line} in {out}{err}"),
        }
    }
    assert!(full >= 4, "the disk was full {full} times only: {out}");
    count("full disks survived", full, full);
    fs::remove_dir_all(mortal.place.store()).unwrap();
    fs::rename(results, mortal.place.store()).unwrap();
    assert_eq!(mortal.place.actions(), expected.place.actions());
    assert_eq!(mortal.place.pin(), expected.place.pin());
}

fn not_tried(why: &str) {
    say(&format!("NOT TRIED: a full disk, for {why}"));
}

/// The run, while no file may grow beyond so many kilobytes.
fn limited(mortal: &Mortal, kilobytes: u32, ignored: bool) -> Output {
    let run = mortal.run();
    let trap = if ignored { "trap '' XFSZ;" } else { "" };
    let mut shell = Command::new("bash");
    shell
        .arg("-c")
        .arg(format!("{trap} ulimit -f {kilobytes}; exec \"$@\""));
    shell
        .arg("limited")
        .arg(run.get_program())
        .args(run.get_args());
    shell.current_dir(std::env::temp_dir()).output().unwrap()
}

/// The limit meets the supervisor, which stores the data, and then the workers, which train.
#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_end() {
    let expected = Mortal::finished();
    let mut survived = 0;
    for ignored in [false, true] {
        let mortal = Mortal::new();
        let (code, out, err) = outcome(limited(&mortal, 100, ignored));
        assert_eq!(code, 1, "{out}{err}");
        assert!(err.contains("File too large"), "{err}");
        assert!(!err.contains("panicked"), "{err}");
        mortal.assert_sound("a limit of 100 kB");
        survived += 1;

        let (code, out, err) = outcome(mortal.run().output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        for (key, outputs) in mortal.place.actions() {
            if outputs.get("metrics").is_some() {
                let path = mortal
                    .place
                    .store()
                    .join("actions")
                    .join(&key[..2])
                    .join(&key);
                fs::remove_file(path).unwrap();
            }
        }
        let (code, out, err) = outcome(limited(&mortal, 500, ignored));
        assert_eq!(code, 1, "{out}{err}");
        assert!(err.contains("failed train"), "{err}");
        assert!(!err.contains("panicked"), "{err}");
        mortal.assert_sound("a limit of 500 kB");
        survived += 1;

        let (code, out, err) = outcome(mortal.run().output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        mortal.left().assert_is(&expected.left());
    }
    count("write errors survived", survived, survived);
}
