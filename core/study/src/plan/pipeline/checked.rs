//! Checks: what a step makes of data, scores, a mask or weights.
use crate::{
    Error,
    actions::{
        check::CheckRecipe,
        data::{DataFile, DataRecipe},
        recipe::ActionInput,
    },
    needs::{Needs, word},
    plan::grid::{At, Builder},
    spec::{
        checks::{CheckStep, CheckTarget, DataStage},
        ticket::stage::WeightsSource,
    },
};
use jackpot_protocol::{Kind, Output};
use jackpot_prune::Sparsity;
use jackpot_rng::Key;
use jackpot_store::Digest;

/// What one step of a check is given.
struct StepRequest<'a> {
    /// What the step changes.
    input: ActionInput,
    /// The random key, if the step draws.
    key: Key,
    /// The mask that changed weights are trained under; without one they are trained dense.
    mask: Option<ActionInput>,
    /// The sparsity at which another seed's mask is taken, for a check on masks.
    sparsity: Option<&'a Sparsity>,
}

impl CheckTarget {
    /// What a recipe calls it, its output's name, and what an item on it may give.
    fn facts(self) -> (&'static str, &'static str, &'static [Output], &'static str) {
        match self {
            CheckTarget::Data | CheckTarget::PretrainingData | CheckTarget::ScoringData => (
                "data",
                "train",
                &[Output::Images, Output::Labels, Output::Subset],
                "changes images or labels, or leaves rows out",
            ),
            CheckTarget::Scores => ("scores", "scores", &[Output::Scores], "gives scores"),
            CheckTarget::Mask => ("mask", "mask", &[Output::Masks], "gives masks"),
            CheckTarget::Weights => ("weights", "weights", &[Output::Weights], "gives weights"),
        }
    }
}

impl Builder {
    /// The training rows and what belongs to them, clean.
    pub(super) fn data(&mut self, output: &'static str) -> Result<ActionInput, Error> {
        let files = self.plan.sources[self.setting]
            .named()
            .iter()
            .map(|f| DataFile {
                name: f.name.clone(),
                sha256: Digest(f.sha256),
            });
        let data = &self.setting().data;
        let recipe = DataRecipe {
            set: data.set.clone(),
            files: files.collect(),
            order: data.order,
            resize: data.preparation.resize,
            crop: data.preparation.crop,
            pad_to: data.preparation.pad_to,
            train_subset: data.preparation.train_subset,
        };
        self.output(format!("data {}", data.set), recipe, output)
    }

    /// The rows that a stage before the ticket's own training sees: changed, if the check
    /// changes that stage's data.
    pub(super) fn seen(&mut self, stage: DataStage, at: &At) -> Result<ActionInput, Error> {
        let mut rows = self.data("train")?;
        let mut before: Vec<&str> = Vec::new();
        for step in at.check.iter().flat_map(|c| c.on_data_of(stage)) {
            // A second pass of one item draws anew.
            let earlier = before.iter().filter(|id| **id == step.item).count();
            before.push(&step.item);
            let request = StepRequest {
                input: rows,
                key: at.keys().corruption(&step.item, earlier),
                mask: None,
                sparsity: None,
            };
            rows = self.applied(step, request, at)?;
        }
        Ok(rows)
    }

    /// Whether a check leaves rows out of what pretraining sees, so that nobody knows how many
    /// there are before it ran.
    pub(super) fn leaves_rows_out(&self, at: &At) -> Result<bool, Error> {
        let field = at.check_field();
        let mut steps = (at.check.iter()).flat_map(|c| c.on_data_of(DataStage::Pretraining));
        steps.try_fold(false, |found, step| {
            let (_, item) = self.plan.plugins.item(&step.item, Kind::Check, &field)?;
            Ok(found || item.output == Output::Subset)
        })
    }

    /// The scores after the check's own steps on them.
    pub(super) fn changed_scores(
        &mut self,
        scores: ActionInput,
        at: &At,
    ) -> Result<ActionInput, Error> {
        if at.is_donor {
            return Ok(scores);
        }
        self.changed(CheckTarget::Scores, scores, None, None, at)
    }

    /// The mask after the check's own steps on it.
    pub(super) fn changed_mask(
        &mut self,
        mask: ActionInput,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        self.changed(CheckTarget::Mask, mask, None, Some(sparsity), at)
    }

