//! A faulty file in a folder of plugins costs what needs it, and nothing else; folders add up.
use crate::support::{Place, jackpot, outcome, root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A study of one ticket, whose method is METHOD.
const STUDY: &str = r#"
title = "Small"
sparsities = [0.9]
seeds = [1]
tables = ["accuracy"]

[data]
set = "fashion-mnist-10k"
resize = 7
train_subset = 100

[network]
family = "resnet"
depth = 8
width = 4

[training]
epochs = 1
batch = 50
lr = 0.1
schedule = "constant"
momentum = 0.9
weight_decay = 1e-4
augment = { crop_padding = 0, flip = false }

[[ticket]]
name = "one"
scores = { method = "METHOD" }
allocation = "global"
"#;

/// A method that scores by index; `version` makes builds differ.
fn method(id: &str, version: &str, to: &Path) {
    let source = format!(
        r#"#include "jackpot.h"
static jkp_status run_it(const jkp_run *run, jkp_error *error) {{
  (void)error;
  for (uint64_t l = 0; l < run->n; l++) {{
    double *s = run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) s[i] = (double)(i % 97);
  }}
  return JKP_OK;
}}
static const jkp_item item = {{.struct_size = sizeof item, .kind = JKP_METHOD, .output = JKP_SCORES,
  .id = "{id}", .version = "{version}", .summary = "a test", .run = run_it}};
static const jkp_item *const items[] = {{&item}};
static const jkp_plugin plugin = {{sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "p", "1", "MIT", items, 1}};
const jkp_plugin *jackpot_entry_v1(void) {{ return &plugin; }}
"#
    );
    compile(&source, to);
}

fn compile(source: &str, to: &Path) {
    let text = to.with_extension("c");
    fs::write(&text, source).unwrap();
    let done = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-I"])
        .arg(root().join("core/abi/include"))
        .arg(&text)
        .arg("-o")
        .arg(to)
        .status();
    assert!(done.unwrap().success(), "{}", to.display());
    fs::remove_file(text).unwrap();
}

