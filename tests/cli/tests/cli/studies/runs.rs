//! Studies that really run: cached, killed, resumed, spread over workers, broken, rebuilt.
use crate::support::{Place, TINY, binaries, finished, jackpot, outcome, root};
use serde_json::Value;
use std::{
    fs::{self, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Runs a command to its end; its output, and the seconds of processor time that it and the
/// processes it started took, which do not depend on what else the machine is doing.
fn timed(command: &Command) -> (f64, (i32, String, String)) {
    let mut shell = Command::new("bash");
    shell.args(["-c", "TIMEFORMAT='%U %S'; time \"$@\"", "timed"]);
    shell.arg(command.get_program()).args(command.get_args());
    let (code, out, err) = outcome(shell.output().unwrap());
    let last = err.trim().lines().last().unwrap_or_default();
    let seconds = last.split(' ').map(|s| s.parse::<f64>().unwrap()).sum();
    (seconds, (code, out, err))
}

#[test]
fn the_plan_of_the_shipped_study_takes_less_than_a_second_and_starts_nothing() {
    let place = Place::new();
    let quick = root().join("reports/quick");
    let mut command = jackpot();
    command.arg("--store").arg(place.store());
    command.arg("plan").arg(quick).arg("--json");
    let (seconds, (code, out, err)) = timed(&command);
    assert_eq!(code, 0, "{err}");
    assert!(seconds < 1.0, "{seconds} s");
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["cells"].as_array().unwrap().len(), 390);
    assert_eq!(plan["cached"], 0);
    let sum = |names: &[&str]| {
        names
            .iter()
            .map(|n| plan[*n].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        sum(&["cached", "to_run", "not_yet_knowable"]),
        sum(&["actions"])
    );
    assert!(sum(&["shared"]) > 100);
    assert!(plan["estimated_seconds"].as_f64().unwrap() > 0.0);
    let ran = place.store().join("actions").is_dir() && !place.actions().is_empty();
    assert!(!ran, "a plan ran something");
}

#[test]
fn a_second_run_is_all_hits() {
    let place = finished();
    assert_eq!(place.run(&[]), 0);
    let (code, out, _) = outcome(place.command("plan", &[]).output().unwrap());
    assert_eq!(code, 0);
    assert!(out.contains("nothing to run"), "{out}");
    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "{out}");
}

#[test]
fn every_cell_is_filled_or_says_why_not() {
    let place = finished();
    for (ticket, check) in [("dense", "corrupted-data"), ("smart", "corrupted-data")] {
        let cell = place.cell(ticket, check);
        assert!(cell["identical"].is_string(), "{cell}");
        assert!(cell.get("action").is_none(), "{cell}");
    }
    let key = |ticket: &str, check: &str| {
        let cell = place.cell(ticket, check);
        cell["action"]
            .as_str()
            .unwrap_or_else(|| panic!("{cell}"))
            .to_owned()
    };
    for (ticket, check) in [
        ("snip", "corrupted-data"),
        ("snip", "rearrange"),
        ("lottery", "corrupted-data"),
        ("smart", "rearrange"),
    ] {
        assert_ne!(
            key(ticket, "none"),
            key(ticket, check),
            "{ticket} under {check}"
        );
    }
    // The same method in C and in Rust: the same mask, so the same training, run once.
    assert_eq!(
        place.cell("snip", "none")["mask"],
        place.cell("c-snip", "none")["mask"]
    );
    assert_eq!(key("snip", "none"), key("c-snip", "none"));
    assert_ne!(key("snip", "none"), key("copied", "none"));
    let kinds = place.kinds();
    // dense twice (clean, corrupted), lottery twice, snip three times, smart twice, copied.
    assert_eq!(kinds["train"], 2 + 2 + 3 + 2 + 1, "{kinds:?}");
    // Checkpoints are kept only while somebody reads them.
    for outputs in place.actions().values() {
        if let Some(checkpoint) = outputs["checkpoint"].as_str() {
            assert!(!place.object(checkpoint).exists());
        }
    }
}

#[test]
fn an_object_has_the_name_that_sha256sum_gives_it() {
    let place = finished();
    let script = "find objects -type f | while read f; do test \"$(sha256sum < $f | cut -c1-64)\" = \"${f##*/}\" || echo $f; done";
    let out = Command::new("sh")
        .args(["-c", script])
        .current_dir(place.store())
        .output();
    let (_, out, err) = outcome(out.unwrap());
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
}

/// What needs no libtorch is the same on every machine: these digests may change only with
/// the `revision` of their kind.
#[test]
fn the_tiny_study_has_the_bytes_that_it_always_had() {
    let place = finished();
    let mut lines = Vec::new();
    for (key, outputs) in place.actions() {
        let recipe: Value = serde_json::from_slice(&fs::read(place.object(&key)).unwrap()).unwrap();
        let kind = recipe["kind"].as_str().unwrap();
        let item = recipe["item"].as_str().unwrap_or_default();
        let pure = ["data", "init", "allocate"].contains(&kind)
            || ["random", "random-labels", "random-pixels"].contains(&item);
        if pure {
            let outputs = outputs.as_object().unwrap().iter();
            for (name, digest) in outputs.filter(|(name, _)| *name != "certificate") {
                lines.push(format!("{kind} {item} {name} {digest}"));
            }
        }
    }
    for check in ["none", "rearrange"] {
        let mask = &place.cell("smart", check)["mask"];
        lines.push(format!("mask of smart under {check} {mask}"));
    }
    lines.sort();
    insta::assert_snapshot!("bytes", lines.join("\n"));
}

#[test]
fn show_tells_an_action_and_its_objects() {
    let place = finished();
    let key = place.cell("snip", "none")["action"]
        .as_str()
        .unwrap()
        .to_owned();
    let mask = place.cell("snip", "none")["mask"]
        .as_str()
        .unwrap()
        .to_owned();
    let show = |hash: &str| {
        let mut command = jackpot();
        command
            .arg("--store")
            .arg(place.store())
            .args(["show", hash]);
        let (code, out, err) = outcome(command.output().unwrap());
        assert_eq!(code, 0, "{err}");
        out
    };
    let action = show(&key[..16]);
    for word in [
        "recipe",
        "\"kind\": \"train\"",
        "outputs",
        "metrics",
        "(not kept)",
        "record",
        &mask,
    ] {
        assert!(action.contains(word), "`{word}` is not in {action}");
    }
    assert!(show(&mask).contains("weights kept"), "{}", show(&mask));
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let place = Place::new();
    place.run(&["--workers", "1"]);
    assert_eq!(place.pin(), finished().pin());
    assert_eq!(place.actions(), finished().actions());
}

/// Programs that run under `folder`, by what they were started with.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap().to_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&name) {
            found.push(line);
        }
    }
    found
}

