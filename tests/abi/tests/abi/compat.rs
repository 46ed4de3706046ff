//! The versions that were: their headers and layouts are pinned, and a host that knows only
//! the structs of 1.0 runs the plugins of today.
use crate::build::{c_plugin, compiler, root, run, run_well, rust_plugin};
use std::path::{Path, PathBuf};
use std::process::Command;

fn past(name: &str) -> PathBuf {
    root().join("tests/abi/compat/1.0").join(name)
}

/// As the program of that name says it: nothing of ours.
fn sha256sum(file: &Path) -> String {
    let said = run_well(Command::new("sha256sum").arg("--").arg(file));
    said.split_whitespace().next().unwrap().to_owned()
}

/// What the section of a version says of a file.
fn pinned(version: &str, file: &str) -> Option<String> {
    let changes = std::fs::read_to_string(root().join("core/abi/CHANGES.md")).unwrap();
    let section = changes.split(&format!("\n## {version}\n")).nth(1)?;
    let section = section.split("\n## ").next()?;
    let line = section.split(&format!("- sha256 of `{file}`: `")).nth(1)?;
    Some(line.split('`').next()?.to_owned())
}

#[test]
fn every_version_is_pinned_by_its_header_and_its_layout() {
    let abi = root().join("core/abi");
    for (version, header) in [
        ("1.1", abi.join("include/jackpot.h")),
        ("1.0", past("jackpot.h")),
    ] {
        let layout = format!("layout/{version}.txt");
        let said = pinned(version, "include/jackpot.h").unwrap();
        assert_eq!(said, sha256sum(&header), "the header of {version}");
        let said = pinned(version, &layout).unwrap();
        assert_eq!(
            said,
            sha256sum(&abi.join(&layout)),
            "the layout of {version}"
        );
    }
    // The newest section is the version of today, and no layout is without one.
    let minor = jackpot_abi::JKP_ABI_MINOR;
    assert!(pinned(&format!("1.{minor}"), "include/jackpot.h").is_some());
    assert!(pinned(&format!("1.{}", minor + 1), "include/jackpot.h").is_none());
    assert_ne!(
        pinned("1.0", "include/jackpot.h"),
        pinned("1.1", "include/jackpot.h")
    );
    let layouts = std::fs::read_dir(abi.join("layout")).unwrap();
    let texts = layouts.filter(|e| e.as_ref().unwrap().path().extension().unwrap() == "txt");
    assert_eq!(texts.count() as u32, minor + 1);
}

/// The host of 1.0, compiled with its own header.
fn old_host(folder: &Path) -> PathBuf {
    let host = folder.join("host");
    run_well(
        compiler("CC", "cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
            .arg(past("host.c"))
            .arg("-o")
            .arg(&host)
            .arg("-ldl"),
    );
    host
}

/// |w| of the weights that it lends, as C prints doubles in full.
const MAGNITUDES: &str = "0x1.8p+0\n0x1p+1\n0x0p+0\n0x1p-149\n0x1.cp+1\n0x1p-2\n";

#[test]
fn a_host_of_the_first_version_runs_what_pins_it_and_refuses_what_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let host = old_host(folder.path());
    let refused = run(Command::new(&host).arg(rust_plugin("jackpot-magnitude")));
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&refused.stdout),
        "refused: built for ABI 1.1, this host offers 1.0\n"
    );
    // The structs are those of 1.0 all the same: read by today's SDK they mean the same.
    let mut anyway = Command::new(&host);
    let anyway = anyway.arg(rust_plugin("jackpot-magnitude"));
    assert_eq!(run_well(anyway.arg("--anyway")), MAGNITUDES);
    // A plugin in today's C that pins the older surface is taken as it is.
    let pinned = folder.path().join("pinned.so");
    let source = folder.path().join("pinned.c");
    std::fs::write(&source, PINNED).unwrap();
    run_well(
        compiler("CC", "cc")
            .args([
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
            ])
            .arg("-DJKP_ABI_MINOR=0u")
            .arg("-I")
            .arg(root().join("core/abi/include"))
            .arg(&source)
            .arg("-o")
            .arg(&pinned),
    );
    assert_eq!(run_well(Command::new(&host).arg(&pinned)), MAGNITUDES);
}

#[test]
fn a_plugin_of_today_says_what_an_old_host_does_not_offer() {
    let folder = tempfile::tempdir().unwrap();
    let host = old_host(folder.path());
    for (plugin, says) in [
        (c_plugin("snip"), "snip needs jackpot.autodiff/1"),
        (rust_plugin("jackpot-random"), "no random numbers: declare"),
    ] {
        let output = run(Command::new(&host).arg(plugin).arg("--anyway"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("status 2: ") && said.contains(says),
            "{said}"
        );
    }
}

const PINNED: &str = r#"
#include "jackpot.h"
static jkp_status run_(const jkp_run *run, jkp_error *err) {
  (void)err;
  for (uint64_t l = 0; l < run->n; l++)
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) {
      float w = ((const float *)run->params[l]->dl.data)[i];
      ((double *)run->out[l]->dl.data)[i] = w > 0 ? w : w < 0 ? -w : 0;
    }
  return JKP_OK;
}
static const jkp_item item = {.struct_size = sizeof item, .kind = JKP_METHOD, .output = JKP_SCORES,
  .needs = JKP_NEEDS_WEIGHTS, .id = "org.test.pinned", .version = "1", .summary = "|w|", .run = run_};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "pinned", "1", "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
"#;
