//! The steps from data to a trained ticket, each asked for as often as cells need it.
use crate::{
    Error, Precision,
    grid::{At, Builder},
    needs::published_rule,
    needs::word,
    plan::Content,
    recipe::{By, Config, File, Input, Platform, Recipe, Ref, Sampled},
    sections::{Selection, Stage},
    tickets::{Allocation, Sparse},
};
use jackpot_host::{Kind, Output, Rule, Scope, Sparsity};
use jackpot_store::Digest;

impl Builder {
    /// What scores are computed on: f32, and f64 where a method asks for it.
    fn platform(&self) -> Platform {
        Platform {
            libtorch: self.plan.libtorch.clone(),
            device_class: self.plan.device.class.clone(),
            threads: self.plan.study.run.threads,
            precision: Precision::F32,
        }
    }

    fn data(&mut self, output: &'static str) -> Result<Input, Error> {
        let files = self.plan.source.files.iter().map(|f| File {
            name: f.name.clone(),
            sha256: Digest(f.sha256),
        });
        let data = &self.plan.study.data;
        let recipe = Recipe::Data {
            set: data.set.clone(),
            files: files.collect(),
            resize: data.preparation.resize,
            pad_to: data.preparation.pad_to,
            train_subset: data.preparation.train_subset,
        };
        let node = self.node(format!("data {}", data.set), recipe)?;
        Ok(Input::Node(Ref { node, output }))
    }

    /// The rows that a ticket's method sees: changed, if the check is on data.
    fn seen(&mut self, at: &At) -> Result<Input, Error> {
        let mut rows = self.data("train")?;
        let Some(check) = at.on_data() else {
            return Ok(rows);
        };
        for (id, params) in &check.steps {
            let field = format!("check `{}`: `steps`", check.name);
            let (item, needs) = self.item(id, params, Kind::Check, &field)?;
            if !matches!(needs.output, Output::Labels | Output::Images) {
                return Err(Error(format!(
                    "{field}: expected a check that changes images or labels (`on = \"data\"`), found `{id}`, which gives {}",
                    word(needs.output)
                )));
            }
            let recipe = Recipe::Check {
                item,
                on: "data",
                architecture: self.plan.study.architecture.clone(),
                rows: self.plan.study.data.train_rows,
                input: rows,
                key: needs.draws.then(|| at.keys().corruption(id).to_hex()),
            };
            let title = format!("check {id}, seed {}", at.seed);
            let node = self.node(title, recipe)?;
            rows = Input::Node(Ref {
                node,
                output: "train",
            });
        }
        Ok(rows)
    }

    fn weights(&mut self, stage: Stage, at: &At) -> Result<Input, Error> {
        let recipe = Recipe::Init {
            architecture: self.plan.study.architecture.clone(),
            key: at.keys().init().to_hex(),
        };
        let node = self.node(format!("init, seed {}", at.seed), recipe)?;
        let initial = Input::Node(Ref {
            node,
            output: "weights",
        });
        if stage == Stage::Initial {
            return Ok(initial);
        }
        let train = self.seen(at)?;
        let on = at.on_data().map_or("the clean data", |c| c.name.as_str());
        let title = format!("train dense on {on}, seed {}", at.seed);
        let node = self.training(title, initial, None, train, at)?;
        Ok(Input::Node(Ref {
            node,
            output: "checkpoint",
        }))
    }

    fn training(
        &mut self,
        title: String,
        weights: Input,
        mask: Option<Input>,
        train: Input,
        at: &At,
    ) -> Result<usize, Error> {
        let recipe = Recipe::Train {
            architecture: self.plan.study.architecture.clone(),
            training: self.plan.study.training.clone(),
            weights,
            mask,
            train,
            test: self.data("test")?,
            normalisation: self.data("normalisation")?,
            order_key: at.keys().order().to_hex(),
            augment_key: at.keys().augment().to_hex(),
            platform: Platform {
                precision: self.plan.study.precision,
                ..self.platform()
            },
        };
        self.node(title, recipe)
    }

    /// A cell's training and the mask that it is given.
    pub(crate) fn run(&mut self, at: &At, sparsity: Option<&Sparsity>) -> Result<Content, Error> {
        let clean = self.data("train")?;
        let (Some(sparse), Some(sparsity)) = (&at.ticket.sparse, sparsity) else {
            let weights = self.weights(Stage::Initial, at)?;
            let title = format!("train dense on the clean data, seed {}", at.seed);
            let train = self.training(title, weights, None, clean, at)?;
            return Ok(Content::Run { train, mask: None });
        };
        let mask = self.mask(sparse, sparsity, at)?;
        let mask = self.changed_mask(mask, sparsity.text(), at)?;
        let weights = self.weights(sparse.start, at)?;
        let check = at.check.map_or(String::new(), |c| format!(", {}", c.name));
        let title = format!(
            "train {}{check} at {}, seed {}",
            at.ticket.name,
            sparsity.text(),
            at.seed
        );
        let train = self.training(title, weights, Some(mask), clean, at)?;
        let mask = match mask {
            Input::Node(r) => Some(r),
            Input::Object(_) => None,
        };
        Ok(Content::Run { train, mask })
    }