fn folder(within: &Path, name: &str) -> PathBuf {
    let folder = within.join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

/// Every file that is called a plugin and is none, with what is said of it.
fn bad_files(folder: &Path) -> Vec<(&'static str, &'static str)> {
    method("org.test.cut", "1", &folder.join("cut.so"));
    let whole = fs::read(folder.join("cut.so")).unwrap();
    fs::write(folder.join("cut.so"), &whole[..whole.len() / 3]).unwrap();
    fs::write(folder.join("page.so"), "<html>404</html>").unwrap();
    fs::write(folder.join("empty.so"), "").unwrap();
    fs::create_dir(folder.join("folder.so")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling.so")).unwrap();
    let aborts = "__attribute__((constructor)) static void f(void) { __builtin_trap(); }";
    compile(aborts, &folder.join("aborts.so"));
    compile("int no_plugin;", &folder.join("other.so"));
    method("org.<b>hostile</b>", "1", &folder.join("hostile.so"));
    // As a Mac leaves it beside a file that it copied.
    fs::write(
        folder.join("._snip.so"),
        "\0\u{5}\u{16}\u{7}\0\u{2}\0\0Mac OS X",
    )
    .unwrap();
    vec![
        ("cut.so", "cut.so"),
        ("page.so", "begins with `<htm`"),
        ("empty.so", "an empty file"),
        ("folder.so", "found a folder"),
        ("dangling.so", "a link to `nowhere`"),
        ("aborts.so", "while the plugin was loading"),
        ("other.so", "exports no `jackpot_entry_v1`"),
        ("hostile.so", "an id has the letters a to z"),
    ]
}

#[test]
fn a_bad_file_among_plugins_costs_what_needs_it_alone() {
    let place = Place::with(&STUDY.replace("METHOD", "random"));
    let plugins = folder(place.folder.path(), "plugins");
    let bad = bad_files(&plugins);
    let with = ["--plugins", plugins.to_str().unwrap()];
    let told = |text: &str| {
        for (file, why) in &bad {
            let mut lines = text.lines();
            let named = lines.any(|line| line.contains(file) && line.contains(why));
            assert!(named, "{file}: {why}: {text}");
        }
        assert!(!text.contains("._snip.so"), "{text}");
    };
    let (code, out, err) = outcome(jackpot().args(with).arg("list").output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    told(&out);
    assert!(out.contains("method `snip`"), "{out}");
    for verb in ["plan", "run"] {
        let (code, out, err) = outcome(place.command(verb, &with).output().unwrap());
        assert_eq!(code, 0, "{verb}: {out}{err}");
        told(&err);
        let notes = err
            .lines()
            .filter(|line| line.starts_with("note: plugin left out"));
        assert_eq!(notes.count(), bad.len(), "{err}");
    }
    // Who needs what nobody offers is told which plugins could not be asked.
    place.write(&STUDY.replace("METHOD", "org.test.cut"));
    for verb in ["plan", "run"] {
        let (code, _, err) = outcome(place.command(verb, &with).output().unwrap());
        assert_eq!(code, 2, "{verb}: {err}");
        let (_, refused) = err.split_once("error: ").unwrap();
        assert!(refused.contains("found `org.test.cut`"), "{refused}");
        told(refused);
    }
}

#[test]
fn two_files_of_a_folder_with_one_id_trouble_only_who_names_it() {
    let place = Place::with(&STUDY.replace("METHOD", "random"));
    let plugins = folder(place.folder.path(), "plugins");
    method("org.test.twice", "1", &plugins.join("a.so"));
    method("org.test.twice", "2", &plugins.join("b.so"));
    let with = ["--plugins", plugins.to_str().unwrap()];
    let (code, out, err) = outcome(place.command("plan", &with).output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    place.write(&STUDY.replace("METHOD", "org.test.twice"));
    let (code, _, err) = outcome(place.command("plan", &with).output().unwrap());
    assert_eq!(code, 2, "{err}");
    for words in ["offered by two plugins of one folder", "a.so", "b.so"] {
        assert!(err.contains(words), "{err}");
    }
    // The same bytes twice are one plugin.
    fs::copy(plugins.join("a.so"), plugins.join("b.so")).unwrap();
    let (code, _, err) = outcome(place.command("plan", &with).output().unwrap());
    assert_eq!(code, 0, "{err}");
}

#[test]
fn folders_of_plugins_add_up_and_the_one_named_first_has_an_id() {
    let place = Place::new();
    let within = place.folder.path();
    let [one, other, third] = ["one", "other", "third"].map(|name| folder(within, name));
    for (folder, version) in [(&one, "1"), (&other, "2"), (&third, "3")] {
        method("org.test.shared", version, &folder.join("shared.so"));
        let own = format!("org.test.own{version}");
        method(&own, version, &folder.join("own.so"));
    }
    let list = |given: &[&PathBuf], listed: &[&PathBuf]| {
        let mut command = jackpot();
        for folder in given {
            command.arg("--plugins").arg(folder);
        }
        if !listed.is_empty() {
            command.env("JACKPOT_PLUGINS", std::env::join_paths(listed).unwrap());
        }
        let (code, out, err) = outcome(command.arg("list").output().unwrap());
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        out
    };
    for (given, listed) in [
        (vec![&one, &other, &third], vec![]),
        (vec![&one], vec![&other, &third]),
        (vec![], vec![&one, &other, &third]),
    ] {
        let out = list(&given, &listed);
        for id in ["snip", "org.test.own1", "org.test.own2", "org.test.own3"] {
            assert!(out.contains(&format!("method `{id}`")), "{id}: {out}");
        }
        let not_used = out.lines().filter(|line| line.contains("not used"));
        let first = one.join("shared.so").display().to_string();
        let not_used: Vec<&str> = not_used.collect();
        assert_eq!(not_used.len(), 2, "{out}");
        assert!(not_used.iter().all(|line| line.contains(&first)), "{out}");
    }
    // The first is the one that runs.
    place.write(&STUDY.replace("METHOD", "org.test.shared"));
    let plugin = |first: &PathBuf, second: &PathBuf| {
        let [first, second] = [first, second].map(|f| f.to_str().unwrap());
        let with = ["--plugins", first, "--plugins", second, "--json"];
        let (code, out, err) = outcome(place.command("plan", &with).output().unwrap());
        assert_eq!(code, 0, "{err}");
        let plan: serde_json::Value = serde_json::from_str(&out).unwrap();
        let nodes = plan["nodes"].as_array().unwrap();
        let score = nodes.iter().find(|n| n["kind"] == "score").unwrap();
        score["key"].as_str().unwrap().to_owned()
    };
    assert_eq!(plugin(&one, &other), plugin(&one, &third));
    assert_ne!(plugin(&one, &other), plugin(&other, &one));
}
