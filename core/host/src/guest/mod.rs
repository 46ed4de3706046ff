//! The worker's side: the only code that loads a plugin.
//!
//! One process serves one job and ends. So nothing here is freed but scratch: a pointer that
//! a plugin kept by mistake never points at something else's memory.
mod call;
mod context;
pub(crate) mod disturb;
mod fault;
mod load;
mod memory;
mod outputs;
mod problem;
mod process_state;
mod rounds;
pub(crate) mod services;
mod table;

use crate::{
    Progress, ServiceError, Services,
    supervisor::progress::{Page, Phase},
};
use jackpot_protocol::{DataAccess, Failure, NAME, PluginJob};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How a server makes its services for a job.
pub type MakeServices<'a> = dyn FnMut(&PluginJob) -> Result<Box<dyn Services>, ServiceError> + 'a;

/// The worker's side of a plugin job: load, call, write the outputs' bytes, then `done.json`.
/// Makes its own services through `make`, and only when the item declares that it differentiates.
pub fn serve(folder: &Path, job: &PluginJob, make: &mut MakeServices<'_>) -> ExitCode {
    disturb::prepare();
    guarded(folder, |page| {
        let plugin = load::load(&job.plugin, &job.sha256, page)?;
        std::fs::write(folder.join(NAME), &plugin.described.name)
            .map_err(|e| Failure::new("error", format!("`{NAME}`: {e}")))?;
        let item = plugin.item(&job.item)?;
        crate::catalog::rounds::check_item(&job.item, job.rounds.as_ref())?;
        let offered = job.access == DataAccess::Everything;
        let services = if job.item.needs_autodiff() || offered {
            Some(make(job).map_err(services_failure)?)
        } else {
            None
        };
        let problem = problem::RunInputs::read(job)?;
        call::call(folder, page, job, problem, item, services)
    })
}

/// Why a server has no services for a job.
fn services_failure(error: ServiceError) -> Failure {
    let kind = match error {
        ServiceError::Memory(_) => "memory",
        ServiceError::Failed(_) => "error",
    };
    Failure::new(kind, error.to_string())
}

/// The worker's side of a description: load, then the table as `done.json`.
pub fn serve_describe(folder: &Path, plugin: &Path, sha256: &str) -> ExitCode {
    guarded(folder, |page| {
        let loaded = load::load(plugin, sha256, page)?;
        serde_json::to_value(&loaded.described)
            .map_err(|e| Failure::new("error", format!("the table cannot be written: {e}")))
    })
}

/// What a server without autodiff reads from `job.json`.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Job {
    Describe { plugin: PathBuf, sha256: String },
    Plugin(Box<PluginJob>),
}

/// Serves the job of a folder in a program without autodiff: describes a plugin, or runs an
/// item that does not differentiate.
pub fn serve_main(folder: &Path) -> ExitCode {
    serve_with(folder, &mut |job| {
        Err(format!(
            "item `{}` differentiates, and this server has no autodiff: start it with `jackpot-worker`",
            job.item.id
        )
        .into())
    })
}

/// Serves the job of a folder, whichever of the two kinds it is, with the autodiff that `make`
/// gives.
pub fn serve_with(folder: &Path, make: &mut MakeServices<'_>) -> ExitCode {
    let read = || -> Result<Job, String> {
        let text = std::fs::read_to_string(folder.join("job.json")).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    };
    match read() {
        Ok(Job::Describe { plugin, sha256 }) => serve_describe(folder, &plugin, &sha256),
        Ok(Job::Plugin(job)) => serve(folder, &job, make),
        Err(e) => {
            let message = format!("`{}`: {e}", folder.join("job.json").display());
            guarded(folder, |_| Err(Failure::new("error", message)))
        }
    }
}

/// Runs a job: `done.json` or `error.json`, and never an unwinding worker.
fn guarded(folder: &Path, job: impl FnOnce(&'static Page) -> Result<Value, Failure>) -> ExitCode {
    let progress = Progress::open(folder);
    let page = progress.page();
    fault::install(page);
    let outcome = catch_unwind(AssertUnwindSafe(|| job(page))).unwrap_or_else(|panic| {
        Err(Failure::new(
            "error",
            format!("the worker panicked: {}", panic_text(&*panic)),
        ))
    });
    page.enter(Phase::Host);
    let written = match outcome {
        Ok(result) => progress.finish(&result).map(|()| ExitCode::SUCCESS),
        Err(failure) => {
            let report = json!({
                "kind": failure.kind, "message": failure.message,
                "over_scratch": failure.over_scratch,
            });
            crate::files::write_json(folder, "error.json", &report)
                .map(|()| ExitCode::FAILURE)
                .map_err(|f| std::io::Error::other(f.message))
        }
    };
    written.unwrap_or_else(|e| {
        // Not `eprintln!`, which panics where the log has no room either.
        let _ = writeln!(std::io::stderr(), "the outcome cannot be written: {e}");
        ExitCode::FAILURE
    })
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
