//! Speed, as ratios within one run: the machines are noisy, ratios less so.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cargo, libtorch};

/// Images a second of our training loop against the same network in plain libtorch calls.
pub fn run(root: &Path) -> Result<()> {
    println!("{}", libtorch::setup(root, false)?);
    let mut command = cargo(root);
    command.args(["run", "--release", "--quiet", "--package", "jackpot-nn"]);
    command.args(["--example", "train_speed"]);
    // The kernels that the shipped studies pin; an environment of the caller's wins.
    for (name, value) in [
        ("ONEDNN_MAX_CPU_ISA", "AVX2"),
        ("ATEN_CPU_CAPABILITY", "avx2"),
        ("MKL_CBWR", "AVX2"),
    ] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    println!("training steps, ours and plain libtorch in turns: about a minute");
    let output = command.output().context("cannot start `train_speed`")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`train_speed` ended with {}:\n{}",
            output.status,
            words.trim_end()
        );
    }
    println!("{}", sentence(&serde_json::from_slice(&output.stdout)?)?);
    Ok(())
}

/// What the example measured, in words.
fn sentence(measured: &Value) -> Result<String> {
    let number = |field: &str| {
        let value = measured[field].as_f64();
        value.with_context(|| format!("`train_speed` prints no number `{field}`: {measured}"))
    };
    Ok(format!(
        "{}: {:.0} images/s, plain libtorch {:.0}, ratio {:.3}",
        measured["network"]
            .as_str()
            .context("`train_speed` names no network")?,
        number("images_per_second")?,
        number("plain_images_per_second")?,
        number("ratio")?
    ))
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_measurement_is_a_sentence_and_a_missing_number_is_named() {
        let mut measured = serde_json::json!({
            "network": "resnet-8", "images_per_second": 3172.6,
            "plain_images_per_second": 3057.4, "ratio": 1.0377,
        });
        let said = sentence(&measured).unwrap();
        assert_eq!(
            said,
            "resnet-8: 3173 images/s, plain libtorch 3057, ratio 1.038"
        );
        measured["ratio"] = "fast".into();
        assert!(
            sentence(&measured)
                .unwrap_err()
                .to_string()
                .contains("`ratio`")
        );
    }
}
