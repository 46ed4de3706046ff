//! One step of a provenance: what was verified, what is wrong with it, and what it was made of.
use jackpot_store::Digest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What verifying one node found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeVerdict {
    /// Its bytes are what they should be.
    Sound,
    /// It is not kept, and need not be: a checkpoint that nothing reads any more, a file of a
    /// data set, what the bundle left behind that the action came with. Its hash is what the
    /// reader's recipe says.
    NotKept,
    /// It and what is behind it stand further up in the same tree.
    SeenAbove,
    /// Something is wrong: what was expected and what was found.
    Wrong(Vec<String>),
}

/// One node of a provenance tree: a file, an object, or the action that made the object above it.
#[derive(Clone, Debug)]
pub struct ProvenanceNode {
    /// Its role for the node above it, such as `mask`; for an action, its kind.
    pub role: String,
    /// The digest of its bytes; for an action, its key.
    pub hash: Digest,
    /// What it is, in words.
    pub words: String,
    /// What verifying it found.
    pub mark: NodeVerdict,
    /// What it was made of: for an object, the action that made it; for an action, what it read.
    pub from: Vec<ProvenanceNode>,
}

impl ProvenanceNode {
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
        if let NodeVerdict::Wrong(whats) = &self.mark {
            found.extend(whats.iter().map(|what| (path.clone(), what.clone())));
        }
        for link in &self.from {
            link.collect_problems(&path, found);
        }
    }

    /// A node that stands further up in the tree, with all that is behind it.
    pub(super) fn seen_above(role: &str, hash: &Digest) -> ProvenanceNode {
        ProvenanceNode {
            role: role.to_owned(),
            hash: *hash,
            words: "as above".to_owned(),
            mark: NodeVerdict::SeenAbove,
            from: Vec::new(),
        }
    }

    /// Adds what is wrong with it, if anything is.
    pub(super) fn blame(&mut self, mut more: Vec<String>) {
        match &mut self.mark {
            _ if more.is_empty() => {}
            NodeVerdict::Wrong(whats) => whats.append(&mut more),
            mark => *mark = NodeVerdict::Wrong(more),
        }
    }

    /// The digests of everything at this node and below it that is not kept.
    pub fn not_kept(&self) -> BTreeSet<Digest> {
        let mut found: BTreeSet<Digest> = self
            .from
            .iter()
            .flat_map(ProvenanceNode::not_kept)
            .collect();
        if self.mark == NodeVerdict::NotKept {
            found.insert(self.hash);
        }
        found
    }

    /// The number of nodes, this one and all below it.
    pub fn nodes(&self) -> usize {
        1 + self.from.iter().map(ProvenanceNode::nodes).sum::<usize>()
    }

    /// The tree as JSON, with whole digests.
    pub fn to_json(&self) -> Value {
        let mark = match &self.mark {
            NodeVerdict::Sound => "sound",
            NodeVerdict::NotKept => "not kept",
            NodeVerdict::SeenAbove => "told above",
            NodeVerdict::Wrong(_) => "wrong",
        };
        let mut value = json!({
            "role": self.role, "hash": self.hash, "words": self.words, "verdict": mark,
        });
        if let NodeVerdict::Wrong(whats) = &self.mark {
            value["problems"] = json!(whats);
        }
        if !self.from.is_empty() {
            value["from"] = self.from.iter().map(ProvenanceNode::to_json).collect();
        }
        value
    }
}
