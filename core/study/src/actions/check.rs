//! Checks: what one step of a check makes of data, scores, a mask or weights.
use crate::actions::{
    context::{ActionContext, Made, Observe},
    estimate::{Estimate, EstimateContext, MaskForecast},
    kind::{ActionKind, NameKey, network_of},
    parts::{ActionInput, ConfiguredItem},
    validate::{self, invalid},
};
use jackpot_data::Images;
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{Failure, PluginJob};
use jackpot_store::Digest;
use serde::{Deserialize, Deserializer, Serialize};

/// The word for what a check changes. The alias keeps `serde` from borrowing what it reads.
type Part = &'static str;

/// Changes data, scores, a mask or weights by one step of a check. The outputs are `certificate` and
/// `train`, `scores`, `mask` or `weights`, whichever is changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckRecipe {
    /// The item that the step calls, and its parameters.
    #[serde(flatten)]
    pub item: ConfiguredItem,
    /// What is changed: `data`, `scores`, `mask` or `weights`.
    #[serde(deserialize_with = "changed_part")]
    pub on: Part,
    /// The network's architecture, a fact that every check sees.
    pub architecture: Architecture,
    /// Number of training rows, a fact that every check sees.
    pub rows: u32,
    /// The rows, scores, mask or weights before the change.
    pub input: ActionInput,
    /// The random key, if the check draws: 32 hexadecimal digits.
    pub key: Option<String>,
    /// The mask that changed weights are trained under; without one they are trained dense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<ActionInput>,
    /// The mask of another seed, if the check asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub donor: Option<ActionInput>,
    /// The initial weights, if the check asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ActionInput>,
}

fn changed_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Part, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = ["data", "scores", "mask", "weights"];
    known.into_iter().find(|k| *k == word).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "`on`: expected `data`, `scores`, `mask` or `weights`, found `{word}`"
        ))
    })
}

impl CheckRecipe {
    /// The name of the output and of the input that it is a change of. Scores, masks and weights
    /// are named after what is changed.
    fn changed(&self) -> &'static str {
        if self.on == "data" { "train" } else { self.on }
    }

    fn job(&self, context: &ActionContext, network: &Network) -> Result<PluginJob, Failure> {
        let offered = context.stored_item(&self.item)?;
        let mut job = context.plugin_job(
            offered,
            &self.item,
            &self.architecture,
            self.rows,
            self.key.as_ref(),
        );
        job.input = Some(context.path(&self.input)?);
        job.mask = context.optional_path(&self.mask)?;
        job.donor = context.optional_path(&self.donor)?;
        job.reference = context.optional_path(&self.reference)?;
        if self.on == "weights" && job.item.needs_weights() {
            job.weights = job.input.clone();
        }
        let mask = if self.on == "mask" {
            Some(&self.input)
        } else {
            self.mask.as_ref()
        };
        if let Some(mask) = mask {
            let mask = validate::mask(&context.get(mask)?, network)?;
            job.keep = mask.kept() as f64 / mask.total() as f64;
        }
        Ok(job)
    }

    /// Refuses an output that its readers cannot read.
    fn verify_output(&self, bytes: &[u8], network: &Network) -> Result<(), Failure> {
        match self.on {
            "data" => {
                Images::from_safetensors(bytes).map_err(|e| invalid("check", e))?;
            }
            "weights" => validate::weights(bytes, network)?,
            "mask" => {
                validate::mask(bytes, network)?;
            }
            // The host has read the scores.
            _ => {}
        }
        Ok(())
    }
}

impl ActionKind for CheckRecipe {
    fn name(&self) -> &'static str {
        "check"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        let mut inputs = vec![(self.changed(), &mut self.input)];
        inputs.extend(self.mask.as_mut().map(|mask| ("mask", mask)));
        inputs.extend(self.donor.as_mut().map(|donor| ("donor", donor)));
        inputs.extend(self.reference.as_mut().map(|first| ("reference", first)));
        inputs
    }

    fn item(&self) -> Option<&ConfiguredItem> {
        Some(&self.item)
    }

    fn item_mut(&mut self) -> Option<&mut ConfiguredItem> {
        Some(&mut self.item)
    }

    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        let network = network_of(&self.architecture)?;
        let job = self.job(context, &network)?;
        let run = context.run_plugin(&context.programs.light_server(), &job, observe)?;
        if self.on != "scores" {
            let what = if self.on == "mask" { "mask" } else { "check" };
            let bytes = std::fs::read(&run.output.file).map_err(|e| invalid(what, e))?;
            self.verify_output(&bytes, &network)?;
        }
        context.store_plugin_run(self.changed(), run, &network)
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        let weights = context.network.prunable_weights();
        let (seconds, bytes) = match self.on {
            "data" => (0.2, context.row_bytes(u64::from(context.data.train_rows))),
            "scores" => (0.1, 8 * weights),
            "weights" => (0.1, 4 * weights),
            _ => (0.1, weights / 8 + 4_096),
        };
        Estimate { seconds, bytes }
    }

    fn multiply_adds_left(&self, masks: &dyn MaskForecast) -> f64 {
        masks.multiply_adds_left(&self.input)
    }

    fn describe(&self, name_key: NameKey) -> String {
        let key = self.key.as_ref();
        let item = Some(self.item.item.as_str());
        let seed = key.map_or(String::new(), |key| format!(", {}", name_key(key, item)));
        format!("{} on the {}{seed}", self.item.describe(), self.on)
    }
}
