//! First weights: a state_dict drawn from a random key.
use crate::{
    Error,
    actions::{
        context::{ActionContext, Made, Observe},
        estimate::{Estimate, EstimateContext},
        kind::{ActionKind, NameKey, ObjectReader, Outputs, compare_recomputed},
        parts::ActionInput,
        validate::invalid,
    },
};
use jackpot_net::Architecture;
use jackpot_protocol::Failure;
use jackpot_rng::Key;
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Draws the first weights of a network. The output is `weights`, a state_dict.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InitRecipe {
    /// The network's architecture.
    pub architecture: Architecture,
    /// The seed's random key `init`: 32 hexadecimal digits.
    pub key: String,
}

impl InitRecipe {
    /// The outputs, a function of the recipe alone.
    fn compute(&self) -> Result<Outputs, Failure> {
        let network = self.architecture.build().map_err(|e| invalid("init", e))?;
        let key = Key::from_hex(&self.key);
        let key = key.ok_or_else(|| invalid("init", format!("`{}` is not a key", self.key)))?;
        let weights =
            jackpot_net::init::initial_weights(&network, key).map_err(|e| invalid("init", e))?;
        Ok(vec![("weights", weights)])
    }
}

impl ActionKind for InitRecipe {
    fn name(&self) -> &'static str {
        "init"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        Vec::new()
    }

    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        _observe: Observe,
    ) -> Result<Made, Failure> {
        context.store_outputs(&self.compute()?)
    }

    fn verify(
        &self,
        outputs: &BTreeMap<String, Digest>,
        _objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        Ok(compare_recomputed(outputs, self.compute()))
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        Estimate {
            seconds: 0.1,
            bytes: 4 * context.network.prunable_weights(),
        }
    }

    fn describe(&self, name_key: NameKey) -> String {
        format!(
            "{} of width {}, {}",
            self.architecture.title(),
            self.architecture.width,
            name_key(&self.key, None)
        )
    }
}
