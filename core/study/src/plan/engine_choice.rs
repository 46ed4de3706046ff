//! Which trainings of a plan take which engine, and which would gain from the other one.
use crate::{ActionState, Assessment, actions::recipe::ActionInput, plan::graph::Plan};
use jackpot_net::{Compute, Engine, Precision, Training};
use jackpot_sparse::Isa;
use std::collections::BTreeMap;

/// The trainings of a plan that are computed alike.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineUse {
    /// By what.
    pub compute: Compute,
    /// Whether they are under masks.
    pub sparse: bool,
    /// How many.
    pub trainings: usize,
    /// Of those, not cached.
    pub left: usize,
    /// Estimated seconds of one core of those that are left.
    pub seconds: f64,
}

/// Trainings that are not done and would be shorter if they were computed otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineGain {
    /// By what.
    pub compute: Compute,
    /// How many would be shorter.
    pub trainings: usize,
    /// Of how many that are not done and could be computed so.
    pub of: usize,
    /// Estimated seconds of one core of those that would be shorter, as they are asked for.
    pub seconds: f64,
    /// And as they could be.
    pub instead: f64,
}

/// Estimates are rough: less than this is no gain.
const LEAST_GAIN: f64 = 1.25;

/// A training of a plan under a mask.
struct Masked<'a> {
    setting: usize,
    training: &'a Training,
    mask: &'a ActionInput,
    compute: Compute,
}

impl Plan {
    /// Engine by engine, dense trainings first.
    pub fn engines(&self, assessment: &Assessment) -> Vec<EngineUse> {
        let mut uses: BTreeMap<(bool, Compute), EngineUse> = BTreeMap::new();
        for (node, state) in self.nodes.iter().zip(&assessment.states) {
            let Some(train) = node.recipe.as_train() else {
                continue;
            };
            let (sparse, compute) = (train.mask.is_some(), train.platform.compute());
            let one = uses.entry((sparse, compute)).or_insert(EngineUse {
                compute,
                sparse,
                trainings: 0,
                left: 0,
                seconds: 0.0,
            });
            one.trainings += 1;
            if *state != ActionState::Cached {
                one.left += 1;
                one.seconds += node.seconds;
            }
        }
        uses.into_values().collect()
    }

    /// What trainings under masks would gain from another engine: in the sparse one in f32, in
    /// the sparse one with the CPU's bf16, in libtorch. Nothing is said of a GPU.
    pub fn engine_gains(&self, assessment: &Assessment) -> Vec<EngineGain> {
        if self.study.run.is_gpu() || self.study.run.threads != 1 {
            return Vec::new();
        }
        let left = self.nodes.iter().zip(&assessment.states);
        let masked: Vec<Masked> = left
            .filter(|(_, state)| **state != ActionState::Cached)
            .filter_map(|(node, _)| {
                let train = node.recipe.as_train()?;
                Some(Masked {
                    setting: node.setting,
                    training: &train.training,
                    mask: train.mask.as_ref()?,
                    compute: train.platform.compute(),
                })
            })
            .collect();
        [
            (Engine::Sparse, Precision::F32),
            (Engine::Sparse, Precision::Bf16),
            (Engine::Libtorch, Precision::F32),
        ]
        .into_iter()
        .filter_map(|(engine, precision)| self.gain(&masked, Compute { engine, precision }))
        .collect()
    }

    fn gain(&self, masked: &[Masked], compute: Compute) -> Option<EngineGain> {
        let sparse = compute.engine == Engine::Sparse;
        if sparse && Isa::of_class(&self.device.class, compute.precision).is_err() {
            return None;
        }
        let mut gain = EngineGain {
            compute,
            trainings: 0,
            of: 0,
            seconds: 0.0,
            instead: 0.0,
        };
        // Thousands of trainings share a few settings.
        let mut can: BTreeMap<(usize, String), bool> = BTreeMap::new();
        for one in masked.iter().filter(|m| m.compute.engine != compute.engine) {
            let spelling = serde_json::to_string(one.training).unwrap_or_default();
            let network = &self.networks[one.setting];
            let can = can.entry((one.setting, spelling)).or_insert_with(|| {
                !sparse || jackpot_sparse::check(network, one.training, compute.precision).is_ok()
            });
            if !*can {
                continue;
            }
            gain.of += 1;
            let seconds =
                |compute| self.training_seconds(one.setting, one.training, Some(one.mask), compute);
            let (now, instead) = (seconds(one.compute), seconds(compute));
            if now > LEAST_GAIN * instead {
                gain.trainings += 1;
                gain.seconds += now;
                gain.instead += instead;
            }
        }
        (gain.trainings > 0).then_some(gain)
    }
}
