//! What every kind of action says of itself. The file of a kind holds its recipe and implements
//! [`ActionKind`] for it; [`super::recipe::Recipe`] asks the kind that it is.
use crate::{
    Error,
    actions::{
        context::{ActionContext, Made, Observe},
        estimate::{Estimate, EstimateContext, MaskForecast},
        parts::{ActionInput, ConfiguredItem, Machine},
    },
};
use jackpot_net::{Architecture, Network};
use jackpot_protocol::Failure;
use jackpot_store::Digest;
use std::collections::BTreeMap;

/// One kind of action: what it reads, how it is executed, how what it made is verified, what it
/// costs, and what it is in words.
pub(crate) trait ActionKind {
    /// The kind, as the recipe spells it.
    fn name(&self) -> &'static str;

    /// Bumped when the host's numerics of this kind change; the golden keys pin it.
    fn revision(&self) -> u32 {
        1
    }

    /// The architecture of the network that the action works on, if it works on one.
    fn architecture(&self) -> Option<&Architecture>;

    /// Everything that the action reads, under the name that an audit has for it.
    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)>;

    /// The item of a plugin that the action calls, if it calls one.
    fn item(&self) -> Option<&ConfiguredItem> {
        None
    }

    /// The same item, to be changed.
    fn item_mut(&mut self) -> Option<&mut ConfiguredItem> {
        None
    }

    /// The machine that the action's numbers depend on, if they depend on one.
    fn machine(&self) -> Option<Machine<'_>> {
        None
    }

    /// Runs the action, verifies what it made and stores it; commits nothing. `key` is the
    /// sha256 of the recipe, whose inputs are all known.
    fn execute(
        &self,
        context: &ActionContext,
        key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure>;

    /// What is wrong with outputs that the store has: they are compared with each other, with the
    /// recipe and, where the action is a function of bytes alone, with what it gives again.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn verify(
        &self,
        _outputs: &BTreeMap<String, Digest>,
        _objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// Roughly what the action costs.
    fn estimate(&self, context: &EstimateContext) -> Estimate;

    /// About which share of the network's multiply-adds is left under the mask or the counts that
    /// the action makes; 1 where it makes neither.
    fn multiply_adds_left(&self, _masks: &dyn MaskForecast) -> f64 {
        1.0
    }

    /// What the action does, in words.
    fn describe(&self, name_key: NameKey) -> String;
}

/// Outputs of an action that is a function of bytes alone: their names and what they hold.
pub(crate) type Outputs = Vec<(&'static str, Vec<u8>)>;

/// Names the seed behind a random key: takes the key in hexadecimal and, of a check, the id of
/// its item; gives `seed 3`, or the key's first digits.
pub type NameKey<'a> = &'a dyn Fn(&str, Option<&str>) -> String;

/// Reads objects of the store while stored outputs are verified.
pub trait ObjectReader {
    /// The bytes of an object, hashed; the inner error says what is wrong with the object.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn bytes(&mut self, object: &Digest) -> Result<Result<Vec<u8>, String>, Error>;

    /// How many rows a data object has, if it is there and sound.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn rows(&mut self, data: &Digest) -> Result<Option<u64>, Error>;
}

/// Builds the network of a recipe.
pub(crate) fn network_of(architecture: &Architecture) -> Result<Network, Failure> {
    let network = architecture.build();
    network.map_err(|e| Failure::new("invalid", e.to_string()))
}

/// What is wrong with the outputs of an action that is a function of bytes alone, which was
/// computed again.
pub(crate) fn compare_recomputed(
    outputs: &BTreeMap<String, Digest>,
    recomputed: Result<Outputs, Failure>,
) -> Vec<String> {
    let recomputed = match recomputed {
        Ok(recomputed) => recomputed,
        Err(failure) => return vec![format!("done again, it fails: {}", failure.message)],
    };
    let mut wrong = Vec::new();
    for (name, bytes) in recomputed {
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
