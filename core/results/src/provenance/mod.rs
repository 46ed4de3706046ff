//! The provenance of anything that the store holds: what made it, of what, back to keys, data
//! and plugins; each step verified.
//!
//! Every object on the way is hashed, every recipe spelled again and its key recomputed, and
//! what is a pure function of its inputs (a selection, first weights) is computed again. The
//! store is only read: a damaged file stays where it is.
mod action;
mod describe;
pub(crate) mod node;
mod object;
mod report;

pub use report::report_of;

use jackpot_net::Network;
use jackpot_store::{Action, Digest, ProducerIndex, Store};
use jackpot_study::{Error, Recipe, RunManifest};
use node::{NodeVerdict, ProvenanceNode};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// What is said of what a bundle did not bring.
const LEFT_OUT: &str = "not kept: left out of the bundle that brought the action";

/// Follows provenance through one store. What was verified once is not looked at again.
pub struct Tracer<'a> {
    store: &'a Store,
    makers: &'a ProducerIndex,
    /// The pins that could be read, by name.
    pins: Vec<(String, RunManifest)>,
    /// Cells of pins by the training that fills them, and by its mask.
    cells: BTreeMap<Digest, Vec<String>>,
    /// Hexadecimal random keys that are some seed's.
    seeds: BTreeMap<String, u64>,
    seed_numbers: BTreeSet<u64>,
    actions: BTreeMap<Digest, Rc<Seen>>,
    /// Objects that this tree already has.
    seen_objects: BTreeSet<Digest>,
    /// Actions that this tree already has.
    seen_actions: BTreeSet<Digest>,
    /// Actions between the root and here: an action may give back what it read.
    path: Vec<Digest>,
    /// Rows of a data object.
    rows: BTreeMap<Digest, Option<u64>>,
    /// Bytes of every object that was hashed.
    hashed: BTreeMap<Digest, u64>,
}

/// A finished action, looked at once.
struct Seen {
    action: Option<Action>,
    /// Outputs that the bundle left behind that it came with; `None` if it was run here.
    left_out: Option<BTreeSet<String>>,
    recipe: Option<Recipe>,
    wrong: Vec<String>,
}

