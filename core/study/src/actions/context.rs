//! What an action is executed with beside its recipe: the store, the programs that run it, the
//! plugins. Everything that can change the result stands in the recipe.
use crate::{
    Error,
    actions::{
        parts::{ActionInput, ConfiguredItem, SampledRows},
        validate::{self, invalid},
    },
    floats::floats_to_text,
    toolbox::{Device, Plugins, Programs},
};
use jackpot_data::{Normalisation, Source};
use jackpot_host::{Finished, PluginOutput, Server};
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{Batches, Failure, Job, Limits, Plugin, PluginJob};
use jackpot_store::{Digest, Scratch, Store, canonical};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What an action is executed with, beside its recipe.
#[derive(Clone, Copy)]
pub(crate) struct ActionContext<'a> {
    /// Holds the inputs and takes the outputs.
    pub store: &'a Store,
    /// The programs that start processes.
    pub programs: &'a Programs,
    /// Every plugin that was found.
    pub plugins: &'a Plugins,
    /// The device that tensors live on.
    pub device: &'a Device,
    /// What a plugin's process may use.
    pub limits: &'a Limits,
    /// Bytes up to which a data object is held in memory.
    pub memory: u64,
    /// The files of the data set, for an action that prepares data.
    pub source: Option<&'a Source>,
}

/// A plugin's library file, and how it describes the item that is called.
pub(crate) struct OfferedItem {
    pub library: PathBuf,
    pub described: jackpot_protocol::PluginItem,
}

/// What a plugin made, in a folder that goes with this value.
pub(crate) struct PluginRun {
    pub output: PluginOutput,
    _folder: Scratch,
}

/// What a worker made, in a folder that goes with this value.
pub(crate) struct WorkerRun {
    pub finished: Finished,
    folder: Scratch,
}

impl WorkerRun {
    /// The folder of the output files.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path.join("out")
    }

    /// What the record of the action says of the process.
    pub(crate) fn record(&self) -> Value {
        let done = &self.finished;
        process_record(&done.log, done.seconds, done.peak_memory)
    }
}

/// What an action made.
pub(crate) struct Made {
    /// The objects that it stored, by the names of its outputs.
    pub outputs: BTreeMap<String, Digest>,
    /// What is not a function of the recipe: seconds, memory, log.
    pub record: Value,
}

/// Reports how far an action is, 0 to 1.
pub(crate) type Observe<'a> = &'a mut dyn FnMut(f64);

/// The field of a record that warns of a result which is valid all the same.
pub(crate) const WARNING: &str = "warning";

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new("error", error.0)
    }
}

/// What the record of an action says of the process that ran it.
fn process_record(log: &str, seconds: f64, peak_memory: u64) -> Value {
    json!({"log": log, "seconds": seconds, "peak_memory": peak_memory})
}

fn store_failed(error: jackpot_store::Error) -> Failure {
    Failure::new("store", error.to_string())
}

