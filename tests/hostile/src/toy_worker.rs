//! `toy-worker FOLDER`: a server without libtorch. `toy-worker supervise FOLDER`: a supervisor
//! of one, to be killed by a test.
use jackpot_host::{PluginJob, Server, run_plugin, serve, serve_describe};
use jackpot_test_hostile::Moody;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [folder] => work(Path::new(folder)),
        [verb, folder] if verb == "supervise" => supervise(Path::new(folder)),
        _ => {
            eprintln!("usage: toy-worker [supervise] FOLDER");
            ExitCode::from(2)
        }
    }
}

fn read(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("job.json")).expect("the folder has a job");
    serde_json::from_str(&text).expect("a job is JSON")
}

fn work(folder: &Path) -> ExitCode {
    let job = read(folder);
    if job["kind"] == "describe" {
        let plugin = PathBuf::from(job["plugin"].as_str().expect("a path"));
        return serve_describe(folder, &plugin, job["sha256"].as_str().expect("a digest"));
    }
    let job: PluginJob = serde_json::from_value(job).expect("a plugin job");
    serve(folder, &job, &mut |job| Ok(Box::new(Moody::new(job)?)))
}

fn supervise(folder: &Path) -> ExitCode {
    let job: PluginJob = serde_json::from_value(read(folder)).expect("a plugin job");
    let server = Server {
        program: std::env::current_exe().expect("this program has a path"),
        arguments: vec![],
        environment: Default::default(),
    };
    match run_plugin(&server, &job, &folder.join("run"), &mut |_| ()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
