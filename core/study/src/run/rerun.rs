//! Finished actions done again in a store that is thrown away, and compared by digest.
//!
//! The store itself is only read: inputs are copied out of it, hashed on the way, and an input
//! that is not kept is made again first, by the action that made it.
use crate::{
    Error,
    actions::{
        context::ActionContext,
        data::DataRecipe,
        recipe::{ConfiguredItem, Recipe},
        train::TrainRecipe,
    },
    spec::run_section::RunSettings,
    toolbox::{Device, Libtorch, Plugins, Programs},
};
use jackpot_data::Source;
use jackpot_protocol::Limits;
use jackpot_rng::Key;
use jackpot_store::{Action, Digest, Look, ProducerIndex, Store};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of an action that was done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RerunOutcome {
    /// Every output has the digest that the store names.
    Same {
        /// How many outputs.
        outputs: usize,
    },
    /// An output has another one.
    Different {
        /// Name, what the store names, what came out here.
        outputs: Vec<(String, Digest, Option<Digest>)>,
    },
    /// It cannot be done on this machine, or not from what the store keeps: why.
    NotHere(String),
    /// It was done and failed: why.
    Failed(String),
}

/// Does actions again.
pub struct Rerun<'a> {
    store: &'a Store,
    programs: &'a Programs,
    libtorch: Libtorch,
    limits: Limits,
    /// Thrown away with this value.
    beside: Store,
    _folder: tempfile::TempDir,
    producers: &'a ProducerIndex,
    done: BTreeMap<Digest, RerunOutcome>,
    plugins: BTreeMap<Digest, jackpot_protocol::Plugin>,
}

/// Every action in the order in which a random key chooses them.
///
/// # Errors
/// Text that is not a key: 32 hexadecimal digits.
pub fn chosen(key: &str, actions: &[Digest]) -> Result<Vec<Digest>, Error> {
    let key = Key::from_hex(key).ok_or_else(|| {
        Error(format!(
            "`--key`: expected 32 digits of 0-9 and a-f, found `{key}`"
        ))
    })?;
    let order = jackpot_rng::permutation(key, actions.len());
    Ok(order.into_iter().map(|at| actions[at as usize]).collect())
}

/// An action and all that are behind it, the action first.
///
/// # Errors
/// A store that cannot be read. What is damaged has nothing behind it: the audit names it.
pub fn behind(
    store: &Store,
    producers: &ProducerIndex,
    keys: &[Digest],
) -> Result<Vec<Digest>, Error> {
    let mut open: Vec<Digest> = keys.iter().rev().copied().collect();
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    while let Some(key) = open.pop() {
        if !seen.insert(key) {
            continue;
        }
        found.push(key);
        let Look::Sound(bytes) = store.look(&key).map_err(Error::from_store)? else {
            continue;
        };
        if let Ok(recipe) = Recipe::read(&key, &bytes) {
            open.extend(
                recipe
                    .reads()
                    .iter()
                    .filter_map(|(_, d)| producers.first(d)),
            );
        }
    }
    Ok(found)
}

