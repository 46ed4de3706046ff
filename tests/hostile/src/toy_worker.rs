//! `toy-worker FOLDER`: a server without libtorch. `toy-worker supervise FOLDER`: a supervisor
//! of one, to be killed by a test.
use jackpot_host::{Server, run_plugin, serve_with};
use jackpot_protocol::PluginJob;
use jackpot_test_hostile::Moody;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [folder] => serve_with(Path::new(folder), &mut |job| Ok(Box::new(Moody::new(job)?))),
        [verb, folder] if verb == "supervise" => supervise(Path::new(folder)),
        _ => {
            eprintln!("usage: toy-worker [supervise] FOLDER");
            ExitCode::from(2)
        }
    }
}

fn supervise(folder: &Path) -> ExitCode {
    let text = std::fs::read_to_string(folder.join("job.json")).expect("the folder has a job");
    let job: PluginJob = serde_json::from_str(&text).expect("a plugin job");
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
