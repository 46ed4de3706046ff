//! Speed: the training loop and the engines as ratios within one run (the machines are noisy,
//! ratios less so), and the seconds that the methods take for a mask and a large study for its
//! report.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{binaries, build, cargo, finish, libtorch, report};

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Images a second of our training loop against the same network in plain libtorch calls.
    Training,
    /// Seconds a mask.
    Masks,
    /// Seconds and memory of a report of 2,250 runs.
    Report,
    /// A training step of the sparse engine against libtorch's: half an hour, on idle cores.
    Engines,
}

/// What is asked of the measurement of the engines.
#[derive(clap::Args)]
pub struct Engines {
    /// Of `engines`: parts whose name holds this, such as `ResNet-8` or `two workers`
    #[arg(long, value_name = "NAME")]
    part: Vec<String>,
    /// Of `engines`: batch 64 and few rounds, into the build folder, not into `reports/speed`
    #[arg(long)]
    quick: bool,
    /// Of `engines`: measure again what is measured already
    #[arg(long)]
    again: bool,
}

/// Measures what is asked for, or everything.
pub fn run(root: &Path, only: &[What], synflow_rounds: u32, engines: &Engines) -> Result<()> {
    let asked = |what| only.is_empty() || only.contains(&what);
    println!("{}", libtorch::setup(root, false)?);
    if asked(What::Training) {
        println!("training steps, ours and plain libtorch in turns: about a minute");
        let speed = measure(root, "train_speed", &[])?;
        println!("{}", sentence(&speed)?);
    }
    if asked(What::Masks) || asked(What::Engines) {
        build::programs(root)?;
    }
    if asked(What::Masks) {
        println!("masks of networks of full width, one thread, SynFlow in {synflow_rounds} rounds");
        let place = binaries()?.display().to_string();
        let given = [place, synflow_rounds.to_string()];
        let seconds = measure(root, "mask_seconds", &given)?;
        println!("{}", table(&seconds)?);
    }
    if asked(What::Report) {
        println!("report of a large study from a warm store, its results generated");
        let report = measure(root, "report_speed", &[])?;
        println!("{}", report_sentence(&report)?);
    }
    if asked(What::Engines) {
        measure_engines(root, engines)?;
    }
    Ok(())
}

/// Steps of the sparse engine and of libtorch in turns; then the tables and the figure.
fn measure_engines(root: &Path, engines: &Engines) -> Result<()> {
    println!("training steps of the sparse engine and of libtorch, part by part");
    let folder = if engines.quick {
        binaries()?.join("speed")
    } else {
        root.join("reports/speed")
    };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    // What each process may use is for the measurement to say, part by part.
    let mut command = benchmark(root, "engine_speed");
    command.arg(binaries()?).arg(folder.join("speed.json"));
    for part in &engines.part {
        command.args(["--only", part]);
    }
    for (given, option) in [(engines.quick, "--quick"), (engines.again, "--again")] {
        if given {
            command.arg(option);
        }
    }
    finish(&mut command, "the engines' measurement")?;
    let mut drawing = report::program()?;
    finish(drawing.arg(&folder).arg("--speed"), "its tables and figure")
}

/// What a report of a large study took, in words.
fn report_sentence(measured: &Value) -> Result<String> {
    let number = |field: &str| number(measured, "report_speed", field);
    Ok(format!(
        "report of {} runs: {:.1} s ({:.1} s of it reading, {:.1} s its evidence), {} files, at most {:.0} MiB",
        number("runs")?,
        number("seconds")?,
        number("read_seconds")?,
        number("evidence_seconds")?,
        number("files")?,
        number("peak_mib")?
    ))
}

/// A number of what a benchmark printed.
fn number(measured: &Value, benchmark: &str, field: &str) -> Result<f64> {
    let value = measured[field].as_f64();
    value.with_context(|| format!("`{benchmark}` prints no number `{field}`: {measured}"))
}

/// A benchmark, to be run with what is added. It is looked for in the whole workspace: of its own
/// package alone, dependencies have other features, and cargo would compile them again.
fn benchmark(root: &Path, benchmark: &str) -> Command {
    let mut command = cargo(root);
    command.args(["bench", "--quiet", "--workspace"]);
    command.args(["--bench", benchmark, "--"]);
    command
}

/// What a benchmark prints, as JSON.
fn measure(root: &Path, benchmark: &str, given: &[String]) -> Result<Value> {
    let mut command = self::benchmark(root, benchmark);
    command.args(given);
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
    let output = command
        .output()
        .with_context(|| format!("cannot start `{benchmark}`"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim_end();
        bail!("`{benchmark}` ended with {}:\n{words}", output.status);
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`{benchmark}` prints something other than JSON"))
}

/// One line a mask.
fn table(measured: &Value) -> Result<String> {
    let rows = measured
        .as_array()
        .context("`mask_seconds` prints no list")?;
    let row = |row: &Value| {
        let text = |field: &str| row[field].as_str().map(str::to_owned);
        let number = |field: &str| row[field].as_f64();
        let line = text("network")
            .zip(text("method"))
            .zip(number("seconds").zip(number("rounds")));
        let ((network, method), (seconds, rounds)) =
            line.with_context(|| format!("`mask_seconds` prints an odd row: {row}"))?;
        Ok(format!(
            "{network:<10} {method:<8} {rounds:>4} rounds {seconds:>9.1} s"
        ))
    };
    let lines: Vec<String> = rows.iter().map(row).collect::<Result<_>>()?;
    Ok(lines.join("\n"))
}

/// What the benchmark measured, in words.
fn sentence(measured: &Value) -> Result<String> {
    let number = |field: &str| number(measured, "train_speed", field);
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
    use super::{report_sentence, sentence, table};

    #[test]
    fn masks_are_a_table_and_an_odd_row_is_shown() {
        let mut measured = serde_json::json!([
            { "network": "VGG-19", "method": "snip", "rounds": 1, "seconds": 4.26, "kept": 9 },
            { "network": "ResNet-32", "method": "synflow", "rounds": 100, "seconds": 71.04, "kept": 9 },
        ]);
        assert_eq!(
            table(&measured).unwrap(),
            "VGG-19     snip        1 rounds       4.3 s\n\
             ResNet-32  synflow   100 rounds      71.0 s"
        );
        measured[1]["seconds"] = "slow".into();
        let told = table(&measured).unwrap_err().to_string();
        assert!(told.contains("odd row") && told.contains("slow"), "{told}");
    }

    #[test]
    fn a_report_s_measurement_is_a_sentence() {
        let measured = serde_json::json!({
            "runs": 2250, "files": 40, "read_seconds": 0.81, "evidence_seconds": 1.04,
            "seconds": 3.26, "peak_mib": 412.4,
        });
        assert_eq!(
            report_sentence(&measured).unwrap(),
            "report of 2250 runs: 3.3 s (0.8 s of it reading, 1.0 s its evidence), 40 files, at most 412 MiB"
        );
        let odd = report_sentence(&serde_json::json!({ "runs": "many" }));
        assert!(odd.unwrap_err().to_string().contains("`runs`"));
    }

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