impl<'a> Rerun<'a> {
    /// Makes the store beside `store`, in the system's folder for temporary files; `producers` are
    /// those of `store`.
    pub fn new(
        store: &'a Store,
        producers: &'a ProducerIndex,
        programs: &'a Programs,
        libtorch: Libtorch,
    ) -> Result<Rerun<'a>, Error> {
        let folder = tempfile::tempdir().map_err(|e| Error(format!("a temporary folder: {e}")))?;
        jackpot_store::require_loadable(folder.path(), "set `TMPDIR` to another folder")
            .map_err(Error::from_store)?;
        let beside = Store::create(&folder.path().join("store")).map_err(Error::from_store)?;
        Ok(Rerun {
            store,
            programs,
            libtorch,
            limits: RunSettings::plain()?.limits,
            beside,
            _folder: folder,
            producers,
            done: BTreeMap::new(),
            plugins: BTreeMap::new(),
        })
    }

    /// Does one finished action again; `observe` says how far it is, 0 to 1.
    ///
    /// # Errors
    /// A store that cannot be read or written. What goes wrong with the action is [`RerunOutcome`].
    pub fn action(
        &mut self,
        key: &Digest,
        observe: &mut dyn FnMut(f64),
    ) -> Result<RerunOutcome, Error> {
        if let Some(known) = self.done.get(key) {
            return Ok(known.clone());
        }
        // An action may read what it gave: it is not its own maker.
        self.done.insert(
            *key,
            RerunOutcome::NotHere("it reads what it made".to_owned()),
        );
        let again = self.again(key, observe)?;
        self.done.insert(*key, again.clone());
        Ok(again)
    }

    fn again(&mut self, key: &Digest, observe: &mut dyn FnMut(f64)) -> Result<RerunOutcome, Error> {
        let action = match self.store.look_action(key).map_err(Error::from_store)? {
            Look::Sound(action) => action,
            Look::Absent => {
                return Ok(RerunOutcome::NotHere(
                    "the store has no such action".to_owned(),
                ));
            }
            Look::Damaged(found) => return Ok(RerunOutcome::NotHere(format!("its file: {found}"))),
        };
        let recipe = match self.store.look(key).map_err(Error::from_store)? {
            Look::Sound(bytes) => Recipe::read(key, &bytes),
            Look::Absent => Err(Error("its recipe is not in the store".to_owned())),
            Look::Damaged(found) => Err(Error(format!("its recipe: {found}"))),
        };
        let mut recipe = match recipe {
            Ok(recipe) => recipe,
            Err(error) => return Ok(RerunOutcome::NotHere(error.0)),
        };
        let place = match self.prepare(&recipe)? {
            Ok(place) => place,
            Err(why) => return Ok(RerunOutcome::NotHere(why)),
        };
        if let Some(plugin) = place.plugins.all.first() {
            recipe.restore_types(plugin);
        }
        let context = ActionContext {
            store: &self.beside,
            programs: self.programs,
            plugins: &place.plugins,
            device: &place.device,
            limits: &self.limits,
            memory: MEMORY,
            source: place.source.as_ref(),
        };
        Ok(match recipe.execute(&context, key, observe) {
            Ok(made) => compared(&action, &made.outputs),
            Err(failure) => RerunOutcome::Failed(failure.message),
        })
    }

    /// Brings what the action reads, or says why it cannot be done here.
    fn prepare(&mut self, recipe: &Recipe) -> Result<Result<Place, String>, Error> {
        let device = match self.device(recipe) {
            Ok(device) => device,
            Err(why) => return Ok(Err(why)),
        };
        for (role, digest) in recipe.reads() {
            if let Err(why) = self.bring(role, &digest)? {
                return Ok(Err(why));
            }
        }
        let mut plugins = Plugins::default();
        if let Some(item) = recipe.plugin() {
            match self.plugin(item)? {
                Ok(plugin) => plugins.all.push(plugin),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(match recipe.as_data().map(DataRecipe::built_in_source) {
            Some(Err(why)) => Err(why),
            source => Ok(Place {
                source: source.and_then(Result::ok),
                device,
                plugins,
            }),
        })
    }

    /// The device that the recipe's numbers were made on, if this machine has it.
    fn device(&self, recipe: &Recipe) -> Result<Device, String> {
        let on = |name, class, threads| Device::new(name, class, threads).map_err(|e| e.0);
        let Some(machine) = recipe.machine() else {
            // No libtorch, so any class will do.
            return on("cpu", "native", 1);
        };
        if *machine.libtorch != self.libtorch {
            return Err(format!(
                "it was made with libtorch {}, here is {}",
                machine.libtorch, self.libtorch
            ));
        }
        let device = match machine.device_class {
            "cpu-avx2" => on("cpu", "cpu-avx2", machine.threads),
            "native-cuda" => on("cuda:0", "native", machine.threads),
            _ => on("cpu", "native", machine.threads),
        }?;
        if device.class != machine.device_class {
            return Err(format!(
                "it was made on the device class `{}`, this machine is `{}`",
                machine.device_class, device.class
            ));
        }
        if let Some(Err(lacking)) = recipe.as_train().map(TrainRecipe::check_kernels) {
            return Err(format!("it cannot be done on this CPU: {lacking}"));
        }
        Ok(device)
    }

    /// Copies an input from the store, or makes it again where it is not kept.
    fn bring(&mut self, role: &str, digest: &Digest) -> Result<Result<(), String>, Error> {
        if self.beside.has(digest) {
            return Ok(Ok(()));
        }
        match self.store.look(digest).map_err(Error::from_store)? {
            Look::Sound(bytes) => {
                self.beside.put(&bytes).map_err(Error::from_store)?;
                return Ok(Ok(()));
            }
            Look::Damaged(found) => return Ok(Err(format!("its input `{role}`: {found}"))),
            Look::Absent => {}
        }
        let Some(producer) = self.producers.first(digest) else {
            return Ok(Err(format!(
                "its input `{role}`, {digest}, is not kept, and no action of this store made it"
            )));
        };
        let made = self.action(&producer, &mut |_| {})?;
        Ok(match (self.beside.has(digest), made) {
            (true, _) => Ok(()),
            (false, RerunOutcome::NotHere(why) | RerunOutcome::Failed(why)) => Err(format!(
                "its input `{role}` is not kept, and {producer}, which made it, cannot be done again: {why}"
            )),
            (false, _) => Err(format!(
                "its input `{role}` is not kept, and {producer}, which made it, gives other bytes here"
            )),
        })
    }

    /// The plugin that the store keeps, described by a process of its own.
    fn plugin(
        &mut self,
        item: &ConfiguredItem,
    ) -> Result<Result<jackpot_protocol::Plugin, String>, Error> {
        if let Some(known) = self.plugins.get(&item.plugin) {
            return Ok(Ok(known.clone()));
        }
        if let Err(why) = self.bring("plugin", &item.plugin)? {
            return Ok(Err(why));
        }
        let path = self.beside.verified_path(&item.plugin);
        let path = path.map_err(Error::from_store)?;
        Ok(
            match jackpot_host::describe(&self.programs.light_server(), &path) {
                Ok(plugin) => {
                    self.plugins.insert(item.plugin, plugin.clone());
                    Ok(plugin)
                }
                Err(failure) => Err(format!("its plugin cannot be loaded: {failure}")),
            },
        )
    }
}

/// Bytes up to which a data object is held in memory.
const MEMORY: u64 = 1 << 30;

/// What an action is executed with here.
struct Place {
    /// Of an action that prepares data.
    source: Option<Source>,
    device: Device,
    plugins: Plugins,
}

fn compared(action: &Action, made: &BTreeMap<String, Digest>) -> RerunOutcome {
    let differ: Vec<_> = action
        .outputs
        .iter()
        .filter(|(name, kept)| made.get(*name) != Some(kept))
        .map(|(name, kept)| (name.clone(), *kept, made.get(name).copied()))
        .collect();
    if differ.is_empty() {
        RerunOutcome::Same {
            outputs: action.outputs.len(),
        }
    } else {
        RerunOutcome::Different { outputs: differ }
    }
}