#[test]
fn killed_at_any_moment_a_study_resumes_to_the_same_bytes() {
    let place = Place::new();
    // Killed a little later each time, and each time the next run goes on from there.
    for pause in [400, 900, 1600] {
        let mut run = place.command("run", &["--workers", "2"]);
        let mut child = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let start = Instant::now();
        while !processes_of(&place.store()).is_empty() {
            let left = processes_of(&place.store());
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "left behind: {left:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let (code, out, _) = place.audit();
    assert_eq!(code, 0, "after a kill: {out}");
    place.run(&["--workers", "2"]);
    assert_eq!(place.pin(), finished().pin());
    assert_eq!(place.actions(), finished().actions());
    let resume = fs::read_dir(place.store().join("resume")).map_or(0, |r| r.count());
    assert_eq!(
        resume, 0,
        "resume points are deleted when the training is committed"
    );
}

#[test]
fn a_polite_interruption_keeps_what_is_finished_and_says_so() {
    let place = Place::new();
    let mut run = place.command("run", &["--workers", "1"]);
    let mut child = run
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = child.stderr.take().unwrap();
    let mut text = String::new();
    // Wait until something is finished.
    let mut piece = [0; 256];
    while !text.contains("done ") {
        let n = err.read(&mut piece).unwrap();
        assert!(n > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..n]));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let start = Instant::now();
    let status = child.wait().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    err.read_to_string(&mut text).unwrap();
    assert_eq!(status.code(), Some(130), "{text}");
    assert!(text.contains("interrupted"), "{text}");
    assert!(!text.contains("failed"), "{text}");
    assert!(!place.actions().is_empty());
    assert!(processes_of(&place.store()).is_empty());
}

/// Every plugin, in a folder of its own.
fn plugins(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(binaries().join("plugins")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_rebuilt_plugin_that_gives_the_same_mask_retrains_nothing() {
    let place = finished().copy();
    let folder = place.folder.path().join("plugins");
    plugins(&folder);
    // A byte at the end of a shared library is never loaded, but it is hashed.
    let mut rebuilt = OpenOptions::new()
        .append(true)
        .open(folder.join("libjackpot_snip.so"))
        .unwrap();
    rebuilt.write_all(b"\0").unwrap();
    drop(rebuilt);
    let before = place.kinds();
    let with = ["--plugins", folder.to_str().unwrap()];
    let (_, plan, _) = outcome(place.command("plan", &with).output().unwrap());
    assert!(plan.contains("not yet knowable"), "{plan}");
    // SNIP scores the clean and the corrupted rows again, and gets the same scores.
    assert_eq!(place.run(&with), 2);
    let after = place.kinds();
    assert_eq!(after["score"], before["score"] + 2);
    assert_eq!(after["select"], before["select"]);
    assert_eq!(after["train"], before["train"]);
    // The pin also lists the actions, of which the scorings are others now.
    let cells = |place: &Place| {
        let pin: Value = serde_json::from_slice(&place.pin()).unwrap();
        pin["cells"].clone()
    };
    assert_eq!(cells(&place), cells(finished()));
}

#[test]
fn another_parameter_of_a_plugin_does_retrain() {
    let place = finished().copy();
    let study = fs::read_to_string(place.study().join("study.toml")).unwrap();
    let other = "{ method = \"snip\", params = { samples_per_class = 3 } }";
    place.write(&study.replacen("{ method = \"snip\" }", other, 1));
    let before = place.kinds();
    assert!(place.run(&[]) > 2);
    assert!(place.kinds()["train"] > before["train"]);
}

#[test]
fn a_broken_object_is_named_and_made_again() {
    let place = finished().copy();
    let actions = place.actions();
    let cell = place.cell("smart", "none");
    let metrics = actions[cell["action"].as_str().unwrap()]["metrics"]
        .as_str()
        .unwrap();
    let mask = cell["mask"].as_str().unwrap();
    for digest in [metrics, mask] {
        let path = place.object(digest);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let (code, out, _) = place.audit();
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(metrics) && out.contains(mask), "{out}");
    // One selection and one training, and everything is as it was.
    assert_eq!(place.run(&[]), 2);
    assert_eq!(place.actions(), actions);
    assert_eq!(place.pin(), finished().pin());
    assert_eq!(place.run(&[]), 0);
}

/// What an action is the result of is known from the plan: nothing has to run again for it.
#[test]
fn a_recipe_that_was_damaged_or_lost_is_stored_again() {
    let place = finished().copy();
    let key = |ticket: &str| {
        let key = place.cell(ticket, "none")["action"].clone();
        key.as_str().unwrap().to_owned()
    };
    let (damaged, lost) = (place.object(&key("smart")), place.object(&key("snip")));
    let whole = [&damaged, &lost].map(|recipe| fs::read(recipe).unwrap());
    fs::set_permissions(&damaged, Permissions::from_mode(0o644)).unwrap();
    let other = String::from_utf8(whole[0].clone()).unwrap();
    fs::write(&damaged, other.replace("\"epochs\":2", "\"epochs\":3")).unwrap();
    fs::remove_file(&lost).unwrap();
    let (code, out, _) = place.audit();
    assert_eq!(code, 1, "{out}");
    for name in ["smart", "snip"] {
        assert!(out.contains(&key(name)), "{out}");
    }
    assert_eq!(place.run(&[]), 0, "no action is run for it");
    assert_eq!(
        [&damaged, &lost].map(|recipe| fs::read(recipe).unwrap()),
        whole
    );
    let (code, out, err) = place.audit();
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(place.pin(), finished().pin());
}

/// An analysis plan is declared once nothing can refuse the run any more: a lock that says
/// "before the first training" of a run that never began would be a lie.
#[test]
fn a_run_that_is_refused_declares_nothing() {
    let (head, _) = TINY.split_once("[[ticket]]").unwrap();
    let study = |more: &str| format!("{head}[[ticket]]\nname = \"dense\"\ndense = true\n{more}");
    let lock = |place: &Place| place.study().join("study.lock");
    let refused = |place: &Place, words: &str| {
        let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
        assert_eq!(code, 2, "{out}{err}");
        assert!(err.contains(words), "{err}");
        assert!(!out.contains("analysis plan"), "{out}");
        assert!(!lock(place).exists());
    };
    // Weights that the study names by their hash and nobody brought.
    let absent = "ab".repeat(32);
    let given = format!(
        "\n[[ticket]]\nname = \"given\"\nscores = {{ method = \"magnitude\", of = {{ object = \"{absent}\" }} }}\nallocation = \"global\"\n"
    );
    refused(&Place::with(&study(&given)), &absent);
    // Another study's results under this name.
    let place = Place::with(&study(""));
    let pin = place.store().join("pins/tiny.json");
    fs::create_dir_all(pin.parent().unwrap()).unwrap();
    let stranger = String::from_utf8(finished().pin()).unwrap();
    let stranger = stranger.replace("\"title\":\"Tiny\"", "\"title\":\"Other\"");
    fs::write(&pin, &stranger).unwrap();
    refused(&place, "another study");
    // What is not refused, is declared before it runs.
    let (code, out, err) = outcome(place.command("run", &["--replace-pin"]).output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("analysis plan "), "{out}");
    assert!(
        out.contains("written to study.lock, before the first training"),
        "{out}"
    );
    let text = fs::read_to_string(lock(&place)).unwrap();
    assert!(
        text.contains("[[analysis]]") && text.contains("done = 0"),
        "{text}"
    );
    assert!(
        text.starts_with("# The analysis is written by `jackpot run`"),
        "{text}"
    );
}

#[test]
fn two_runs_at_once_do_nothing_twice() {
    let place = Place::new();
    let spawn = || {
        let mut run = place.command("run", &["--workers", "1"]);
        run.stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let (one, two) = (spawn(), spawn());
    let (one, two) = (
        one.wait_with_output().unwrap(),
        two.wait_with_output().unwrap(),
    );
    let (one, two) = (outcome(one), outcome(two));
    assert_eq!((one.0, two.0), (0, 0), "{}{}", one.2, two.2);
    let all = place.actions().len() as u64;
    assert_eq!(
        crate::support::ran(&one.1) + crate::support::ran(&two.1),
        all
    );
    assert_eq!(place.pin(), finished().pin());
}

/// A loss that is no number is a result, not a failure, but nobody may miss it.
#[test]
fn a_training_that_diverged_is_said_and_counted() {
    let (head, _) = TINY.split_once("[[ticket]]").unwrap();
    let study = format!("{head}[[ticket]]\nname = \"dense\"\ndense = true\n");
    let place = Place::with(&study.replace("lr = 0.1", "lr = 1e30"));
    let (code, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 0, "{out}{err}");
    let done = |line: &&str| line.starts_with("done ") && line.contains("train dense");
    let line = err.lines().find(done).unwrap();
    assert!(line.contains(": diverged in epoch "), "{line}");
    assert!(out.contains(" 0 failed, 1 diverged;"), "{out}");
    // It is found in the store, too.
    let (_, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert!(out.contains(" 0 ran, 0 failed, 1 diverged;"), "{out}{err}");
    // The twin that learns.
    let place = Place::with(&study);
    let (_, out, err) = outcome(place.command("run", &[]).output().unwrap());
    assert!(!format!("{out}{err}").contains("diverged"), "{out}{err}");
}

#[test]
fn show_says_that_a_file_was_damaged() {
    let place = finished().copy();
    let cell = place.cell("snip", "none");
    let store = place.store();
    let show = |hash: &str| {
        let arguments = ["--store", store.to_str().unwrap(), "show", hash];
        outcome(jackpot().args(arguments).output().unwrap())
    };
    let key = cell["action"].as_str().unwrap();
    let (_, out, _) = show(key);
    assert!(!out.contains("damaged"), "{out}");
    let file = store.join("actions").join(&key[..2]).join(key);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "no action").unwrap();
    // The first look finds it and moves it away; those after it still know.
    let (code, _, err) = show(key);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("is damaged"), "{err}");
    let (code, out, err) = show(key);
    assert_eq!(code, 0, "{err}");
    let words = format!("whose file was damaged: it is in `quarantine/{key}`");
    assert!(out.contains(&words), "{out}");
}

#[test]
fn a_run_starts_a_store_in_an_absent_or_empty_folder_and_nothing_else_does() {
    let (head, _) = TINY.split_once("[[ticket]]").unwrap();
    let place = Place::with(&format!(
        "{head}[[ticket]]\nname = \"dense\"\ndense = true\n"
    ));
    let file = place.store().join("FORMAT");
    let format = fs::read(&file).unwrap();
    fs::remove_dir_all(place.store()).unwrap();
    for made in [false, true] {
        if made {
            fs::create_dir(place.store()).unwrap();
        }
        // A plan needs none, and starts none.
        let (code, out, err) = outcome(place.command("plan", &[]).output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
        assert!(err.contains("is no store yet"), "{err}");
        let (code, out, err) = place.audit();
        assert_eq!(code, 2, "{out}{err}");
        assert!(err.contains("`jackpot run`"), "{err}");
        assert!(err.contains("is not a Jackpot store"), "{err}");
        assert!(!file.exists());
    }
    // A folder with something else in it is left as it is.
    fs::write(place.store().join("letter"), "").unwrap();
    let (code, _, err) = outcome(place.command("run", &[]).output().unwrap());
    assert_eq!(code, 2, "{err}");
    assert!(!file.exists(), "{err}");
    fs::remove_dir_all(place.store()).unwrap();
    assert!(place.run(&[]) > 0);
    assert_eq!(fs::read(&file).unwrap(), format);
}
