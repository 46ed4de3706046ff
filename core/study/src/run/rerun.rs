//! Finished actions done again in a store that is thrown away, and compared by digest.
//!
//! The store itself is only read: inputs are copied out of it, hashed on the way, and an input
//! that is not kept is made again first, by the action that made it.
use crate::{
    Error,
    actions::execute::{Bench, Given},
    actions::makers::Makers,
    actions::recipe::{Item, Recipe},
    spec::run_section::RunChoice,
    toolbox::Libtorch,
    toolbox::{Device, Plugins, Programs},
};
use jackpot_data::{OpenOptions, Preparation, Source};
use jackpot_net::Engine;
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{ConfigValue, Limits};
use jackpot_rng::Key;
use jackpot_sparse::Isa;
use jackpot_store::{Action, Digest, Look, Store};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of an action that was done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
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
    makers: &'a Makers,
    done: BTreeMap<Digest, Again>,
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
pub fn behind(store: &Store, makers: &Makers, keys: &[Digest]) -> Result<Vec<Digest>, Error> {
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
            open.extend(recipe.reads().iter().filter_map(|(_, d)| makers.first(d)));
        }
    }
    Ok(found)
}

impl<'a> Rerun<'a> {
    /// Makes the store beside `store`, in the system's folder for temporary files; `makers` are
    /// those of `store`.
    pub fn new(
        store: &'a Store,
        makers: &'a Makers,
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
            limits: RunChoice::plain()?.limits,
            beside,
            _folder: folder,
            makers,
            done: BTreeMap::new(),
            plugins: BTreeMap::new(),
        })
    }

    /// Does one finished action again; `observe` says how far it is, 0 to 1.
    ///
    /// # Errors
    /// A store that cannot be read or written. What goes wrong with the action is [`Again`].
    pub fn action(&mut self, key: &Digest, observe: &mut dyn FnMut(f64)) -> Result<Again, Error> {
        if let Some(known) = self.done.get(key) {
            return Ok(known.clone());
        }
        // An action may read what it gave: it is not its own maker.
        self.done
            .insert(*key, Again::NotHere("it reads what it made".to_owned()));
        let again = self.again(key, observe)?;
        self.done.insert(*key, again.clone());
        Ok(again)
    }

    fn again(&mut self, key: &Digest, observe: &mut dyn FnMut(f64)) -> Result<Again, Error> {
        let action = match self.store.look_action(key).map_err(Error::from_store)? {
            Look::Sound(action) => action,
            Look::Absent => {
                return Ok(Again::NotHere("the store has no such action".to_owned()));
            }
            Look::Damaged(found) => return Ok(Again::NotHere(format!("its file: {found}"))),
        };
        let recipe = match self.store.look(key).map_err(Error::from_store)? {
            Look::Sound(bytes) => Recipe::read(key, &bytes),
            Look::Absent => Err(Error("its recipe is not in the store".to_owned())),
            Look::Damaged(found) => Err(Error(format!("its recipe: {found}"))),
        };
        let recipe = match recipe {
            Ok(recipe) => recipe,
            Err(error) => return Ok(Again::NotHere(error.0)),
        };
        let place = match self.prepare(&recipe)? {
            Ok(place) => place,
            Err(why) => return Ok(Again::NotHere(why)),
        };
        let recipe = match place.plugins.all.first() {
            Some(plugin) => typed(recipe, plugin),
            None => recipe,
        };
        let bench = Bench {
            given: place.given(&self.limits),
            store: &self.beside,
            programs: self.programs,
        };
        Ok(match bench.execute(&recipe, key, observe) {
            Ok(made) => compared(&action, &made.outputs),
            Err(failure) => Again::Failed(failure.message),
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
        Ok(Place::of(recipe, device, plugins))
    }

    /// The device that the recipe's numbers were made on, if this machine has it.
    fn device(&self, recipe: &Recipe) -> Result<Device, String> {
        let on = |name, class, threads| Device::new(name, class, threads).map_err(|e| e.0);
        let Some((libtorch, device_class, threads)) = recipe.machine() else {
            // No libtorch, so any class will do.
            return on("cpu", "native", 1);
        };
        if *libtorch != self.libtorch {
            return Err(format!(
                "it was made with libtorch {libtorch}, here is {}",
                self.libtorch
            ));
        }
        let device = match device_class {
            "cpu-avx2" => on("cpu", "cpu-avx2", threads),
            "native-cuda" => on("cuda:0", "native", threads),
            _ => on("cpu", "native", threads),
        }?;
        if device.class != device_class {
            return Err(format!(
                "it was made on the device class `{device_class}`, this machine is `{}`",
                device.class
            ));
        }
        if let Recipe::Train { platform, .. } = recipe
            && platform.engine == Engine::Sparse
        {
            Isa::of_class(device_class, platform.precision.into())
                .map_err(|lacking| format!("it cannot be done on this CPU: {lacking}"))?;
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
        let Some(maker) = self.makers.first(digest) else {
            return Ok(Err(format!(
                "its input `{role}`, {digest}, is not kept, and no action of this store made it"
            )));
        };
        let made = self.action(&maker, &mut |_| {})?;
        Ok(match (self.beside.has(digest), made) {
            (true, _) => Ok(()),
            (false, Again::NotHere(why) | Again::Failed(why)) => Err(format!(
                "its input `{role}` is not kept, and {maker}, which made it, cannot be done again: {why}"
            )),
            (false, _) => Err(format!(
                "its input `{role}` is not kept, and {maker}, which made it, gives other bytes here"
            )),
        })
    }

    /// The plugin that the store keeps, described by a process of its own.
    fn plugin(&mut self, item: &Item) -> Result<Result<jackpot_protocol::Plugin, String>, Error> {
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

/// What a recipe needs beside its inputs.
struct Place {
    architecture: Architecture,
    network: Network,
    rows: u32,
    data: Option<(Source, Preparation)>,
    device: Device,
    plugins: Plugins,
}

impl Place {
    fn of(recipe: &Recipe, device: Device, plugins: Plugins) -> Result<Place, String> {
        let (architecture, rows) = match recipe {
            Recipe::Init { architecture, .. }
            | Recipe::Select { architecture, .. }
            | Recipe::Train { architecture, .. }
            | Recipe::Evaluate { architecture, .. } => (architecture.clone(), 0),
            Recipe::Score {
                architecture, rows, ..
            }
            | Recipe::Allocate {
                architecture, rows, ..
            }
            | Recipe::Check {
                architecture, rows, ..
            } => (architecture.clone(), *rows),
            // Any network: preparing data looks at none.
            Recipe::Data { .. } => (Architecture::resnet(8, 1, 2, [1, 8, 8]), 0),
        };
        let network = architecture.build().map_err(|e| e.to_string())?;
        let data = match recipe {
            Recipe::Data { .. } => Some(source(recipe)?),
            _ => None,
        };
        Ok(Place {
            architecture,
            network,
            rows,
            data,
            device,
            plugins,
        })
    }

    fn given<'p>(&'p self, limits: &'p Limits) -> Given<'p> {
        Given {
            architecture: &self.architecture,
            network: &self.network,
            rows: self.rows,
            memory: 1 << 30,
            data: self.data.as_ref().map(|(s, p)| (s, p)),
            device: &self.device,
            limits,
            plugins: &self.plugins,
        }
    }
}

/// The files of a data set that is built in; of others a recipe does not say where they lie.
fn source(recipe: &Recipe) -> Result<(Source, Preparation), String> {
    let Recipe::Data {
        set,
        files,
        order,
        resize,
        crop,
        pad_to,
        train_subset,
    } = recipe
    else {
        return Err("it reads no data set".to_owned());
    };
    let published = jackpot_data::info(set).map_err(|e| e.to_string())?;
    if !published.embedded {
        return Err(format!(
            "the files of `{set}` lie in a folder that its recipe does not name; `jackpot data verify` reads them"
        ));
    }
    let access = OpenOptions {
        order: *order,
        ..OpenOptions::default()
    };
    let source = jackpot_data::open_as(set, &access).map_err(|e| e.to_string())?;
    let found: Vec<Digest> = source.named().iter().map(|f| Digest(f.sha256)).collect();
    let wanted: Vec<Digest> = files.iter().map(|f| f.sha256).collect();
    if found != wanted {
        return Err(format!(
            "the files of `{set}` here are others than the recipe names"
        ));
    }
    let preparation = Preparation {
        resize: *resize,
        crop: *crop,
        pad_to: *pad_to,
        train_subset: *train_subset,
    };
    Ok((source, preparation))
}

/// A recipe spells integers as text; the item's own declaration says what they are.
fn typed(mut recipe: Recipe, plugin: &jackpot_protocol::Plugin) -> Recipe {
    let item = match &mut recipe {
        Recipe::Score { item, .. } | Recipe::Allocate { item, .. } | Recipe::Check { item, .. } => {
            item
        }
        _ => return recipe,
    };
    let declared = plugin.items.iter().find(|i| i.id == item.item);
    for param in declared.iter().flat_map(|i| &i.params) {
        let Some(value) = item.config.get_mut(&param.name) else {
            continue;
        };
        let read = match (&param.default, &*value) {
            (ConfigValue::Int(_), ConfigValue::Text(t)) => t.parse().ok().map(ConfigValue::Int),
            (ConfigValue::Text(_), ConfigValue::Float(x)) => {
                let text = jackpot_store::canonical::float(*x).ok();
                text.map(ConfigValue::Text)
            }
            _ => None,
        };
        if let Some(read) = read {
            *value = read;
        }
    }
    recipe
}

fn compared(action: &Action, made: &BTreeMap<String, Digest>) -> Again {
    let differ: Vec<_> = action
        .outputs
        .iter()
        .filter(|(name, kept)| made.get(*name) != Some(kept))
        .map(|(name, kept)| (name.clone(), *kept, made.get(name).copied()))
        .collect();
    if differ.is_empty() {
        Again::Same {
            outputs: action.outputs.len(),
        }
    } else {
        Again::Different { outputs: differ }
    }
}
