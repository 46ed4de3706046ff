//! Gives the worker its run path, and writes into it which libtorch it was built with.
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that tch 0.26 is written for. torch-sys checks it only where it finds a
/// file that wheels lack.
const WANTED: &str = "2.13.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    println!("cargo:rerun-if-env-changed=LIBTORCH_BYPASS_VERSION_CHECK");
    // torch-sys says where it found the libraries, by `LIBTORCH` or `LIBTORCH_USE_PYTORCH`.
    let named = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names its folder");
    let folder = std::fs::canonicalize(&named).unwrap_or_else(|e| {
        panic!("libtorch's folder `{named}`: {e}; set `LIBTORCH` to the folder that holds `lib/`")
    });
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    // As the old kind of run path, which `LD_LIBRARY_PATH` does not override: results
    // name the library below, so no other may slip in at run time.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");

    let version = version(&folder);
    println!("cargo:rustc-env=JACKPOT_LIBTORCH_VERSION={version}");
    if version != WANTED && std::env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_none() {
        panic!(
            "libtorch in `{}` is {version}, {WANTED} is wanted: point `LIBTORCH` at that version, or unset it \
             and run `cargo xtask setup`",
            folder.display()
        );
    }
    let library = folder.join("libtorch_cpu.so");
    println!("cargo:rerun-if-changed={}", library.display());
    println!(
        "cargo:rustc-env=JACKPOT_LIBTORCH_BUILD={}",
        &sha256(&library)[..16]
    );
}

/// As the headers say, which every distribution of libtorch has.
fn version(folder: &Path) -> String {
    let root = match std::env::var_os("LIBTORCH_INCLUDE") {
        Some(root) => PathBuf::from(root),
        None => folder
            .parent()
            .expect("`lib` lies in a folder")
            .to_path_buf(),
    };
    let header = root.join("include/torch/headeronly/version.h");
    println!("cargo:rerun-if-changed={}", header.display());
    let text = std::fs::read_to_string(&header).unwrap_or_else(|e| {
        panic!(
            "`{}`: {e}; it says which libtorch this is",
            header.display()
        )
    });
    let part = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.unwrap_or_else(|| panic!("`{}` does not define `{name}`", header.display()))
            .trim()
            .to_string()
    };
    [
        "TORCH_VERSION_MAJOR",
        "TORCH_VERSION_MINOR",
        "TORCH_VERSION_PATCH",
    ]
    .map(part)
    .join(".")
}

/// The library has 400 MB and build scripts are not optimised: coreutils hashes it in a
/// second, Rust code compiled here would take a minute.
fn sha256(library: &Path) -> String {
    let output = Command::new("sha256sum").arg("--").arg(library).output();
    let text = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        Ok(output) => panic!("sha256sum: {}", String::from_utf8_lossy(&output.stderr)),
        Err(e) => panic!("sha256sum, of coreutils, hashes libtorch and cannot be started: {e}"),
    };
    let digest = text
        .trim_start_matches('\\')
        .split_whitespace()
        .next()
        .unwrap_or_default();
    assert!(digest.len() == 64, "sha256sum said `{text}`");
    digest.to_string()
}
