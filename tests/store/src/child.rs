//! One user of a store, as a process of its own: `jackpot-store-child ROLE STORE [ARGUMENT]`.
//!
//! **Invariant**: it does nothing to the store that the store's public functions do not offer.

use jackpot_store::{Digest, Error, Store, steps};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

/// The step at which to die; 0: never.
static LAST_STEP: AtomicU64 = AtomicU64::new(0);
static STEP: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, root, argument] = &arguments[..] else {
        eprintln!("usage: jackpot-store-child ROLE STORE ARGUMENT");
        return ExitCode::from(2);
    };
    match act(role, Path::new(root), argument) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error {}: {error}", kind(&error));
            ExitCode::FAILURE
        }
    }
}

fn act(role: &str, root: &Path, argument: &str) -> Result<(), Error> {
    let install = |hook| steps::HOOK.set(hook).expect("the only hook");
    match role {
        // Several at once, let go by the end of their input.
        "race" => {
            let store = Store::open(root)?;
            wait();
            let outputs = BTreeMap::from([("result".into(), store.put(argument.as_bytes())?)]);
            let committed = store.commit(&json!({"kind": "race"}), &outputs, &json!({}))?;
            println!("{committed:?}");
        }
        "claim" => {
            let claim = Store::open(root)?.claim(&digest(argument)?)?;
            println!("{}", if claim.is_some() { "held" } else { "taken" });
            wait();
        }
        "scratch" => {
            let store = Store::open(root)?;
            let scratch = store.scratch()?;
            println!("{}", scratch.path.display());
            wait();
        }
        "read" => {
            let store = Store::open(root)?;
            println!("note {:?}", store.note());
            println!("put {:?}", store.put(b"anything").map_err(|e| kind(&e)));
            let bytes = store.get(&digest(argument)?)?;
            println!("got {}", String::from_utf8_lossy(&bytes));
        }
        "audit" => {
            for problem in Store::open(root)?.audit(&|_, _| ())?.problems {
                println!("problem {}: {}", problem.path.display(), problem.what);
            }
        }
        "crash" => {
            let step = argument.parse().expect("a number of steps");
            LAST_STEP.store(step, Ordering::Relaxed);
            install(die_at_last_step);
            whole_life(root)?;
        }
        "trace" => {
            install(|step, path| println!("{step}\t{}", path.display()));
            whole_life(root)?;
        }
        "locate" => println!("{}", Store::locate(None, Path::new("."))?.display()),
        _ => return Err(Error::Invalid(format!("no role `{role}`"))),
    }
    Ok(())
}

/// Everything that writes: a store is made, an action fails, then succeeds, and is pinned.
fn whole_life(root: &Path) -> Result<(), Error> {
    let store = Store::create(root)?;
    let recipe = life_recipe();
    store.record_failure(&recipe, &json!({"why": "first try"}))?;
    let resume = store.resume_folder(&Store::key(&recipe)?)?;
    let file = resume.join("state");
    std::fs::write(&file, "resume point").expect("the folder is writable");
    let outputs = BTreeMap::from([
        ("metrics".into(), store.put(b"metrics")?),
        ("bits".into(), store.put_file(&file)?),
    ]);
    store.commit(&recipe, &outputs, &json!({"seconds": "1e0"}))?;
    store.put(b"metrics")?;
    store.write_pin("life", b"{}")?;
    println!("done");
    Ok(())
}

fn life_recipe() -> Value {
    json!({"kind": "life", "revision": 1})
}

fn die_at_last_step(_: &'static str, _: &Path) {
    let step = STEP.fetch_add(1, Ordering::Relaxed) + 1;
    if step == LAST_STEP.load(Ordering::Relaxed) {
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}

/// Until the parent closes the pipe.
fn wait() {
    let _ = std::io::stdout().flush();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn digest(text: &str) -> Result<Digest, Error> {
    text.parse()
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "not found",
        Error::Corrupt { .. } => "corrupt",
        Error::Io { .. } => "io",
        Error::Format { .. } => "format",
        Error::Busy { .. } => "busy",
        Error::Invalid(_) => "invalid",
        _ => "other",
    }
}