    /// The ticket's own mask, before a check on masks.
    fn mask(&mut self, sparse: &Sparse, sparsity: &Sparsity, at: &At) -> Result<Input, Error> {
        let scores = self.scores(sparse, at)?;
        let published = sparse.selection == Selection::Published;
        if published && !matches!(sparse.allocation, Allocation::Global(_)) {
            return Err(Error(format!(
                "ticket `{}`: `selection`: `published` has a meaning with the allocation `global` only",
                at.ticket.name
            )));
        }
        if published && matches!(sparse.allocation, Allocation::Global(Scope::Convolutions)) {
            return Err(Error(format!(
                "ticket `{}`: `selection`: `published` is over all layers; leave `scope` out, or write `selection = \"exact\"`",
                at.ticket.name
            )));
        }
        let by = match &sparse.allocation {
            Allocation::Global(scope) => By::Global {
                scope: *scope,
                sparsity: sparsity.clone(),
                rule: if published {
                    published_rule(&sparse.method)?
                } else {
                    Rule::Exact
                },
            },
            Allocation::Rule { item, params } => {
                By::Counts(self.counts(item, params, sparse, scores, sparsity, at)?)
            }
            Allocation::Copy(name) => {
                let donor = self.sparse(name).clone();
                By::Mask(self.mask(&donor, sparsity, at)?)
            }
        };
        let recipe = Recipe::Select {
            architecture: self.plan.study.architecture.clone(),
            scores,
            by,
        };
        let seen = at
            .on_data()
            .map_or(String::new(), |c| format!(" on {}", c.name));
        let title = format!(
            "select {}{seen} at {}, seed {}",
            at.ticket.name,
            sparsity.text(),
            at.seed
        );
        let node = self.node(title, recipe)?;
        Ok(Input::Node(Ref {
            node,
            output: "mask",
        }))
    }

    fn scores(&mut self, sparse: &Sparse, at: &At) -> Result<Input, Error> {
        let field = format!("ticket `{}`: `scores`", at.ticket.name);
        let (item, needs) = self.item(&sparse.method, &sparse.params, Kind::Method, &field)?;
        needs.expect(Output::Scores, &sparse.method, &field)?;
        let data = match needs.data {
            false => None,
            true => Some(Sampled {
                train: self.seen(at)?,
                normalisation: self.data("normalisation")?,
                augment: self.plan.study.training.augment.clone(),
            }),
        };
        let weights = match needs.weights {
            true => Some(self.weights(sparse.of, at)?),
            false => None,
        };
        let reference = match needs.reference {
            true => Some(self.weights(Stage::Initial, at)?),
            false => None,
        };
        let key = if needs.data || needs.autodiff {
            at.keys().score_batch()
        } else {
            at.keys().selection()
        };
        let recipe = Recipe::Score {
            item,
            architecture: self.plan.study.architecture.clone(),
            rows: self.plan.study.data.train_rows,
            weights,
            reference,
            data,
            // A worker differentiates for plugins on one thread, whatever it trains on.
            platform: needs.autodiff.then(|| Platform {
                threads: 1,
                ..self.platform()
            }),
            key: (needs.draws || needs.data).then(|| key.to_hex()),
        };
        let seen = at
            .on_data()
            .map_or(String::new(), |c| format!(" on {}", c.name));
        let title = format!("score {}{seen}, seed {}", sparse.method, at.seed);
        let node = self.node(title, recipe)?;
        Ok(Input::Node(Ref {
            node,
            output: "scores",
        }))
    }

    fn counts(
        &mut self,
        id: &str,
        params: &Config,
        sparse: &Sparse,
        scores: Input,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<Input, Error> {
        let field = format!("ticket `{}`: `allocation`", at.ticket.name);
        let (item, needs) = self.item(id, params, Kind::Method, &field)?;
        needs.expect(Output::Counts, id, &field)?;
        if needs.data || needs.autodiff {
            return Err(Error(format!(
                "{field}: `{id}` asks for data or gradients, which an allocation is not given; let a method score and use `global`"
            )));
        }
        let weights = match needs.weights {
            true => Some(self.weights(sparse.of, at)?),
            false => None,
        };
        let recipe = Recipe::Allocate {
            item,
            architecture: self.plan.study.architecture.clone(),
            rows: self.plan.study.data.train_rows,
            sparsity: sparsity.clone(),
            scores: needs.scores.then_some(scores),
            weights,
            key: needs.draws.then(|| at.keys().allocation().to_hex()),
        };
        let node = self.node(format!("allocate {id} at {}", sparsity.text()), recipe)?;
        Ok(Input::Node(Ref {
            node,
            output: "counts",
        }))
    }

    fn changed_mask(&mut self, mut mask: Input, sparsity: &str, at: &At) -> Result<Input, Error> {
        let Some(check) = at.on_mask() else {
            return Ok(mask);
        };
        for (step, (id, params)) in check.steps.iter().enumerate() {
            let field = format!("check `{}`: `steps`", check.name);
            let (item, needs) = self.item(id, params, Kind::Check, &field)?;
            needs.expect(Output::Masks, id, &field)?;
            let recipe = Recipe::Check {
                item,
                on: "mask",
                architecture: self.plan.study.architecture.clone(),
                rows: self.plan.study.data.train_rows,
                input: mask,
                key: needs
                    .draws
                    .then(|| at.keys().check(&check.name, step).to_hex()),
            };
            let title = format!(
                "check {id} on {} at {sparsity}, seed {}",
                at.ticket.name, at.seed
            );
            let node = self.node(title, recipe)?;
            mask = Input::Node(Ref {
                node,
                output: "mask",
            });
        }
        Ok(mask)
    }
}
