//! Selections: the mask of the weights that scores choose.
use crate::{
    Error,
    actions::{
        context::{ActionContext, Made, Observe},
        estimate::{Estimate, EstimateContext, MaskForecast, uneven_share},
        kind::{ActionKind, NameKey, ObjectReader, Outputs, compare_recomputed, network_of},
        parts::ActionInput,
        validate,
    },
    messages::describe_unit,
};
use jackpot_net::{Architecture, Network};
use jackpot_protocol::Failure;
use jackpot_prune::{
    Granularity, LayerConstraints, PruningScope, Scores, SelectionOptions, SelectionRule, Sparsity,
};
use jackpot_store::{Digest, canonical};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Selects the weights that a mask keeps. The outputs are `mask` and `selection`, which says how many
/// weights are tied at the threshold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SelectRecipe {
    /// The network's architecture.
    pub architecture: Architecture,
    /// The scores of every prunable weight.
    pub scores: ActionInput,
    /// How many weights are kept, in all or per layer.
    pub by: SelectionCounts,
    /// The mask whose kept weights are chosen from; without one all weights are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<ActionInput>,
    /// The weights that are kept whatever the scores say.
    #[serde(default, skip_serializing_if = "LayerConstraints::is_nothing")]
    pub reserve: LayerConstraints,
    /// Whether single weights or whole filters are kept.
    #[serde(default, skip_serializing_if = "Granularity::is_weights")]
    pub unit: Granularity,
}

/// How many weights a selection keeps, in all or per layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectionCounts {
    /// The largest scores of all layers in scope.
    Global {
        /// The layers to choose from.
        scope: PruningScope,
        /// Sparsity over all prunable weights.
        sparsity: Sparsity,
        /// How ties are broken and counts rounded.
        rule: SelectionRule,
    },
    /// The largest scores of each layer, as many as an allocation counts.
    Counts(ActionInput),
    /// The largest scores of each layer, as many as a mask keeps.
    Mask(ActionInput),
    /// The largest scores of each layer, as many as densities of the study say.
    Table {
        /// Densities of the layers that are named, as decimal text; the others share the rest.
        densities: BTreeMap<String, String>,
        /// Sparsity over all prunable weights.
        sparsity: Sparsity,
    },
}

impl SelectRecipe {
    /// The mask and how sharp the selection was, a function of the recipe and the bytes of its
    /// inputs, which `read` gives.
    fn compute(
        &self,
        network: &Network,
        read: &dyn Fn(&ActionInput) -> Result<Vec<u8>, Failure>,
    ) -> Result<Outputs, Failure> {
        let scores = Scores::from_safetensors(&read(&self.scores)?, network)?;
        let within = match &self.within {
            Some(input) => Some(validate::mask(&read(input)?, network)?),
            None => None,
        };
        let counts = match &self.by {
            SelectionCounts::Global { .. } => Vec::new(),
            SelectionCounts::Counts(input) => validate::counts(&read(input)?, network)?,
            SelectionCounts::Mask(input) => validate::mask(&read(input)?, network)?.counts(),
            SelectionCounts::Table {
                densities,
                sparsity,
            } => jackpot_prune::counts_of_densities(network, densities, sparsity)?,
        };
        let budget = match &self.by {
            SelectionCounts::Global {
                scope,
                sparsity,
                rule,
            } => jackpot_prune::PruningBudget::Sparsity {
                sparsity,
                scope: *scope,
                rule: *rule,
            },
            SelectionCounts::Counts(_)
            | SelectionCounts::Mask(_)
            | SelectionCounts::Table { .. } => jackpot_prune::PruningBudget::Counts(&counts),
        };
        let options = SelectionOptions {
            budget,
            within: within.as_ref(),
            constraints: self.reserve,
            granularity: self.unit,
        };
        let (mask, selected) = jackpot_prune::select(network, &scores, &options)?;
        if mask.kept() == mask.total() {
            return Err(Failure::new(
                "invalid",
                "the selection pruned nothing although sparsity was asked for",
            ));
        }
        let selection = canonical::to_bytes(&json!(selected))
            .map_err(|e| Failure::new("store", e.to_string()))?;
        Ok(vec![("mask", mask.to_bytes()), ("selection", selection)])
    }
}

impl ActionKind for SelectRecipe {
    fn name(&self) -> &'static str {
        "select"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        let mut inputs = vec![("scores", &mut self.scores)];
        match &mut self.by {
            SelectionCounts::Counts(counts) => inputs.push(("counts", counts)),
            SelectionCounts::Mask(mask) => inputs.push(("mask", mask)),
            SelectionCounts::Global { .. } | SelectionCounts::Table { .. } => {}
        }
        inputs.extend(self.within.as_mut().map(|within| ("within", within)));
        inputs
    }

    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        _observe: Observe,
    ) -> Result<Made, Failure> {
        let network = network_of(&self.architecture)?;
        context.store_outputs(&self.compute(&network, &|input| context.get(input))?)
    }

    /// A selection is a function of the scores: it is made again.
    fn verify(
        &self,
        outputs: &BTreeMap<String, Digest>,
        objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        let Ok(network) = network_of(&self.architecture) else {
            return Ok(Vec::new());
        };
        let mut read = BTreeMap::new();
        for (_, input) in self.clone().inputs_mut() {
            let Ok(digest) = input.object() else {
                continue;
            };
            // An input that is absent or damaged is reported at its own place.
            let Ok(bytes) = objects.bytes(&digest)? else {
                return Ok(Vec::new());
            };
            read.insert(digest, bytes);
        }
        let read = |input: &ActionInput| {
            let digest = input.object()?;
            let bytes = read.get(&digest).cloned();
            bytes.ok_or_else(|| Failure::new("invalid", format!("{digest} is not an input")))
        };
        Ok(compare_recomputed(outputs, self.compute(&network, &read)))
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        Estimate {
            seconds: 0.05,
            bytes: context.network.prunable_weights() / 8 + 4_096,
        }
    }

    fn multiply_adds_left(&self, masks: &dyn MaskForecast) -> f64 {
        match &self.by {
            SelectionCounts::Global { sparsity, .. } | SelectionCounts::Table { sparsity, .. } => {
                uneven_share(sparsity.density())
            }
            SelectionCounts::Mask(other) | SelectionCounts::Counts(other) => {
                masks.multiply_adds_left(other)
            }
        }
    }

    fn describe(&self, _name_key: NameKey) -> String {
        let chosen = match &self.by {
            SelectionCounts::Global { sparsity, .. } => {
                format!("the largest of all layers at sparsity {}", sparsity.text())
            }
            SelectionCounts::Counts(_) => "the largest of each layer, by the counts".to_owned(),
            SelectionCounts::Mask(_) => {
                "the largest of each layer, as many as the mask keeps".to_owned()
            }
            SelectionCounts::Table { sparsity, .. } => format!(
                "the largest of each layer, by a table, at sparsity {}",
                sparsity.text()
            ),
        };
        let within = if self.within.is_some() {
            " of what is kept so far"
        } else {
            ""
        };
        format!("{chosen}{within}{}", describe_unit(self.unit))
    }
}
