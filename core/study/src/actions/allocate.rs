//! Allocations: how many weights a rule of a plugin keeps of each layer.
use crate::actions::{
    context::{ActionContext, Made, Observe, OfferedItem},
    estimate::{Estimate, EstimateContext, MaskForecast, uneven_share},
    kind::{ActionKind, NameKey, network_of},
    parts::{ActionInput, ConfiguredItem},
    validate::{self, invalid},
};
use jackpot_net::Architecture;
use jackpot_protocol::{Failure, PluginJob};
use jackpot_prune::Sparsity;
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};

/// Counts how many weights each layer keeps, by a rule. The outputs are `counts` and `certificate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllocateRecipe {
    /// The rule and its parameters.
    #[serde(flatten)]
    pub item: ConfiguredItem,
    /// The network's architecture.
    pub architecture: Architecture,
    /// Number of training rows, a fact that every rule sees.
    pub rows: u32,
    /// Sparsity over all prunable weights.
    pub sparsity: Sparsity,
    /// The scores, if the rule reads them.
    pub scores: Option<ActionInput>,
    /// The weights, if the rule reads them.
    pub weights: Option<ActionInput>,
    /// The random key, if the rule draws: 32 hexadecimal digits.
    pub key: Option<String>,
}

impl AllocateRecipe {
    /// Whether the rule reads neither scores nor weights, so that its counts depend on no result.
    pub(crate) fn is_known_beforehand(&self) -> bool {
        self.scores.is_none() && self.weights.is_none()
    }

    /// The counts of every layer and what the plugin prints, of an allocation that reads neither
    /// scores nor weights. Stores nothing.
    pub(crate) fn counts_beforehand(
        &self,
        context: &ActionContext,
    ) -> Result<(Vec<u64>, String), Failure> {
        let job = self.job(context, context.offered(&self.item)?)?;
        let folder = tempfile::tempdir()
            .map_err(|e| Failure::new("error", format!("a temporary folder: {e}")))?;
        let server = context.programs.light_server();
        let done = jackpot_host::run_plugin(&server, &job, folder.path(), &mut |_| {})?;
        let bytes = std::fs::read(&done.file).map_err(|e| invalid("counts", e))?;
        let counts = validate::counts(&bytes, &network_of(&self.architecture)?)?;
        Ok((counts, done.log))
    }

    fn job(&self, context: &ActionContext, offered: OfferedItem) -> Result<PluginJob, Failure> {
        let mut job = context.plugin_job(
            offered,
            &self.item,
            &self.architecture,
            self.rows,
            self.key.as_ref(),
        );
        job.keep = self.sparsity.density();
        job.input = context.optional_path(&self.scores)?;
        job.weights = context.optional_path(&self.weights)?;
        Ok(job)
    }
}

impl ActionKind for AllocateRecipe {
    fn name(&self) -> &'static str {
        "allocate"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        let scores = self.scores.as_mut().map(|scores| ("scores", scores));
        let weights = self.weights.as_mut().map(|weights| ("weights", weights));
        scores.into_iter().chain(weights).collect()
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
        let job = self.job(context, context.stored_item(&self.item)?)?;
        let run = context.run_plugin(&context.programs.light_server(), &job, observe)?;
        context.store_plugin_run("counts", run, &network)
    }

    fn estimate(&self, _context: &EstimateContext) -> Estimate {
        Estimate {
            seconds: 0.1,
            bytes: 4_096,
        }
    }

    fn multiply_adds_left(&self, _masks: &dyn MaskForecast) -> f64 {
        let density = self.sparsity.density();
        if self.item.item == "uniform" {
            density
        } else {
            uneven_share(density)
        }
    }

    fn describe(&self, _name_key: NameKey) -> String {
        format!("{} at {}", self.item.describe(), self.sparsity.text())
    }
}
