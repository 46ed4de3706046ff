//! What a plan gives to its actions: what they are executed with, and what their estimates read.
use crate::{
    actions::{
        context::ActionContext,
        estimate::{EstimateContext, MaskForecast},
        recipe::ActionInput,
        train::training_seconds,
    },
    plan::graph::{ActionNode, Plan},
    toolbox::Programs,
};
use jackpot_net::{Compute, Training};
use jackpot_store::Store;
use std::collections::BTreeMap;

impl Plan {
    /// What the actions of a setting are executed with.
    pub(crate) fn action_context<'a>(
        &'a self,
        setting: usize,
        store: &'a Store,
        programs: &'a Programs,
    ) -> ActionContext<'a> {
        ActionContext {
            store,
            programs,
            plugins: &self.plugins,
            device: &self.device,
            limits: &self.study.run.limits,
            memory: self.study.settings[setting].data.memory,
            source: Some(&self.sources[setting]),
        }
    }

    /// What the estimates of a setting's actions read.
    pub(crate) fn estimate_context(&self, setting: usize) -> EstimateContext<'_> {
        EstimateContext {
            data: &self.study.settings[setting].data,
            network: &self.networks[setting],
            is_gpu: self.study.run.is_gpu(),
            device_class: &self.device.class,
            masks: self,
        }
    }

    /// Seconds of a training in a setting, if it were computed so.
    pub(crate) fn training_seconds(
        &self,
        setting: usize,
        training: &Training,
        mask: Option<&ActionInput>,
        compute: Compute,
    ) -> f64 {
        training_seconds(&self.estimate_context(setting), training, mask, compute)
    }

    /// Estimates trainings again, with the share of the multiply-adds that allocations leave.
    pub(crate) fn expect(&mut self, foreseen: BTreeMap<usize, f64>) {
        self.foreseen = foreseen;
        for at in 0..self.nodes.len() {
            let ActionNode {
                setting, recipe, ..
            } = &self.nodes[at];
            if recipe.as_train().is_some() {
                let estimate = recipe.estimate(&self.estimate_context(*setting));
                self.nodes[at].seconds = estimate.seconds;
            }
        }
    }
}

impl MaskForecast for Plan {
    fn multiply_adds_left(&self, mask: &ActionInput) -> f64 {
        let ActionInput::Node(made) = mask else {
            return 1.0;
        };
        match self.foreseen.get(&made.node) {
            Some(share) => *share,
            None => self.nodes[made.node].recipe.multiply_adds_left(self),
        }
    }
}
