//! Finds a study, its store and what it is run with.
use crate::Places;
use anyhow::{Context, Result, bail};
use jackpot_host::printable;
use jackpot_results::RunName;
use jackpot_store::{Found, Store, require_loadable};
use jackpot_study::{Libtorch, Plan, Plugins, Programs, Study, Trial};
use std::{
    env,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread::available_parallelism,
};

/// The store that the user means; it must be there.
pub fn store(places: &Places) -> Result<Store> {
    let root = root(places)?;
    let store = match Store::open(&root) {
        Err(error) if empty(&root) => {
            return Err(error).context("`jackpot run` with this `--store` starts a store there");
        }
        opened => opened?,
    };
    said(store)
}

/// The store that the user means, made if the folder is absent or empty.
pub fn store_to_fill(places: &Places) -> Result<Store> {
    let root = root(places)?;
    if empty(&root) {
        said(Store::create(&root)?)
    } else {
        store(places)
    }
}

/// As [`store_to_fill`], where plugins are to be run from the store.
pub fn store_to_run(places: &Places) -> Result<Store> {
    require_loadable(&root(places)?, "name another folder with `--store`")?;
    store_to_fill(places)
}

/// What a plan looks in: the store, or an empty one for as long as the plan is made where there is
/// none yet.
pub struct LookedIn {
    /// What is there.
    pub store: Store,
    _passing: Option<tempfile::TempDir>,
}

/// The store that the user means, if there is one: a plan needs none.
pub fn store_if_any(places: &Places) -> Result<LookedIn> {
    let found = root(places);
    let missing = match &found {
        Ok(root) if empty(root) => format!("{} is no store yet", root.display()),
        // A place that was named is not looked past.
        Err(_) if places.store.is_none() && env::var_os("JACKPOT_STORE").is_none() => {
            "no store is here yet".to_owned()
        }
        _ => {
            return Ok(LookedIn {
                store: store(places)?,
                _passing: None,
            });
        }
    };
    eprintln!("note: {missing}: nothing counts as cached, and nothing is written");
    let passing = tempfile::tempdir().context("a folder for an empty store")?;
    Ok(LookedIn {
        store: Store::create(passing.path())?,
        _passing: Some(passing),
    })
}

fn root(places: &Places) -> Result<PathBuf> {
    let here = env::current_dir().context("the current folder")?;
    Ok(Store::locate(places.store.as_deref(), &here)?)
}

/// Absent, or a folder with nothing in it.
pub fn empty(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// The name under which a study is pinned, given as that name, as its folder or as its
/// `study.toml`.
pub fn pinned_name(given: &Path) -> Result<String> {
    let text = given.to_string_lossy();
    if !text.contains('/') && !given.join("study.toml").is_file() {
        return Ok(text.into_owned());
    }
    let found = find(given)?;
    let whole = || format!("`{}`", given.display());
    let found = found.canonicalize().with_context(whole)?;
    let folder = if found.is_dir() {
        Some(found.as_path())
    } else {
        found.parent()
    };
    let name = folder.and_then(Path::file_name).with_context(whole)?;
    Ok(name.to_string_lossy().into_owned())
}

/// The training of a run, by its name, or the one action or object whose hash starts so.
pub fn one_or_run(store: &Store, given: &str) -> Result<Found> {
    let Some(name) = RunName::parse(given) else {
        return one(store, given);
    };
    let cell = name.pinned(store)?;
    match cell.action {
        Some(key) => Ok(Found::Action(key)),
        None => bail!("`{given}` has no training: `jackpot explain {given}` says why"),
    }
}

/// The one action or object whose hash starts so.
pub fn one(store: &Store, start: &str) -> Result<Found> {
    let mut found = store.find(start)?;
    match (found.pop(), found.is_empty()) {
        (None, _) => bail!(
            "no action and no object of {} starts with `{start}`",
            store.place().display()
        ),
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            found.push(last);
            for one in &found {
                match one {
                    Found::Action(key) => println!("action {key}"),
                    Found::Object(digest) => println!("object {digest}"),
                }
            }
            bail!("`{start}` is the start of {} hashes", found.len());
        }
    }
}

