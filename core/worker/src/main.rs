//! `jackpot-worker FOLDER`: runs the one action that `FOLDER/job.json` describes, and ends.
//!
//! It joins the two sides that never know each other: plugins (through
//! [`jackpot_host::serve`]) and libtorch (through [`jackpot_nn`]); and to libtorch's
//! trainings it joins the second engine, [`jackpot_sparse`]. The supervisor starts
//! one fresh process an action, watches it, and takes `FOLDER/done.json` for success and
//! nothing else. A failure is `FOLDER/error.json`, with the same words on stderr.
//!
//! `jackpot-worker --describe` prints which libtorch this worker was built with, and where it lies.
//!
//! **Invariant.** The worker never reads or writes a store: its inputs are files that the
//! supervisor has verified, its outputs lie in the folder that the supervisor gave it.

mod evaluation;
mod services;
mod sparse;
mod steps;
mod training;

use jackpot_host::{ServiceError, Services};
use jackpot_protocol::{Failure, Job, PluginJob};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: jackpot-worker FOLDER   runs FOLDER/job.json
       jackpot-worker --describe   prints the libtorch that this worker was built with
Started by `jackpot run`; there is no need to start it by hand.";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [one] if one == "--describe" => answer(&description()),
        [one] if one == "--help" || one == "-h" => answer(&USAGE),
        [folder] if Path::new(folder).is_dir() => run(Path::new(folder)),
        [folder] => {
            let _ = writeln!(
                std::io::stderr(),
                "`{}` is no folder\n{USAGE}",
                folder.display()
            );
            ExitCode::from(2)
        }
        _ => {
            let _ = writeln!(std::io::stderr(), "{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Prints; where there is no room, that is an error and no panic.
fn answer(text: &dyn std::fmt::Display) -> ExitCode {
    let mut out = std::io::stdout();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        let _ = writeln!(
            std::io::stderr(),
            "error: could not write to standard output: {error}"
        );
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

/// Which libtorch every result of this worker is a function of.
fn description() -> serde_json::Value {
    serde_json::json!({
        "libtorch": env!("JACKPOT_LIBTORCH_VERSION"),
        "build": env!("JACKPOT_LIBTORCH_BUILD"),
        "library": library(),
    })
}

/// The file that libtorch was loaded from: another may lie where the one of the build lay.
fn library() -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = |line: &str| Some(line[line.find('/')?..].to_owned());
    maps.lines()
        .filter(|line| line.ends_with("/libtorch_cpu.so"))
        .find_map(path)
}

fn run(folder: &Path) -> ExitCode {
    match read_job(folder) {
        Ok(Job::Describe { plugin, sha256 }) => {
            jackpot_host::serve_describe(folder, &plugin, &sha256)
        }
        Ok(Job::Plugin(job)) => jackpot_host::serve(folder, &job, &mut make_services),
        Ok(Job::Train(job)) => guarded(folder, || training::run(folder, &job)),
        Ok(Job::Evaluate(job)) => guarded(folder, || evaluation::run(folder, &job)),
        Ok(Job::Steps(job)) => guarded(folder, || steps::run(folder, &job)),
        Err(failure) => fail(folder, &failure),
    }
}

/// A panic becomes the failure that it is, with its words.
fn guarded(folder: &Path, work: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let done = catch_unwind(AssertUnwindSafe(work));
    match done.unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(folder, &failure),
    }
}

fn read_job(folder: &Path) -> Result<Job, Failure> {
    let path = folder.join("job.json");
    let text = read(&path)?;
    serde_json::from_slice(&text).map_err(|e| named(&path, e))
}

fn make_services(job: &PluginJob) -> Result<Box<dyn Services>, ServiceError> {
    // Plugins' gradients are part of results as trainings are: always one thread.
    jackpot_nn::set_threads(1).map_err(|e| e.to_string())?;
    Ok(Box::new(services::Gradients::new(job)?))
}

/// Writes outputs into `FOLDER/out`.
fn write(folder: &Path, outputs: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    let out = folder.join("out");
    std::fs::create_dir_all(&out).map_err(|e| named(&out, e))?;
    for (name, bytes) in outputs {
        let path = out.join(name);
        std::fs::write(&path, bytes).map_err(|e| named(&path, e))?;
    }
    Ok(())
}

/// The whole of a file that the job names.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| named(path, e))
}

fn failure(kind: &str, message: String) -> Failure {
    Failure::new(kind, message)
}

/// What libtorch's side says, with its kind.
fn to_failure(error: impl Into<jackpot_nn::Error>) -> Failure {
    use jackpot_nn::Error::*;
    let error = error.into();
    let kind = match error {
        Invalid(_) => "invalid",
        Numeric(_) => "numeric",
        Memory(_) => "memory",
        Torch(_) | File { .. } => "error",
    };
    failure(kind, error.to_string())
}

/// An error of reading or writing this file.
fn named(path: &Path, error: impl std::fmt::Display) -> Failure {
    failure("error", format!("`{}`: {error}", path.display()))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    failure(
        "panic",
        format!(
            "the worker panicked: {}",
            text.unwrap_or_else(|| "no message".into())
        ),
    )
}

fn fail(folder: &Path, failure: &Failure) -> ExitCode {
    // The report first: a disk that is full may have room for one of them.
    let report = serde_json::json!({ "kind": failure.kind, "message": failure.message });
    if let Err(e) = std::fs::write(folder.join("error.json"), report.to_string()) {
        log(&format!("`{}`: {e}", folder.join("error.json").display()));
    }
    log(&failure.message);
    ExitCode::FAILURE
}

/// A line of the log, which is a file in the job's folder: that its disk is full is no reason
/// to panic, as `eprintln!` would.
fn log(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tensors_multiply() {
        let a = tch::Tensor::from_slice(&[1.0_f64, 2.0, 3.0, 4.0]).view([2, 2]);
        let b = tch::Tensor::from_slice(&[5.0_f64, 6.0, 7.0, 8.0]).view([2, 2]);
        let product: Vec<f64> = a.matmul(&b).view([4]).try_into().unwrap();
        assert_eq!(product, [19.0, 22.0, 43.0, 50.0]);
    }

    #[test]
    fn the_description_names_a_version_and_a_build() {
        let description = description();
        assert_eq!(description["libtorch"], "2.13.0");
        let build = description["build"].as_str().unwrap();
        assert!(
            build.len() == 16 && build.bytes().all(|b| b.is_ascii_hexdigit()),
            "{build}"
        );
    }

    #[test]
    fn a_job_that_cannot_be_read_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("job.json"), r#"{"kind":"train"}"#).unwrap();
        assert_eq!(
            format!("{:?}", run(folder.path())),
            format!("{:?}", ExitCode::FAILURE)
        );
        let report = std::fs::read_to_string(folder.path().join("error.json")).unwrap();
        assert!(
            report.contains("job.json") && report.contains("missing field"),
            "{report}"
        );
    }
}
