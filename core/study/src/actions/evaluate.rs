//! Evaluations: a network measured as pruning left it, before it is trained on.
use crate::{
    Error,
    actions::{
        context::{ActionContext, Made, Observe},
        estimate::{Estimate, EstimateContext},
        kind::{ActionKind, NameKey, ObjectReader, network_of},
        parts::{ActionInput, Machine, Platform},
        validate::{self, invalid},
    },
};
use jackpot_data::StoredRows;
use jackpot_net::{Architecture, Network};
use jackpot_protocol::{EvaluateJob, Failure, Job};
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Evaluates a network as pruning left it, before it is trained on. The outputs are `metrics` and
/// `bits`, which has one bit per test row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluateRecipe {
    /// The network's architecture.
    pub architecture: Architecture,
    /// The state_dict that was pruned.
    pub weights: ActionInput,
    /// The mask of what is kept of it.
    pub mask: ActionInput,
    /// The test rows: a data object.
    pub test: ActionInput,
    /// Mean and standard deviation of the channels of the clean training rows.
    pub normalisation: ActionInput,
    /// The platform that computes it.
    #[serde(flatten)]
    pub platform: Platform,
}

/// Outputs of an evaluation, and the files that a worker writes them to.
const FILES: &[(&str, &str)] = &[("metrics", "metrics.json"), ("bits", "bits")];

impl EvaluateRecipe {
    fn job(&self, context: &ActionContext) -> Result<EvaluateJob, Failure> {
        Ok(EvaluateJob {
            architecture: self.architecture.clone(),
            weights: context.path(&self.weights)?,
            mask: context.path(&self.mask)?,
            test: context.path(&self.test)?,
            normalisation: context.normalisation(&self.normalisation)?,
            device: context.device.name.clone(),
            precision: self.platform.precision,
            threads: self.platform.threads,
            memory: context.memory,
        })
    }
}

impl ActionKind for EvaluateRecipe {
    fn name(&self) -> &'static str {
        "evaluate"
    }

    fn architecture(&self) -> Option<&Architecture> {
        Some(&self.architecture)
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        vec![
            ("mask", &mut self.mask),
            ("weights", &mut self.weights),
            ("test", &mut self.test),
            ("normalisation", &mut self.normalisation),
        ]
    }

    fn machine(&self) -> Option<Machine<'_>> {
        Some(self.platform.machine())
    }

    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        let network = network_of(&self.architecture)?;
        let job = self.job(context)?;
        let test = StoredRows::open(&job.test).map_err(|e| invalid("test", e))?;
        let kept = validate::mask(&context.get(&self.mask)?, &network)?.kept();
        let run = context.run_worker(&Job::Evaluate(Box::new(job)), observe)?;
        let out = run.out();
        verify_measured_files(&out, kept, test.rows() as u64)?;
        Ok(Made {
            outputs: context.store_files(&out, FILES)?,
            record: run.record(),
        })
    }

    fn verify(
        &self,
        outputs: &BTreeMap<String, Digest>,
        objects: &mut dyn ObjectReader,
    ) -> Result<Vec<String>, Error> {
        let Ok(network) = network_of(&self.architecture) else {
            return Ok(Vec::new());
        };
        verify_measurements(outputs, Some(&self.mask), &self.test, &network, objects)
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        let images = f64::from(context.data.test_rows);
        let multiply_adds = context.network.multiply_adds() as f64;
        Estimate {
            seconds: 1.0 + images * multiply_adds / context.libtorch_rate(),
            bytes: 8_192,
        }
    }

    fn describe(&self, _name_key: NameKey) -> String {
        format!("as pruning left it; {}", self.platform.device_class)
    }
}

/// What is wrong with the stored metrics of a training or an evaluation: they agree with the rows
/// that were right, with the mask and with the test rows.
///
/// # Errors
/// A store that cannot be read.
pub(crate) fn verify_measurements(
    outputs: &BTreeMap<String, Digest>,
    mask: Option<&ActionInput>,
    test: &ActionInput,
    network: &Network,
    objects: &mut dyn ObjectReader,
) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    let mut read = BTreeMap::new();
    for name in ["metrics", "bits"] {
        let Some(digest) = outputs.get(name) else {
            wrong.push(format!("expected the output `{name}`, found none"));
            continue;
        };
        match objects.bytes(digest)? {
            Ok(bytes) => drop(read.insert(name, bytes)),
            Err(what) => wrong.push(format!("its output `{name}`: {what}")),
        }
    }
    let (Some(metrics), Some(bits)) = (read.get("metrics"), read.get("bits")) else {
        return Ok(wrong);
    };
    let kept = match mask {
        None => Some(network.prunable_weights()),
        Some(input) => {
            let bytes = objects.bytes(&input.object()?)?.ok();
            let mask = bytes.and_then(|bytes| validate::mask(&bytes, network).ok());
            mask.map(|mask| mask.kept())
        }
    };
    let rows = objects.rows(&test.object()?)?;
    wrong.extend(disagreement(metrics, bits, kept, rows).map(|f| f.message));
    Ok(wrong)
}

/// Refuses metrics that disagree with the rows that were right, with the mask or with the test
/// rows.
pub(crate) fn verify_measured_files(
    folder: &Path,
    kept: u64,
    test_rows: u64,
) -> Result<(), Failure> {
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|e| invalid(name, e));
    let m = validate::metrics(&read("metrics.json")?)?;
    validate::expect("metrics.json: `test_rows`", test_rows, m.rows)?;
    validate::expect("metrics.json: `kept`", kept, m.kept)?;
    validate::bits(&read("bits")?, test_rows, m.correct)
}

/// How metrics disagree with the rows that were right, and with the mask and the test rows where
/// these are known. Metrics of a training that diverged are not compared.
fn disagreement(
    bytes: &[u8],
    right: &[u8],
    kept: Option<u64>,
    rows: Option<u64>,
) -> Option<Failure> {
    if validate::diverged(bytes).is_some() {
        return None;
    }
    let agree = || -> Result<(), Failure> {
        let m = validate::metrics(bytes)?;
        validate::expect("metrics: `kept`", kept.unwrap_or(m.kept), m.kept)?;
        validate::expect("metrics: `test_rows`", rows.unwrap_or(m.rows), m.rows)?;
        validate::bits(right, m.rows, m.correct)
    };
    agree().err()
}
