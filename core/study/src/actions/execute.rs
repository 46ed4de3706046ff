//! Runs one action: from a recipe whose inputs are in the store to checked outputs in the
//! store. Everything that can change the result stands in the recipe.
use crate::{
    Error,
    actions::pure::{self, invalid},
    actions::recipe::{Input, Item, Platform, Recipe, Sampled},
    actions::validate,
    floats::floats_to_text,
    plan::graph::Plan,
    toolbox::{Device, Plugins, Programs},
};
use jackpot_data::{Images, Normalisation, Preparation, Source, StoredRows};
use jackpot_host::PluginOutput;
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{Batches, Failure, Limits, Plugin, PluginJob};
use jackpot_protocol::{EvaluateJob, Job, TrainJob};
use jackpot_store::{Digest, Store, canonical};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

/// What an action is run with, beside its recipe.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub given: Given<'a>,
    pub store: &'a Store,
    pub programs: &'a Programs,
}

/// What a recipe does not spell, or spells only as a hash.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub architecture: &'a Architecture,
    /// Built from it.
    pub network: &'a Network,
    /// Training rows.
    pub rows: u32,
    /// Bytes up to which a data object is held in memory.
    pub memory: u64,
    /// Of an action that prepares data: the files, and what is done with them.
    pub data: Option<(&'a Source, &'a Preparation)>,
    pub device: &'a Device,
    pub limits: &'a Limits,
    pub plugins: &'a Plugins,
}

impl Plan {
    /// What the actions of a setting are given.
    pub(crate) fn given_in(&self, setting: usize) -> Given<'_> {
        let chosen = &self.study.settings[setting];
        Given {
            architecture: &chosen.architecture,
            network: &self.networks[setting],
            rows: chosen.data.train_rows,
            memory: chosen.data.memory,
            data: Some((&self.sources[setting], &chosen.data.preparation)),
            device: &self.device,
            limits: &self.study.run.limits,
            plugins: &self.plugins,
        }
    }
}

/// What an action made.
pub(crate) struct Made {
    pub outputs: BTreeMap<String, Digest>,
    /// Not a function of the recipe: seconds, memory, log.
    pub record: Value,
}

/// Reports how far an action is, 0 to 1.
pub(crate) type Observe<'a> = &'a mut dyn FnMut(f64);

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new("error", error.0)
    }
}

fn store_failed(error: jackpot_store::Error) -> Failure {
    Failure::new("store", error.to_string())
}

/// Of a plugin that ran out of memory: which field of the study gives more.
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

/// Where a record says what a user should know of a result that is one all the same.
pub(crate) const WARNING: &str = "warning";

/// What is said of a method's mask that keeps another number of weights than it was asked for.
fn missed(certificate: &Value) -> Option<String> {
    let achieved = certificate.get("achieved")?;
    let [kept, asked] = ["kept", "asked"].map(|name| achieved[name].as_u64());
    let (kept, asked) = (kept?, asked?);
    (kept != asked).then(|| {
        format!("its mask keeps {kept} weights where {asked} were asked for: compare it with tickets of that sparsity")
    })
}

