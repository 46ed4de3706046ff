//! Scores: what a method of a plugin makes of weights, data and draws; some give masks instead.
use crate::actions::{
    context::{ActionContext, Made, Observe, WARNING},
    estimate::{Estimate, EstimateContext, MaskForecast, uneven_share},
    kind::{ActionKind, NameKey, network_of},
    parts::{ActionInput, ConfiguredItem, Machine, Platform, SampledRows},
    validate::{self, invalid},
};
use jackpot_net::{Architecture, ScorePrecision};
use jackpot_protocol::{Failure, PluginJob};
use jackpot_prune::{PruningRounds, Sparsity};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Scores weights by a method. The output is `scores`; with rounds there is also `mask`, which is
/// what the last round keeps. A method that gives masks has the output `mask` alone. Every method
/// has a `certificate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoreRecipe {
    /// The method and its parameters.
    #[serde(flatten)]
    pub item: ConfiguredItem,
    /// The network's architecture.
    pub architecture: Architecture,
    /// Number of training rows, a fact that every method sees.
    pub rows: u32,
    /// The state_dict, if the method reads weights or differentiates.
    pub weights: Option<ActionInput>,
    /// The initial weights, if the method asks for them beside trained ones.
    pub reference: Option<ActionInput>,
    /// The rows that batches are drawn from, for methods that declare data only: the others' results
    /// cannot depend on it.
    pub data: Option<SampledRows>,
    /// The platform that gradients are computed on, if the method differentiates.
    pub platform: Option<Platform<ScorePrecision>>,
    /// The random key, if the method draws anything, batches included: 32 hexadecimal digits.
    pub key: Option<String>,
    /// The mask of what is kept so far; without one everything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<ActionInput>,
    /// The rounds that the method is called in; without them it is called once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<PruningRounds>,
    /// The sparsity that a method is asked to reach which gives masks. Scores serve every sparsity, so
    /// that a method which gives scores has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
}

/// Images per class that a method differentiates on, once or twice over: SNIP's and GraSP's
/// published batches have 10.
const SCORED_PER_CLASS: f64 = 20.0;

/// How many times as long derivatives take in f64 as in f32; processor time of SNIP on ResNet-20,
/// without what it takes to load libtorch.
const SCORES_IN_F64: f64 = 3.5;

/// Seconds that a selection takes per weight: it is linear in the weights.
const SECONDS_PER_SELECTED_WEIGHT: f64 = 2e-8;

impl ScoreRecipe {
    /// The name of the output that the method's own file becomes.
    fn output(&self) -> &'static str {
        if self.sparsity.is_some() {
            "mask"
        } else {
            "scores"
        }
    }

    /// What libtorch computes in; the default where it computes nothing.
    fn precision(&self) -> ScorePrecision {
        let platform = self.platform.as_ref();
        platform.map_or_else(Default::default, |p| p.precision)
    }

    fn job(&self, context: &ActionContext) -> Result<PluginJob, Failure> {
        let offered = context.stored_item(&self.item)?;
        let mut job = context.plugin_job(
            offered,
            &self.item,
            &self.architecture,
            self.rows,
            self.key.as_ref(),
        );
        // One-round scores are asked for before it is known how many are kept: all are.
        if let Some(sparsity) = &self.sparsity {
            job.keep = sparsity.density();
        }
        job.precision = self.precision();
        job.mask = context.optional_path(&self.mask)?;
        job.rounds = self.rounds.clone();
        job.weights = context.optional_path(&self.weights)?;
        job.reference = context.optional_path(&self.reference)?;
        job.batches = match &self.data {
            Some(data) => Some(context.batches(data)?),
            None => None,
        };
        Ok(job)
    }
}

