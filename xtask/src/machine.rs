//! What the machine must offer, checked before any long step, and installed through apt where
//! there is apt and somebody says yes.

use std::fs;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::finish;

/// Something that a command here runs: it answers to these arguments if it is there, and comes
/// with this package of Debian and Ubuntu.
pub struct Need {
    program: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
}

/// Compilers and `make`: tch builds C++, the C plugins are built by the C compiler.
pub const COMPILERS: &[Need] = &[
    need("c++", &["--version"], "g++"),
    need("cc", &["--version"], "gcc"),
    need("make", &["--version"], "make"),
];

/// Python with pip, needed for downloads only.
pub const PYTHON: &[Need] = &[
    need("python3", &["--version"], "python3"),
    need("python3", &["-m", "pip", "--version"], "python3-pip"),
];

/// A browser and a LaTeX: the tests of what the report writes.
pub const READERS: &[Need] = &[
    need("chromium", &["--version"], CHROMIUM),
    need("pdflatex", &["--version"], "texlive-latex-base"),
    // A LaTeX may be there without what the tables need.
    need("kpsewhich", &["booktabs.sty"], "texlive-latex-recommended"),
];

/// Debian's name; Ubuntu has the same program under another one.
const CHROMIUM: &str = "chromium";

const fn need(
    program: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
) -> Need {
    Need {
        program,
        arguments,
        package,
    }
}

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

/// Makes sure that all of this is there: installs what is missing, or names it with the command
/// that mends it.
pub fn provide(needs: &[&[Need]], yes: bool) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let named = format!("missing on this machine: {}", missing.join(", "));
    let by_hand = format!("mend it with: sudo apt-get install {}", missing.join(" "));
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !answers("apt-get", &["--version"]) || !(root || answers("sudo", &["--version"])) {
        bail!("{named}\n  {by_hand}\n  (or your distribution's packages of the same programs)");
    }
    consent(&format!("{named}. Install it through apt?"), &by_hand, yes)?;
    for arguments in [&["update"][..], &[&["install"][..], &missing].concat()] {
        finish(&mut apt(root, arguments), "apt").with_context(|| by_hand.clone())?;
    }
    let still = self::missing(needs);
    if !still.is_empty() {
        bail!(
            "installed, but still missing on this machine: {}",
            still.join(", ")
        );
    }
    Ok(())
}

/// The packages whose programs do not answer.
fn missing(needs: &[&[Need]]) -> Vec<&'static str> {
    needs
        .iter()
        .copied()
        .flatten()
        .filter(|need| !answers(need.program, need.arguments))
        .map(|need| {
            if need.package == CHROMIUM && on_ubuntu() {
                "chromium-browser"
            } else {
                need.package
            }
        })
        .collect()
}

fn on_ubuntu() -> bool {
    fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=ubuntu"))
}

/// apt that asks nothing, by way of `sudo` for everybody but root.
fn apt(root: bool, arguments: &[&str]) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        // Without a terminal nobody could type a password.
        command.args((!std::io::stdin().is_terminal()).then_some("-n"));
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--yes"]);
    command.args(["-o", "DPkg::Lock::Timeout=120", "--no-install-recommends"]);
    command.args(arguments);
    command
}

/// Whether a download or an installation may be made: `yes`, a CI, or a person who says so.
pub fn consent(question: &str, otherwise: &str, yes: bool) -> Result<()> {
    if yes || std::env::var("CI").is_ok_and(|value| value == "true") {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("{question}\n  nobody is here to answer: say `--yes`, or {otherwise}");
    }
    eprint!("{question} [Y/n] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(()),
        _ => bail!("not done, as you said: {otherwise}, or say yes"),
    }
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