impl Bench<'_> {
    /// Runs the action and stores its outputs; commits nothing.
    pub(crate) fn execute(
        &self,
        recipe: &Recipe,
        key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        match recipe {
            Recipe::Data { .. } => self.data(observe),
            Recipe::Init { architecture, key } => self.pure(&pure::init(architecture, key)?),
            Recipe::Select { .. } => {
                self.pure(&pure::select(recipe, self.given.network, &|i| self.get(i))?)
            }
            Recipe::Score { .. } | Recipe::Allocate { .. } | Recipe::Check { .. } => {
                self.plugin(recipe, observe)
            }
            Recipe::Train { .. } => self.train(recipe, key, observe),
            Recipe::Evaluate { .. } => self.evaluate(recipe, observe),
        }
    }

    fn get(&self, input: &Input) -> Result<Vec<u8>, Failure> {
        self.store.get(&input.object()?).map_err(store_failed)
    }

    fn path(&self, input: &Input) -> Result<PathBuf, Failure> {
        let digest = input.object()?;
        self.store.verified_path(&digest).map_err(store_failed)
    }

    fn optional_path(&self, input: &Option<Input>) -> Result<Option<PathBuf>, Failure> {
        input.as_ref().map(|i| self.path(i)).transpose()
    }

    /// Stores the outputs of an action that runs in this process.
    fn pure(&self, outputs: &[(&str, Vec<u8>)]) -> Result<Made, Failure> {
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

    /// Writes the data objects block by block: a set of any size takes the memory of one.
    fn data(&self, observe: Observe) -> Result<Made, Failure> {
        let fail = invalid("data");
        let given = self.given.data;
        let (source, preparation) = given.ok_or_else(|| fail(&"the files are not known"))?;
        let folder = self.store.scratch().map_err(store_failed)?;
        let paths = ["train", "test"].map(|name| (name, folder.path.join(name)));
        let create = |path: &Path| File::create(path).map(BufWriter::new).map_err(|e| fail(&e));
        let mut train = create(&paths[0].1)?;
        let mut test = create(&paths[1].1)?;
        let normalisation = jackpot_data::write_prepared(
            source,
            preparation,
            [&mut train, &mut test],
            &mut |done, all| observe(done as f64 / all as f64),
        );
        let mut normalisation = json!(normalisation.map_err(|e| fail(&e))?);
        floats_to_text(&mut normalisation)?;
        let normalisation = canonical::to_bytes(&normalisation).map_err(store_failed)?;
        let mut made = self.pure(&[("normalisation", normalisation)])?;
        for (name, path) in paths {
            let digest = self.store.put_file(&path).map_err(store_failed)?;
            made.outputs.insert(name.to_owned(), digest);
        }
        Ok(made)
    }

    fn normalisation(&self, input: &Input) -> Result<Normalisation, Failure> {
        validate::normalisation(&self.get(input)?)
    }

    fn plugin(&self, recipe: &Recipe, observe: Observe) -> Result<Made, Failure> {
        let (item, output) = match recipe {
            Recipe::Score {
                item,
                sparsity: Some(_),
                ..
            } => (item, "mask"),
            Recipe::Score { item, .. } => (item, "scores"),
            Recipe::Allocate { item, .. } => (item, "counts"),
            Recipe::Check {
                item, on: "data", ..
            } => (item, "train"),
            // Scores, mask, weights: the output is named after what is changed.
            Recipe::Check { item, on, .. } => (item, *on),
            _ => return Err(Failure::new("invalid", "this action needs no plugin")),
        };
        let job = self.job(item, recipe)?;
        let server = match recipe {
            Recipe::Score {
                platform: Some(_), ..
            } => self.programs.worker_server(self.given.device),
            _ => self.programs.light_server(),
        };
        let folder = self.store.scratch().map_err(store_failed)?;
        let done = jackpot_host::run_plugin(&server, &job, &folder.path, observe)
            .map_err(|failure| name_the_limit(failure, &job.limits))?;
        if output == "train" {
            let bytes = std::fs::read(&done.file).map_err(|e| invalid("check")(&e))?;
            Images::from_safetensors(&bytes).map_err(|e| invalid("check")(&e))?;
        }
        if output == "weights" {
            let bytes = std::fs::read(&done.file).map_err(|e| invalid("check")(&e))?;
            validate::weights(&bytes, self.given.network)?;
        }
        if output == "mask" {
            let bytes = std::fs::read(&done.file).map_err(|e| invalid("mask")(&e))?;
            validate::mask(&bytes, self.given.network)?;
        }
        // A check's mask has its ticket's to be compared with.
        let warning = match recipe {
            Recipe::Score { .. } => missed(&done.certificate),
            _ => None,
        };
        let mut made = self.made(output, done)?;
        if let Some(warning) = warning {
            made.record[WARNING] = json!(warning);
        }
        Ok(made)
    }

    fn made(&self, output: &str, done: PluginOutput) -> Result<Made, Failure> {
        let mut certificate = done.certificate;
        floats_to_text(&mut certificate)?;
        let certificate = canonical::to_bytes(&certificate).map_err(store_failed)?;
        let put = |bytes: &[u8]| self.store.put(bytes).map_err(store_failed);
        let file = |path: &Path| self.store.put_file(path).map_err(store_failed);
        let mut outputs = BTreeMap::from([
            (output.to_owned(), file(&done.file)?),
            ("certificate".to_owned(), put(&certificate)?),
        ]);
        if let Some(mask) = &done.mask {
            let bytes = std::fs::read(mask).map_err(|e| invalid("mask")(&e))?;
            validate::mask(&bytes, self.given.network)?;
            outputs.insert("mask".to_owned(), file(mask)?);
        }
        if let Some(selected) = &done.selected {
            let selection = canonical::to_bytes(&json!(selected)).map_err(store_failed)?;
            outputs.insert("selection".to_owned(), put(&selection)?);
        }
        Ok(Made {
            outputs,
            record: json!({
                "log": done.log, "seconds": done.seconds, "peak_memory": done.peak_memory,
            }),
        })
    }

    fn job(&self, item: &Item, recipe: &Recipe) -> Result<PluginJob, Failure> {
        let (plugin, described) = self.described(item)?;
        self.job_of(plugin, described, item, recipe)
    }

    /// What an allocation that reads nothing counts, and what its plugin says; stores nothing.
    pub(crate) fn counts_beforehand(&self, recipe: &Recipe) -> Result<(Vec<u64>, String), Failure> {
        let Recipe::Allocate { item, .. } = recipe else {
            return Err(Failure::new("invalid", "not an allocation"));
        };
        let (plugin, described) = self.offered(item)?;
        let job = self.job_of(plugin.path.clone(), described.clone(), item, recipe)?;
        let folder = tempfile::tempdir()
            .map_err(|e| Failure::new("error", format!("a temporary folder: {e}")))?;
        let server = self.programs.light_server();
        let done = jackpot_host::run_plugin(&server, &job, folder.path(), &mut |_| {})?;
        let bytes = std::fs::read(&done.file).map_err(|e| invalid("counts")(&e))?;
        Ok((validate::counts(&bytes, self.given.network)?, done.log))
    }

    /// Everything that the item is given; whatever the recipe does not name is absent.
    fn job_of(
        &self,
        plugin: PathBuf,
        described: jackpot_protocol::PluginItem,
        item: &Item,
        recipe: &Recipe,
    ) -> Result<PluginJob, Failure> {
        let given = &self.given;
        // One-round scores are asked for before it is known how many are kept: all are.
        let mut job = PluginJob {
            rows: u64::from(given.rows),
            device: given.device.name.clone(),
            ..PluginJob::new(
                plugin,
                item.plugin.to_string(),
                described,
                item.config.clone(),
                given.architecture.clone(),
                given.limits.clone(),
            )
        };
        let drawn = match recipe {
            Recipe::Score {
                weights,
                reference,
                data,
                key,
                mask,
                rounds,
                platform,
                sparsity,
                ..
            } => {
                if let Some(sparsity) = sparsity {
                    job.keep = sparsity.density();
                }
                job.precision = platform
                    .as_ref()
                    .map_or_else(Default::default, |p| p.precision);
                job.mask = self.optional_path(mask)?;
                job.rounds = rounds.clone();
                job.weights = self.optional_path(weights)?;
                job.reference = self.optional_path(reference)?;
                job.batches = data.as_ref().map(|d| self.batches(d)).transpose()?;
                key
            }
            Recipe::Allocate {
                sparsity,
                scores,
                weights,
                key,
                ..
            } => {
                job.keep = sparsity.density();
                job.input = self.optional_path(scores)?;
                job.weights = self.optional_path(weights)?;
                key
            }
            Recipe::Check {
                on,
                input,
                key,
                mask,
                donor,
                reference,
                ..
            } => {
                job.input = Some(self.path(input)?);
                job.mask = self.optional_path(mask)?;
                job.donor = self.optional_path(donor)?;
                job.reference = self.optional_path(reference)?;
                if *on == "weights" && job.item.needs_weights() {
                    job.weights = job.input.clone();
                }
                let density = match *on {
                    "mask" => Some(input),
                    _ => mask.as_ref(),
                };
                if let Some(density) = density {
                    let mask = validate::mask(&self.get(density)?, self.given.network)?;
                    job.keep = mask.kept() as f64 / mask.total() as f64;
                }
                key
            }
            _ => return Err(Failure::new("invalid", "this action needs no plugin")),
        };
        if let Some(key) = drawn {
            job.key = key.clone();
        }
        Ok(job)
    }

    fn batches(&self, data: &Sampled) -> Result<Batches, Failure> {
        Ok(Batches::Sampled {
            train: self.path(&data.train)?,
            normalisation: self.normalisation(&data.normalisation)?,
            augment: data.augment.clone(),
            memory: self.given.memory,
        })
    }

    /// The plugin as it was found, and its item.
    fn offered(&self, item: &Item) -> Result<(&Plugin, &jackpot_protocol::PluginItem), Failure> {
        let hex = item.plugin.to_string();
        let plugin = self.given.plugins.all.iter().find(|p| p.sha256 == hex);
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

    /// Copies the plugin into the store and gives that copy: what was hashed is what runs.
    fn described(&self, item: &Item) -> Result<(PathBuf, jackpot_protocol::PluginItem), Failure> {
        let (plugin, described) = self.offered(item)?;
        let stored = self.store.put_file(&plugin.path).map_err(store_failed)?;
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
        let path = self.store.verified_path(&stored).map_err(store_failed)?;
        Ok((path, described.clone()))
    }

    fn train(&self, recipe: &Recipe, key: &Digest, observe: Observe) -> Result<Made, Failure> {
        let Recipe::Train {
            mask,
            test,
            platform,
            ..
        } = recipe
        else {
            return Err(Failure::new("invalid", "not a training"));
        };
        let folder = self.store.scratch().map_err(store_failed)?;
        let job = self.train_job(recipe, platform, key)?;
        let limits = job.limits.clone();
        write_job(&folder.path, &Job::Train(Box::new(job)))?;
        let server = self.programs.worker_server(self.given.device);
        let done = jackpot_host::supervise(&server, &folder.path, &limits, observe)?;

        let out = folder.path.join("out");
        let test = StoredRows::open(&self.path(test)?).map_err(|e| invalid("test")(&e))?;
        let mask = match mask {
            Some(input) => Some(validate::mask(&self.get(input)?, self.given.network)?),
            None => None,
        };
        validate::training(&out, self.given.network, mask.as_ref(), test.rows() as u64)?;
        Ok(Made {
            outputs: self.stored(&out, validate::TRAINING_FILES)?,
            record: json!({
                "log": done.log, "seconds": done.seconds, "peak_memory": done.peak_memory,
                "seconds_per_epoch": done.result["seconds_per_epoch"],
            }),
        })
    }

    fn evaluate(&self, recipe: &Recipe, observe: Observe) -> Result<Made, Failure> {
        let Recipe::Evaluate {
            architecture,
            weights,
            mask,
            test,
            normalisation,
            platform,
        } = recipe
        else {
            return Err(Failure::new("invalid", "not an evaluation"));
        };
        let folder = self.store.scratch().map_err(store_failed)?;
        let job = EvaluateJob {
            architecture: architecture.clone(),
            weights: self.path(weights)?,
            mask: self.path(mask)?,
            test: self.path(test)?,
            normalisation: self.normalisation(normalisation)?,
            device: self.given.device.name.clone(),
            precision: platform.precision,
            threads: platform.threads,
            memory: self.given.memory,
        };
        let rows = StoredRows::open(&job.test).map_err(|e| invalid("test")(&e))?;
        let kept = validate::mask(&self.get(mask)?, self.given.network)?.kept();
        write_job(&folder.path, &Job::Evaluate(Box::new(job)))?;
        let server = self.programs.worker_server(self.given.device);
        let limits = self.uncontained();
        let done = jackpot_host::supervise(&server, &folder.path, &limits, observe)?;
        let out = folder.path.join("out");
        validate::evaluation(&out, kept, rows.rows() as u64)?;
        Ok(Made {
            outputs: self.stored(&out, validate::EVALUATION_FILES)?,
            record: json!({
                "log": done.log, "seconds": done.seconds, "peak_memory": done.peak_memory,
            }),
        })
    }

    /// Stores the files that a worker left, by the names of their outputs.
    fn stored(
        &self,
        out: &Path,
        files: &[(&str, &str)],
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        let put = |(name, file): &(&str, &str)| {
            let digest = self.store.put_file(&out.join(file)).map_err(store_failed)?;
            Ok(((*name).to_owned(), digest))
        };
        files.iter().map(put).collect()
    }

    /// The limits of what runs our own code only: there is nothing to contain.
    fn uncontained(&self) -> Limits {
        Limits {
            memory: 0,
            ..self.given.limits.clone()
        }
    }

    fn train_job(
        &self,
        recipe: &Recipe,
        platform: &Platform,
        key: &Digest,
    ) -> Result<TrainJob, Failure> {
        let Recipe::Train {
            architecture,
            training,
            weights,
            mask,
            train,
            test,
            normalisation,
            order_key,
            augment_key,
            ..
        } = recipe
        else {
            return Err(Failure::new("invalid", "not a training"));
        };
        Ok(TrainJob {
            architecture: architecture.clone(),
            training: training.clone(),
            weights: self.path(weights)?,
            mask: self.optional_path(mask)?,
            train: self.path(train)?,
            test: self.path(test)?,
            normalisation: self.normalisation(normalisation)?,
            order_key: order_key.clone(),
            augment_key: augment_key.clone(),
            device: self.given.device.name.clone(),
            precision: platform.precision,
            engine: platform.engine,
            device_class: platform.device_class.clone(),
            threads: platform.threads,
            resume: self.store.resume_folder(key).map_err(store_failed)?,
            memory: self.given.memory,
            limits: self.uncontained(),
        })
    }
}

fn write_job(folder: &Path, job: &Job) -> Result<(), Failure> {
    let path = folder.join("job.json");
    let bytes = serde_json::to_vec(job).map_err(|e| invalid("job.json")(&e))?;
    std::fs::write(&path, bytes)
        .map_err(|e| Failure::new("error", format!("{}: {e}", path.display())))
}