impl<'a> Tracer<'a> {
    /// Reads the store's pins; `makers` are of the same store.
    pub fn new(store: &'a Store, makers: &'a ProducerIndex) -> Result<Tracer<'a>, Error> {
        let pins = RunManifest::all(store)?;
        let mut cells: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (name, pin) in &pins {
            for cell in &pin.cells {
                let named = format!("{name}: {}", cell.describe());
                for filled in [cell.action, cell.mask].into_iter().flatten() {
                    cells.entry(filled).or_default().push(named.clone());
                }
            }
        }
        let seeds = describe::keys_of_seeds(&pins);
        Ok(Tracer {
            store,
            makers,
            cells,
            seeds,
            seed_numbers: describe::seeds(&pins),
            pins,
            actions: BTreeMap::new(),
            seen_objects: BTreeSet::new(),
            seen_actions: BTreeSet::new(),
            path: Vec::new(),
            rows: BTreeMap::new(),
            hashed: BTreeMap::new(),
        })
    }

    /// Objects and bytes that were hashed so far.
    pub fn hashed(&self) -> (usize, u64) {
        (self.hashed.len(), self.hashed.values().sum())
    }

    /// Kind and words of an action, e.g. `select the largest of all layers at sparsity 0.9`.
    pub fn title(&mut self, key: &Digest) -> Result<String, Error> {
        let seen = self.seen(key)?;
        Ok(match &seen.recipe {
            Some(recipe) => format!("{} {}", recipe.kind(), self.action_words(key, recipe)),
            None => "action".to_owned(),
        })
    }

    /// The provenance of an object. An object that no action made is taken as given.
    pub fn object(&mut self, digest: &Digest) -> Result<ProvenanceNode, Error> {
        self.begin();
        let output = self.output_name(digest)?;
        let role = match output {
            Some(name) => name,
            None => self.kind_of(digest)?,
        };
        self.link(&role, digest, None)
    }

    /// The provenance of an action: its outputs, and what it read.
    pub fn action(&mut self, key: &Digest) -> Result<ProvenanceNode, Error> {
        self.begin();
        let mut link = self.action_link(key, 0)?;
        let seen = self.seen(key)?;
        let network = seen.recipe.as_ref().and_then(Recipe::network);
        let mut outputs = Vec::new();
        for (name, digest) in seen.action.iter().flat_map(|a| &a.outputs) {
            // Made by this action, which stands above it: only the bytes are of interest.
            let mut output = self.leaf(name, digest, network.as_ref())?;
            if let Some(words) = self.need_not_be_here(name, digest, &seen) {
                (output.mark, output.words) = (NodeVerdict::NotKept, words.to_owned());
            }
            output.role = format!("made {name}");
            outputs.push(output);
        }
        link.from.splice(0..0, outputs);
        Ok(link)
    }

    /// Begins a new tree, which has nothing yet.
    fn begin(&mut self) {
        self.seen_objects.clear();
        self.seen_actions.clear();
    }

    /// The name under which an action of the store made it.
    fn output_name(&mut self, digest: &Digest) -> Result<Option<String>, Error> {
        let Some(key) = self.makers.first(digest) else {
            return Ok(None);
        };
        let seen = self.seen(&key)?;
        let outputs = seen.action.iter().flat_map(|a| &a.outputs);
        Ok(outputs
            .filter(|(_, d)| *d == digest)
            .map(|(name, _)| name.clone())
            .next())
    }

    /// An object, and the action that made it with all that is behind it.
    fn link(
        &mut self,
        role: &str,
        digest: &Digest,
        network: Option<&Network>,
    ) -> Result<ProvenanceNode, Error> {
        if !self.seen_objects.insert(*digest) {
            return Ok(ProvenanceNode::seen_above(role, digest));
        }
        let mut link = self.leaf(role, digest, network)?;
        link.words += &self.cells_of(digest);
        let makers = self.makers.of(digest);
        let open = makers.iter().find(|key| !self.path.contains(key)).copied();
        let Some(key) = open else {
            let more = self.not_made(role, digest, makers.len());
            link.blame(more);
            return Ok(link);
        };
        let seen = self.seen(&key)?;
        let names = seen.action.iter().flat_map(|action| &action.outputs);
        let mut names = names.filter(|(_, made)| *made == digest);
        let words = names.find_map(|(name, _)| self.need_not_be_here(name, digest, &seen));
        if let Some(words) = words {
            (link.mark, link.words) = (NodeVerdict::NotKept, words.to_owned());
        }
        link.from = vec![self.action_link(&key, makers.len() - 1)?];
        Ok(link)
    }

    /// Why an output of an action, which is absent, is no loss; `None` if it is there, or it is one.
    fn need_not_be_here(&self, name: &str, digest: &Digest, seen: &Seen) -> Option<&'static str> {
        let left_out = seen.left_out.as_ref().is_some_and(|l| l.contains(name));
        if self.store.has(digest) {
            None
        } else if left_out {
            Some(LEFT_OUT)
        } else if name == "checkpoint" {
            Some("not kept: nothing reads it any more")
        } else {
            None
        }
    }

    /// An action and what it read; `others` made the same object.
    fn action_link(&mut self, key: &Digest, others: usize) -> Result<ProvenanceNode, Error> {
        let seen = self.seen(key)?;
        if !self.seen_actions.insert(*key) {
            let kind = seen.recipe.as_ref().map_or("action", Recipe::kind);
            return Ok(ProvenanceNode::seen_above(kind, key));
        }
        let mut link = ProvenanceNode {
            role: "action".to_owned(),
            hash: *key,
            words: String::new(),
            mark: NodeVerdict::Sound,
            from: Vec::new(),
        };
        link.blame(seen.wrong.clone());
        if let Some(recipe) = &seen.recipe {
            link.role = recipe.kind().to_owned();
            link.words = self.action_words(key, recipe);
            let wrong = self.checked(key, &seen)?;
            link.blame(wrong);
        }
        match others {
            0 => {}
            1 => link.words += " (another action made the same bytes)",
            n => link.words += &format!(" ({n} other actions made the same bytes)"),
        }
        link.from = self.inputs(key, &seen)?;
        Ok(link)
    }

    /// What is wrong with an object that no action made.
    fn not_made(&self, role: &str, digest: &Digest, makers: usize) -> Vec<String> {
        let given = [
            "weights",
            "reference",
            "plugin",
            "record",
            "recipe",
            "object",
        ];
        if makers > 0 || given.contains(&role) {
            return Vec::new();
        }
        vec![format!(
            "no action of this store made {digest}: whatever read it was given something else, or the action that made it was changed or removed"
        )]
    }
}
