//! One finished action: its recipe is its key, its inputs are told, its outputs agree.
use super::{
    LEFT_OUT, Seen, Tracer,
    node::{Link, Mark},
    object::network,
};
use jackpot_net::Network;
use jackpot_protocol::Failure;
use jackpot_store::{Digest, Look, canonical};
use jackpot_study::{Error, File, Input, Recipe, outputs};
use std::{collections::BTreeMap, rc::Rc};

impl Tracer<'_> {
    /// The action's file, its recipe and its record, each verified.
    pub(super) fn seen(&mut self, key: &Digest) -> Result<Rc<Seen>, Error> {
        if let Some(seen) = self.actions.get(key) {
            return Ok(seen.clone());
        }
        let mut wrong = Vec::new();
        let action = match self.store.look_action(key).map_err(Error::from_store)? {
            Look::Sound(action) => Some(action),
            Look::Absent => {
                wrong.push(format!("the store has no finished action {key}"));
                None
            }
            Look::Damaged(found) => {
                wrong.push(format!("the file of action {key}: {found}"));
                None
            }
        };
        let recipe = match self.bytes(key)? {
            Ok(bytes) => match Recipe::read(key, &bytes) {
                Ok(recipe) => Some(recipe),
                Err(error) => {
                    wrong.push(error.0);
                    None
                }
            },
            Err(what) => {
                wrong.push(format!("its recipe: {what}"));
                None
            }
        };
        let mut left_out = None;
        if let Some(action) = &action {
            match self.bytes(&action.record)? {
                Ok(bytes) => {
                    let record = canonical::parse(&bytes).unwrap_or_default();
                    let names = jackpot_store::left_out(&record);
                    left_out = names.map(|names| names.into_iter().map(str::to_owned).collect());
                }
                Err(what) => wrong.push(format!("its record: {what}")),
            }
        }
        let seen = Rc::new(Seen {
            action,
            left_out,
            recipe,
            wrong,
        });
        self.actions.insert(*key, seen.clone());
        Ok(seen)
    }

    /// The derivations of what the action read: the mask first, then weights, data, plugin.
    pub(super) fn inputs(&mut self, key: &Digest, seen: &Seen) -> Result<Vec<Link>, Error> {
        let Some(recipe) = &seen.recipe else {
            return Ok(Vec::new());
        };
        let network = network(recipe);
        self.path.push(*key);
        let mut links = Vec::new();
        for (role, digest) in recipe.reads() {
            links.push(self.link(role, &digest, network.as_ref())?);
        }
        self.path.pop();
        if let Some(item) = recipe.plugin() {
            let mut plugin = self.link("plugin", &item.plugin, None)?;
            let told = plugin.mark == Mark::Told;
            if !told && seen.left_out.is_some() && !self.store.has(&item.plugin) {
                (plugin.mark, plugin.words) = (Mark::NotKept, LEFT_OUT.to_owned());
            }
            links.push(plugin);
        }
        if let Recipe::Data { set, files, .. } = recipe {
            for file in files {
                links.push(self.file(set, file)?);
            }
        }
        Ok(links)
    }

    /// A file of a data set: hashed where the store carries it, and named where it does not.
    fn file(&mut self, set: &str, file: &File) -> Result<Link, Error> {
        let path = self
            .store
            .root()
            .join("datasets")
            .join(set)
            .join(&file.name);
        let (words, mark) = if path.is_file() {
            let found = Digest::of_file(&path).map_err(Error::from_store)?;
            let words = format!("{} of {set}", file.name);
            if found == file.sha256 {
                (words, Mark::Sound)
            } else {
                let what = format!(
                    "{}: expected the sha256 {}, found {found}",
                    path.display(),
                    file.sha256
                );
                (words, Mark::Wrong(vec![what]))
            }
        } else {
            (
                format!("{} of {set}, not in the store", file.name),
                Mark::NotKept,
            )
        };
        Ok(Link {
            role: "file".to_owned(),
            hash: file.sha256,
            words,
            mark,
            from: Vec::new(),
        })
    }

    /// What the action's outputs say against each other and against its recipe.
    pub(super) fn checked(&mut self, key: &Digest, seen: &Seen) -> Result<Vec<String>, Error> {
        let (Some(action), Some(recipe)) = (&seen.action, &seen.recipe) else {
            return Ok(Vec::new());
        };
        let Some(network) = network(recipe) else {
            return Ok(Vec::new());
        };
        let mut wrong = match recipe {
            Recipe::Train { mask, test, .. } => {
                self.measured(&action.outputs, mask.as_ref(), test, &network)?
            }
            Recipe::Evaluate { mask, test, .. } => {
                self.measured(&action.outputs, Some(mask), test, &network)?
            }
            Recipe::Init { architecture, key } => {
                again(&action.outputs, outputs::remake_weights(architecture, key))
            }
            Recipe::Select { .. } => self.selection(&action.outputs, recipe, &network)?,
            _ => Vec::new(),
        };
        wrong.extend(self.pinned_otherwise(key, recipe));
        Ok(wrong)
    }

    /// A selection is a function of the scores: it is made again.
    fn selection(
        &mut self,
        outputs: &BTreeMap<String, Digest>,
        recipe: &Recipe,
        network: &Network,
    ) -> Result<Vec<String>, Error> {
        let mut given = BTreeMap::new();
        for (_, digest) in recipe.reads() {
            // What is absent or damaged is told at its own node.
            let Ok(bytes) = self.bytes(&digest)? else {
                return Ok(Vec::new());
            };
            given.insert(digest, bytes);
        }
        let read = |input: &Input| {
            let digest = input.object()?;
            let bytes = given.get(&digest).cloned();
            bytes.ok_or_else(|| Failure::new("invalid", format!("{digest} is not an input")))
        };
        Ok(again(
            outputs,
            outputs::remake_selection(recipe, network, &read),
        ))
    }

    /// Metrics, the rows that were right, the mask and the test rows agree.
    fn measured(
        &mut self,
        outputs: &BTreeMap<String, Digest>,
        mask: Option<&Input>,
        test: &Input,
        network: &Network,
    ) -> Result<Vec<String>, Error> {
        let mut wrong = Vec::new();
        let mut read = BTreeMap::new();
        for name in ["metrics", "bits"] {
            let Some(digest) = outputs.get(name) else {
                wrong.push(format!("expected the output `{name}`, found none"));
                continue;
            };
            match self.bytes(digest)? {
                Ok(bytes) => drop(read.insert(name, bytes)),
                Err(what) => wrong.push(format!("its output `{name}`: {what}")),
            }
        }
        let (Some(metrics), Some(bits)) = (read.get("metrics"), read.get("bits")) else {
            return Ok(wrong);
        };
        let kept = match mask {
            None => Some(network.prunable_weights()),
            Some(input) => {
                let bytes = self.bytes(&input.object()?)?.ok();
                let mask = bytes.and_then(|b| outputs::mask(&b, network).ok());
                mask.map(|m| m.kept())
            }
        };
        let rows = self.rows_of(&test.object()?)?;
        wrong.extend(outputs::agreement(metrics, bits, kept, rows).map(|f| f.message));
        Ok(wrong)
    }

    /// Rows of a data object, looked at once; none: what is wrong with it is told at its node.
    fn rows_of(&mut self, data: &Digest) -> Result<Option<u64>, Error> {
        if let Some(rows) = self.rows.get(data) {
            return Ok(*rows);
        }
        let bytes = self.bytes(data)?.ok();
        let images = bytes.and_then(|b| jackpot_data::Images::from_safetensors(&b).ok());
        let rows = images.map(|i| i.rows() as u64);
        self.rows.insert(*data, rows);
        Ok(rows)
    }

    /// A pin that says another mask than the training's recipe.
    fn pinned_otherwise(&self, key: &Digest, recipe: &Recipe) -> Vec<String> {
        let Recipe::Train { mask, .. } = recipe else {
            return Vec::new();
        };
        let given = mask.as_ref().and_then(|m| m.object().ok());
        let mut wrong = Vec::new();
        for (name, pin) in &self.pins {
            for cell in pin.cells.iter().filter(|c| c.action == Some(*key)) {
                if cell.mask != given {
                    let shown = |m: Option<Digest>| m.map_or("none".to_owned(), |m| m.to_string());
                    wrong.push(format!(
                        "pins/{name}.json, {}: expected the training's mask {}, found {}",
                        cell.in_words(),
                        shown(given),
                        shown(cell.mask)
                    ));
                }
            }
        }
        wrong
    }
}

/// What an action gave, against what it gives again.
fn again(
    outputs: &BTreeMap<String, Digest>,
    made: Result<outputs::Outputs, Failure>,
) -> Vec<String> {
    let made = match made {
        Ok(made) => made,
        Err(failure) => return vec![format!("done again, it fails: {}", failure.message)],
    };
    let mut wrong = Vec::new();
    for (name, bytes) in made {
        let again = Digest::of(&bytes);
        match outputs.get(name) {
            Some(kept) if *kept == again => {}
            Some(kept) => wrong.push(format!(
                "its output `{name}`: expected {again}, which it gives when it is done again, found {kept}"
            )),
            None => wrong.push(format!("expected the output `{name}`, found none")),
        }
    }
    wrong
}
