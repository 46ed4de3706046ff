//! One finished action: its recipe hashes to its key, its inputs are followed, its outputs agree.
use super::{
    LEFT_OUT, Seen, Tracer,
    node::{NodeVerdict, ProvenanceNode},
};
use jackpot_store::{Digest, Look, canonical};
use jackpot_study::{DataFile, Error, ObjectReader, Recipe};
use std::rc::Rc;

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

    /// The provenance of what the action read: the mask first, then weights, data, plugin.
    pub(super) fn inputs(
        &mut self,
        key: &Digest,
        seen: &Seen,
    ) -> Result<Vec<ProvenanceNode>, Error> {
        let Some(recipe) = &seen.recipe else {
            return Ok(Vec::new());
        };
        let network = recipe.network();
        self.path.push(*key);
        let mut links = Vec::new();
        for (role, digest) in recipe.reads() {
            links.push(self.link(role, &digest, network.as_ref())?);
        }
        self.path.pop();
        if let Some(item) = recipe.plugin() {
            let mut plugin = self.link("plugin", &item.plugin, None)?;
            let seen_above = plugin.mark == NodeVerdict::SeenAbove;
            if !seen_above && seen.left_out.is_some() && !self.store.has(&item.plugin) {
                (plugin.mark, plugin.words) = (NodeVerdict::NotKept, LEFT_OUT.to_owned());
            }
            links.push(plugin);
        }
        if let Some(data) = recipe.as_data() {
            for file in &data.files {
                links.push(self.file(&data.set, file)?);
            }
        }
        Ok(links)
    }

    /// A file of a data set: hashed where the store carries it, and named where it does not.
    fn file(&mut self, set: &str, file: &DataFile) -> Result<ProvenanceNode, Error> {
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
                (words, NodeVerdict::Sound)
            } else {
                let what = format!(
                    "{}: expected the sha256 {}, found {found}",
                    path.display(),
                    file.sha256
                );
                (words, NodeVerdict::Wrong(vec![what]))
            }
        } else {
            (
                format!("{} of {set}, not in the store", file.name),
                NodeVerdict::NotKept,
            )
        };
        Ok(ProvenanceNode {
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
        let mut wrong = recipe.verify(&action.outputs, self)?;
        wrong.extend(self.pinned_otherwise(key, recipe));
        Ok(wrong)
    }

    /// Rows of a data object, looked at once; `None` if something is wrong with it, which is reported at its node.
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
        let Some(train) = recipe.as_train() else {
            return Vec::new();
        };
        let given = train.mask.as_ref().and_then(|m| m.object().ok());
        let mut wrong = Vec::new();
        for (name, pin) in &self.pins {
            for cell in pin.cells.iter().filter(|c| c.action == Some(*key)) {
                if cell.mask != given {
                    let shown = |m: Option<Digest>| m.map_or("none".to_owned(), |m| m.to_string());
                    wrong.push(format!(
                        "pins/{name}.json, {}: expected the training's mask {}, found {}",
                        cell.describe(),
                        shown(given),
                        shown(cell.mask)
                    ));
                }
            }
        }
        wrong
    }
}

impl ObjectReader for Tracer<'_> {
    fn bytes(&mut self, object: &Digest) -> Result<Result<Vec<u8>, String>, Error> {
        Tracer::bytes(self, object)
    }

    fn rows(&mut self, data: &Digest) -> Result<Option<u64>, Error> {
        self.rows_of(data)
    }
}
