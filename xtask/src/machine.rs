//! What the machine must offer, checked before any long step.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Linux on x86-64 is tested, on aarch64 it should build; elsewhere a clear refusal.
pub fn supported() -> Result<()> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    if system == "linux" && matches!(processor, "x86_64" | "aarch64") {
        return Ok(());
    }
    bail!(
        "jackpot runs on Linux, x86_64 (tested) or aarch64; this is {system} on {processor}.\n\
         Plugins are supervised with Linux's own means (memory limits, subreapers, guard pages)."
    )
}

/// Compilers and `make`: tch builds C++, the C plugins are built by the C compiler.
pub fn compilers() -> Result<()> {
    present(&[("c++", "g++"), ("cc", "gcc"), ("make", "make")])
}

/// A browser and a LaTeX: the tests of what the report writes.
pub fn readers() -> Result<()> {
    present(&[
        ("chromium", "chromium"),
        ("pdflatex", "texlive-latex-recommended"),
    ])
}

/// Names the packages of Debian whose programs do not answer.
fn present(programs: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !answers(program, "--version"))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "missing on this machine: {}\n  mend it with: sudo apt-get install {}\n  \
         (or your distribution's packages of the same programs)",
        missing.join(", "),
        missing.join(" ")
    )
}

/// Python with pip, needed for the download only.
pub fn python_with_pip() -> Result<()> {
    if !answers("python3", "--version") {
        bail!(
            "`python3` is missing: it is needed once, to download libtorch\n  \
             mend it with: sudo apt-get install python3 python3-pip\n  \
             or set LIBTORCH to a libtorch {} of your own",
            crate::libtorch::VERSION
        );
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !pip.is_ok_and(|status| status.success()) {
        bail!(
            "`python3 -m pip` does not answer: it is needed once, to download libtorch\n  \
             mend it with: sudo apt-get install python3-pip\n  \
             or set LIBTORCH to a libtorch {} of your own",
            crate::libtorch::VERSION
        );
    }
    Ok(())
}

fn answers(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