    /// The weights that the ticket's training starts from, after the check's steps on them.
    pub(super) fn changed_weights(
        &mut self,
        weights: ActionInput,
        mask: Option<ActionInput>,
        at: &At,
    ) -> Result<ActionInput, Error> {
        self.changed(CheckTarget::Weights, weights, mask, None, at)
    }

    fn changed(
        &mut self,
        target: CheckTarget,
        mut input: ActionInput,
        mask: Option<ActionInput>,
        sparsity: Option<&Sparsity>,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let Some(check) = at.check else {
            return Ok(input);
        };
        for (place, step) in check.on(target) {
            let request = StepRequest {
                input,
                key: at.keys().check(&check.name, place),
                mask,
                sparsity,
            };
            input = self.applied(step, request, at)?;
        }
        Ok(input)
    }

    /// One step of a check.
    fn applied(
        &mut self,
        step: &CheckStep,
        request: StepRequest,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let field = at.check_field();
        let (on, output, accepted, expected) = step.on.facts();
        let (item, needs) = self.item(&step.item, &step.params, Kind::Check, &field)?;
        if !accepted.contains(&needs.output) {
            return Err(Error(format!(
                "{field}: expected a check that {expected} (`on = \"{}\"`), found `{}`, which gives {}",
                step.on.name(),
                step.item,
                word(needs.output)
            )));
        }
        if on == "data" {
            self.fits_in_memory(&field, &step.item)?;
        }
        let recipe = CheckRecipe {
            item,
            on,
            architecture: self.setting().architecture.clone(),
            rows: self.setting().data.train_rows,
            input: request.input,
            key: needs.draws.then(|| request.key.to_hex()),
            mask: request.mask,
            donor: self.donor(step, &needs, request.sparsity, at)?,
            reference: if needs.reference {
                Some(self.weights(WeightsSource::Initial, at)?)
            } else {
                None
            },
        };
        let of = match (step.on, request.sparsity) {
            (CheckTarget::Scores, _) => format!(" on the scores of {}", at.ticket.name),
            (CheckTarget::Weights, _) => format!(" on the weights of {}", at.ticket.name),
            (_, Some(sparsity)) => format!(" on {} at {}", at.ticket.name, sparsity.text()),
            _ => String::new(),
        };
        // Two checks may take one item with other parameters, or after other steps.
        let name = at.check.map(|c| &c.name).filter(|name| **name != step.item);
        let within = name.map_or(String::new(), |name| format!(" of {name}"));
        let title = format!("check {}{within}{of}, seed {}", step.item, at.seed);
        self.output(title, recipe, output)
    }

    /// A check is given all training rows at once.
    fn fits_in_memory(&self, field: &str, item: &str) -> Result<(), Error> {
        let data = &self.setting().data;
        let bytes = data.train_bytes();
        if bytes <= data.memory {
            return Ok(());
        }
        Err(Error(format!(
            "{field}: `{item}` needs all training images in memory, which take {} MiB, more than `data.memory_mb` = {}: raise it, or take a smaller `train_subset`, `resize` or `crop`",
            bytes.div_ceil(1 << 20),
            data.memory >> 20
        )))
    }

    /// The same ticket's mask of the next seed, under the same check up to here.
    fn donor(
        &mut self,
        step: &CheckStep,
        needs: &Needs,
        sparsity: Option<&Sparsity>,
        at: &At,
    ) -> Result<Option<ActionInput>, Error> {
        if !needs.donor {
            return Ok(None);
        }
        let field = format!("{}: `{}`", at.check_field(), step.item);
        let (Some(sparsity), Some(sparse)) = (sparsity, &at.ticket.sparse) else {
            return Err(Error(format!(
                "{field}: asks for another seed's mask, which only a check on masks is given"
            )));
        };
        let other = At {
            seed: self.next_seed(at.seed, &field)?,
            ..*at
        };
        self.mask(sparse, sparsity, &other).map(Some)
    }

    /// The seed after this one in the study's list; after the last comes the first.
    pub(super) fn next_seed(&self, seed: u64, field: &str) -> Result<u64, Error> {
        let seeds = &self.plan.study.donors;
        let place = seeds.iter().position(|s| *s == seed).unwrap_or(0);
        match seeds.len() {
            0 | 1 => Err(Error(format!(
                "{field}: takes the mask of another seed, but `seeds` has only one; add a second"
            ))),
            n => Ok(seeds[(place + 1) % n]),
        }
    }
}