impl ActionKind for ScoreRecipe {
    fn name(&self) -> &'static str {
        "score"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        let mut inputs = Vec::new();
        inputs.extend(self.mask.as_mut().map(|mask| ("mask", mask)));
        inputs.extend(self.weights.as_mut().map(|weights| ("weights", weights)));
        inputs.extend(self.reference.as_mut().map(|first| ("reference", first)));
        if let Some(data) = &mut self.data {
            inputs.push(("train", &mut data.train));
            inputs.push(("normalisation", &mut data.normalisation));
        }
        inputs
    }

    fn item(&self) -> Option<&ConfiguredItem> {
        Some(&self.item)
    }

    fn item_mut(&mut self) -> Option<&mut ConfiguredItem> {
        Some(&mut self.item)
    }

    fn machine(&self) -> Option<Machine<'_>> {
        self.platform.as_ref().map(Platform::machine)
    }

    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        let network = network_of(&self.architecture)?;
        let job = self.job(context)?;
        let server = if self.platform.is_some() {
            context.programs.worker_server(context.device)
        } else {
            context.programs.light_server()
        };
        let run = context.run_plugin(&server, &job, observe)?;
        let output = self.output();
        if output == "mask" {
            let bytes = std::fs::read(&run.output.file).map_err(|e| invalid("mask", e))?;
            validate::mask(&bytes, &network)?;
        }
        let warning = missed_sparsity(&run.output.certificate);
        let mut made = context.store_plugin_run(output, run, &network)?;
        if let Some(warning) = warning {
            made.record[WARNING] = json!(warning);
        }
        Ok(made)
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        let weights = context.network.prunable_weights();
        let calls = f64::from(self.rounds.as_ref().map_or(1, |rounds| rounds.count));
        let scoring = match &self.platform {
            None => 0.1,
            // A worker that loads libtorch, then images forward and backward.
            Some(platform) => {
                let images = SCORED_PER_CLASS * f64::from(self.architecture.classes);
                let longer = match platform.precision {
                    ScorePrecision::F64 => SCORES_IN_F64,
                    ScorePrecision::F32 | ScorePrecision::F32Contiguous => 1.0,
                };
                let multiply_adds = context.network.multiply_adds() as f64;
                1.0 + calls * 3.0 * images * multiply_adds * longer / context.libtorch_rate()
            }
        };
        // Between rounds all weights are selected from.
        let selecting = (calls - 1.0) * weights as f64 * SECONDS_PER_SELECTED_WEIGHT;
        Estimate {
            seconds: scoring + selecting,
            bytes: 8 * weights,
        }
    }

    fn multiply_adds_left(&self, _masks: &dyn MaskForecast) -> f64 {
        let of_rounds = self.rounds.as_ref().map(|rounds| &rounds.sparsity);
        let sparsity = of_rounds.or(self.sparsity.as_ref());
        sparsity.map_or(1.0, |sparsity| uneven_share(sparsity.density()))
    }

    fn describe(&self, name_key: NameKey) -> String {
        let reached = match (&self.rounds, &self.sparsity) {
            (Some(r), _) => format!(", {} rounds to {}", r.count, r.sparsity.text()),
            (None, Some(sparsity)) => format!(" at {}", sparsity.text()),
            (None, None) => String::new(),
        };
        let key = self.key.as_ref();
        let seed = key.map_or(String::new(), |key| format!(", {}", name_key(key, None)));
        let computed = match self.precision() {
            ScorePrecision::F32 => String::new(),
            other => format!(", in {}", other.describe()),
        };
        format!("{}{reached}{seed}{computed}", self.item.describe())
    }
}

/// What is said of a method's mask that keeps another number of weights than it was asked for.
/// The mask of a check is compared with its ticket's instead.
fn missed_sparsity(certificate: &Value) -> Option<String> {
    let achieved = certificate.get("achieved")?;
    let [kept, asked] = ["kept", "asked"].map(|name| achieved[name].as_u64());
    let (kept, asked) = (kept?, asked?);
    (kept != asked).then(|| {
        format!("its mask keeps {kept} weights where {asked} were asked for: compare it with tickets of that sparsity")
    })
}
