//! Finds libtorch, or installs the pinned wheel into the user's cache folder.
//!
//! Always the same wheel, whatever Python is there: the library's bytes differ from
//! wheel to wheel, and a result is a function of them. Python never imports it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine;
use crate::wheels::{Installation, Wheel};

/// The version that tch wants.
pub const VERSION: &str = "2.13.0";
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
    machine::provide(&[machine::COMPILERS], yes)?;
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
    let installed = install(yes)?;
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

/// The folder of a finished installation; makes it where it is missing or half made.
fn install(yes: bool) -> Result<PathBuf> {
    let otherwise = format!("set LIBTORCH to a libtorch {VERSION} of your own");
    let installation = Installation {
        folder: format!("libtorch-{VERSION}-{}", std::env::consts::ARCH),
        wheels: &WHEELS,
        keep: needed,
        what: format!("libtorch {VERSION} is not here. Download it once (540 MB"),
        otherwise,
    };
    installation.install(yes, |folder| {
        // tch links `torch`; without this wheel's own libtorch.so no CUDA library is wanted.
        point(
            &folder.join("torch/lib/libtorch.so"),
            Path::new("libtorch_cpu.so"),
        )
    })
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