/// Inputs, and outputs of actions that run in this process.
impl ActionContext<'_> {
    /// The bytes of an input.
    pub(crate) fn get(&self, input: &ActionInput) -> Result<Vec<u8>, Failure> {
        self.store.get(&input.object()?).map_err(store_failed)
    }

    /// The file of an input, whose bytes were hashed.
    pub(crate) fn path(&self, input: &ActionInput) -> Result<PathBuf, Failure> {
        let digest = input.object()?;
        self.store.verified_path(&digest).map_err(store_failed)
    }

    /// The file of an input, if there is one.
    pub(crate) fn optional_path(
        &self,
        input: &Option<ActionInput>,
    ) -> Result<Option<PathBuf>, Failure> {
        input.as_ref().map(|i| self.path(i)).transpose()
    }

    /// The mean and standard deviation of the channels that an input holds.
    pub(crate) fn normalisation(&self, input: &ActionInput) -> Result<Normalisation, Failure> {
        validate::normalisation(&self.get(input)?)
    }

    /// An empty folder that goes with the value.
    pub(crate) fn scratch(&self) -> Result<Scratch, Failure> {
        self.store.scratch().map_err(store_failed)
    }

    /// The folder in which an action with this key may leave what it goes on from after a kill.
    pub(crate) fn resume_folder(&self, key: &Digest) -> Result<PathBuf, Failure> {
        self.store.resume_folder(key).map_err(store_failed)
    }

    /// Stores the outputs of an action that runs in this process.
    pub(crate) fn store_outputs(&self, outputs: &[(&str, Vec<u8>)]) -> Result<Made, Failure> {
        let mut stored = BTreeMap::new();
        for (name, bytes) in outputs {
            let digest = self.store.put(bytes).map_err(store_failed)?;
            stored.insert((*name).to_owned(), digest);
        }
        Ok(Made {
            outputs: stored,
            record: json!({}),
        })
    }

    /// Stores one file.
    pub(crate) fn store_file(&self, path: &Path) -> Result<Digest, Failure> {
        self.store.put_file(path).map_err(store_failed)
    }
}

/// Trainings and evaluations, which a worker process runs.
impl ActionContext<'_> {
    /// The limits of a process that runs our own code only: there is nothing to contain.
    pub(crate) fn uncontained(&self) -> Limits {
        Limits {
            memory: 0,
            ..self.limits.clone()
        }
    }

    /// Runs a job in a worker process.
    pub(crate) fn run_worker(&self, job: &Job, observe: Observe) -> Result<WorkerRun, Failure> {
        let folder = self.scratch()?;
        let path = folder.path.join("job.json");
        let bytes = serde_json::to_vec(job).map_err(|e| invalid("job.json", e))?;
        std::fs::write(&path, bytes)
            .map_err(|e| Failure::new("error", format!("{}: {e}", path.display())))?;
        let server = self.programs.worker_server(self.device);
        let limits = self.uncontained();
        let finished = jackpot_host::supervise(&server, &folder.path, &limits, observe)?;
        Ok(WorkerRun { finished, folder })
    }

    /// Stores the files that a worker left, by the names of their outputs.
    pub(crate) fn store_files(
        &self,
        out: &Path,
        files: &[(&str, &str)],
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        let put = |(name, file): &(&str, &str)| {
            Ok(((*name).to_owned(), self.store_file(&out.join(file))?))
        };
        files.iter().map(put).collect()
    }
}