fn said(store: Store) -> Result<Store> {
    if let Some(note) = store.note() {
        eprintln!("note: {note}");
    }
    Ok(store)
}

/// A folder, a `study.toml`, or a name under `reports/` of this or a parent folder.
pub fn find(given: &Path) -> Result<PathBuf> {
    if given.exists() {
        return Ok(given.to_owned());
    }
    let here = env::current_dir().context("the current folder")?;
    let mut known = Vec::new();
    for folder in here.ancestors() {
        let reports = folder.join("reports");
        let candidate = reports.join(given);
        if candidate.join("study.toml").is_file() {
            return Ok(candidate);
        }
        for entry in std::fs::read_dir(&reports).into_iter().flatten().flatten() {
            if entry.path().join("study.toml").is_file() {
                known.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    known.sort();
    let known = if known.is_empty() {
        "no folder `reports/` with studies was found".to_owned()
    } else {
        format!("studies here: {}", known.join(", "))
    };
    bail!(
        "no study `{}`: expected a folder, a `study.toml` or a name under `reports/`; {known}",
        given.display()
    )
}

/// Loads and plans a study. Describes the plugins and asks the worker for its libtorch at
/// once: both start processes, neither starts an action.
pub fn plan(places: &Places, given: &Path, trial: Option<&Trial>) -> Result<(Plan, Programs)> {
    let found = find(given)?;
    let study = match trial {
        None => Study::load(&found)?,
        Some(trial) => Study::load_trial(&found, trial)?,
    };
    let (programs, plugins, libtorch) = tools(places)?;
    let plan = jackpot_study::plan(study, plugins, libtorch)
        .with_context(|| found.display().to_string())?;
    Ok((plan, programs))
}

/// As [`plan`], where the images need not be at hand; and a sentence for each set that is not.
pub fn plan_for_reading(places: &Places, given: &Path) -> Result<(Plan, Programs, Vec<String>)> {
    let found = find(given)?;
    let study = Study::load(&found)?;
    let (programs, plugins, libtorch) = tools(places)?;
    let (plan, missing) = jackpot_study::plan_for_reading(study, plugins, libtorch)
        .with_context(|| found.display().to_string())?;
    Ok((plan, programs, missing))
}

/// What a study is run with: programs, plugins, libtorch.
pub fn tools(places: &Places) -> Result<(Programs, Plugins, Libtorch)> {
    let programs = Programs::of_this_process()?;
    let (plugins, libtorch) = std::thread::scope(|scope| {
        let libtorch = scope.spawn(|| programs.libtorch());
        let plugins = Plugins::open(&programs, &places.plugins);
        let libtorch = libtorch.join().expect("asking the worker does not panic");
        (plugins, libtorch)
    });
    let plugins = plugins?;
    for refused in &plugins.refused {
        let refused = refused.to_string();
        eprintln!("note: plugin left out: {}", printable(&refused));
    }
    Ok((programs, plugins, libtorch?))
}

/// How many actions run at once.
#[derive(clap::Args)]
pub struct Workers {
    /// Actions at once; results do not depend on it [default: one per core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_WORKERS))]
    workers: Option<u32>,
}

/// More processes at once are a typing error.
pub const MOST_WORKERS: i64 = 4096;

impl Workers {
    /// One a core, unless the user says otherwise.
    pub fn count(&self) -> NonZeroUsize {
        let given = self.workers.and_then(|n| NonZeroUsize::new(n as usize));
        given.unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// An option that is a number of seconds.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MOST_SECONDS => Ok(seconds),
        _ => Err(format!(
            "expected a positive number of at most {MOST_SECONDS}"
        )),
    }
}

/// Ten years.
const MOST_SECONDS: f64 = 315_360_000.0;

/// "12 s", "3 min", "2.5 h".
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// "340 kB", "2.4 MB".
pub fn bytes(n: u64) -> String {
    match n as f64 {
        b if b < 1e6 => format!("{:.0} kB", (b / 1e3).ceil()),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}
