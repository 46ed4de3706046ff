//! One step of a provenance: what was verified, what is wrong with it, and what it was made of.
use jackpot_store::Digest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is what it should be.
    Sound,
    /// It is not kept, and need not be: a checkpoint that nothing reads any more, a file of a
    /// data set, what the bundle left behind that the action came with. Its hash is what the
    /// reader's recipe says.
    NotKept,
    /// It and what is behind it was told further up.
    Told,
    /// What was expected and what was found.
    Wrong(Vec<String>),
}

/// One node of a derivation: a file, an object, or the action that made the object above it.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it is to the node above it, e.g. `mask`; of an action, its kind.
    pub role: String,
    /// Of the bytes; of an action, its key.
    pub hash: Digest,
    /// In words.
    pub words: String,
    /// The verdict.
    pub mark: Mark,
    /// What it was made of: of an object, the action that made it; of an action, what it read.
    pub from: Vec<Link>,
}

impl Link {
    /// Every wrong thing with its path in the tree, e.g. `metrics ← mask ← scores`.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.collect_problems("", &mut found);
        found
    }

    fn collect_problems(&self, above: &str, found: &mut Vec<(String, String)>) {
        let path = match above {
            "" => self.role.clone(),
            above => format!("{above} ← {}", self.role),
        };
        if let Mark::Wrong(whats) = &self.mark {
            found.extend(whats.iter().map(|what| (path.clone(), what.clone())));
        }
        for link in &self.from {
            link.collect_problems(&path, found);
        }
    }

    /// What was told before, with all behind it.
    pub(super) fn told(role: &str, hash: &Digest) -> Link {
        Link {
            role: role.to_owned(),
            hash: *hash,
            words: "as above".to_owned(),
            mark: Mark::Told,
            from: Vec::new(),
        }
    }

    /// Adds what is wrong with it, if anything is.
    pub(super) fn blame(&mut self, mut more: Vec<String>) {
        match &mut self.mark {
            _ if more.is_empty() => {}
            Mark::Wrong(whats) => whats.append(&mut more),
            mark => *mark = Mark::Wrong(more),
        }
    }

    /// The hashes of what is named here, and below, and not kept.
    pub fn not_kept(&self) -> BTreeSet<Digest> {
        let mut found: BTreeSet<Digest> = self.from.iter().flat_map(Link::not_kept).collect();
        if self.mark == Mark::NotKept {
            found.insert(self.hash);
        }
        found
    }

    /// This node and all below it.
    pub fn nodes(&self) -> usize {
        1 + self.from.iter().map(Link::nodes).sum::<usize>()
    }

    /// For machines: whole hashes.
    pub fn to_json(&self) -> Value {
        let mark = match &self.mark {
            Mark::Sound => "sound",
            Mark::NotKept => "not kept",
            Mark::Told => "told above",
            Mark::Wrong(_) => "wrong",
        };
        let mut value = json!({
            "role": self.role, "hash": self.hash, "words": self.words, "verdict": mark,
        });
        if let Mark::Wrong(whats) = &self.mark {
            value["problems"] = json!(whats);
        }
        if !self.from.is_empty() {
            value["from"] = self.from.iter().map(Link::to_json).collect();
        }
        value
    }
}