/// Scores, allocations and checks, which a plugin makes.
impl ActionContext<'_> {
    /// The item of a plugin as it was found.
    pub(crate) fn offered(&self, item: &ConfiguredItem) -> Result<OfferedItem, Failure> {
        let (plugin, described) = self.find(item)?;
        Ok(OfferedItem {
            library: plugin.path.clone(),
            described: described.clone(),
        })
    }

    /// Copies the plugin into the store and gives that copy: what was hashed is what runs.
    pub(crate) fn stored_item(&self, item: &ConfiguredItem) -> Result<OfferedItem, Failure> {
        let (plugin, described) = self.find(item)?;
        let stored = self.store_file(&plugin.path)?;
        if stored != item.plugin {
            return Err(Failure::new(
                "invalid",
                format!(
                    "{}: expected the file with sha256 {}, found {stored}: it was replaced after the plan was made; run again",
                    plugin.path.display(),
                    item.plugin
                ),
            ));
        }
        let library = self.store.verified_path(&stored).map_err(store_failed)?;
        Ok(OfferedItem {
            library,
            described: described.clone(),
        })
    }

    fn find(
        &self,
        item: &ConfiguredItem,
    ) -> Result<(&Plugin, &jackpot_protocol::PluginItem), Failure> {
        let hex = item.plugin.to_string();
        let plugin = self.plugins.all.iter().find(|p| p.sha256 == hex);
        let plugin = plugin.ok_or_else(|| {
            Failure::new(
                "invalid",
                format!("the plugin {hex} of `{}` is not here", item.item),
            )
        })?;
        let described = plugin.items.iter().find(|i| i.id == item.item);
        let described =
            described.ok_or_else(|| Failure::new("invalid", format!("no item `{}`", item.item)))?;
        Ok((plugin, described))
    }

    /// A job that gives the item its parameters, the network and the random key if it draws;
    /// whatever else the recipe names is added by its kind, and what it does not name is absent.
    pub(crate) fn plugin_job(
        &self,
        offered: OfferedItem,
        item: &ConfiguredItem,
        architecture: &Architecture,
        rows: u32,
        key: Option<&String>,
    ) -> PluginJob {
        let mut job = PluginJob::new(
            offered.library,
            item.plugin.to_string(),
            offered.described,
            item.config.clone(),
            architecture.clone(),
            self.limits.clone(),
        );
        job.rows = u64::from(rows);
        job.device = self.device.name.clone();
        if let Some(key) = key {
            job.key = key.clone();
        }
        job
    }

    /// The batches that a method may draw.
    pub(crate) fn batches(&self, data: &SampledRows) -> Result<Batches, Failure> {
        Ok(Batches::Sampled {
            train: self.path(&data.train)?,
            normalisation: self.normalisation(&data.normalisation)?,
            augment: data.augment.clone(),
            memory: self.memory,
        })
    }

    /// Runs a job in a process of `server`.
    pub(crate) fn run_plugin(
        &self,
        server: &Server,
        job: &PluginJob,
        observe: Observe,
    ) -> Result<PluginRun, Failure> {
        let folder = self.scratch()?;
        let output = jackpot_host::run_plugin(server, job, &folder.path, observe)
            .map_err(|failure| name_the_limit(failure, &job.limits))?;
        Ok(PluginRun {
            output,
            _folder: folder,
        })
    }

    /// Stores what a plugin made: `name` is the output of its file.
    pub(crate) fn store_plugin_run(
        &self,
        name: &str,
        run: PluginRun,
        network: &Network,
    ) -> Result<Made, Failure> {
        let done = run.output;
        let mut certificate = done.certificate;
        floats_to_text(&mut certificate)?;
        let certificate = canonical::to_bytes(&certificate).map_err(store_failed)?;
        let put = |bytes: &[u8]| self.store.put(bytes).map_err(store_failed);
        let mut outputs = BTreeMap::from([
            (name.to_owned(), self.store_file(&done.file)?),
            ("certificate".to_owned(), put(&certificate)?),
        ]);
        if let Some(mask) = &done.mask {
            let bytes = std::fs::read(mask).map_err(|e| invalid("mask", e))?;
            validate::mask(&bytes, network)?;
            outputs.insert("mask".to_owned(), self.store_file(mask)?);
        }
        if let Some(selected) = &done.selected {
            let selection = canonical::to_bytes(&json!(selected)).map_err(store_failed)?;
            outputs.insert("selection".to_owned(), put(&selection)?);
        }
        Ok(Made {
            outputs,
            record: process_record(&done.log, done.seconds, done.peak_memory),
        })
    }
}

/// Adds to the failure of a plugin that ran out of memory which field of the study gives more.
fn name_the_limit(mut failure: Failure, limits: &Limits) -> Failure {
    if failure.kind != "memory" {
        return failure;
    }
    let megabytes = |bytes: u64| bytes >> 20;
    if failure.over_scratch {
        failure.message += &format!(
            "; a plugin may ask the host for `run.plugin_scratch_mb` = {}: raise it",
            megabytes(limits.scratch)
        );
    } else if limits.memory > 0 {
        failure.message += &format!(
            "; a plugin's process may take `run.plugin_memory_mb` = {}: raise it, or set 0 for no limit",
            megabytes(limits.memory)
        );
    }
    failure
}
