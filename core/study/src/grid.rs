//! From a study to a graph of actions: shared prefixes appear once.
use crate::{
    Error,
    file::{NO_CHECK, Study},
    keys::Keys,
    plan::{Cell, Content, Node, Plan},
    recipe::{By, File, Input, Item, Libtorch, Platform, Recipe, Ref, Sampled},
    sections::{Selection, Stage, Target},
    tickets::{Allocation, Check, Sparse, Ticket},
    toolbox::{Device, Plugins},
};
use jackpot_host::{Kind, Output, Rule, Sparsity};
use jackpot_store::Digest;
use std::collections::BTreeMap;

/// Multiply-adds a second of one core in training, forward and backward; measured on
/// ResNet-8 w16 at 14×14, rounded down. Only estimates read it.
const MULTIPLY_ADDS_A_SECOND: f64 = 3e10;

// Bits of `needs` as `jackpot.h` freezes them; this crate does not depend on the ABI.
const NEEDS_SCORES: u32 = 1 << 6;
const NEEDS_DONOR: u32 = 1 << 7;
const NEEDS_REF: u32 = 1 << 8;

/// Makes the plan. Hashes the data set's files; starts nothing.
pub fn plan(study: Study, plugins: Plugins, libtorch: Libtorch) -> Result<Plan, Error> {
    let network = study
        .architecture
        .build()
        .map_err(|e| Error(format!("`network`: {e}")))?;
    let source = jackpot_data::open(&study.data.set, study.data.folder.as_deref())
        .map_err(|e| Error(format!("`data`: {e}")))?;
    let device = Device::of(&study.run)?;
    device.can_differentiate(&study.architecture)?;
    let mut builder = Builder {
        plan: Plan {
            study,
            network,
            source,
            device,
            libtorch,
            plugins,
            nodes: Vec::new(),
            cells: Vec::new(),
            shared: 0,
        },
        index: BTreeMap::new(),
    };
    builder.grid()?;
    Ok(builder.plan)
}

struct Builder {
    plan: Plan,
    index: BTreeMap<String, usize>,
}

/// Where in the grid an action is asked for.
struct At<'a> {
    ticket: &'a Ticket,
    check: Option<&'a Check>,
    seed: u64,
}

impl At<'_> {
    fn keys(&self) -> Keys {
        Keys::of(self.seed)
    }
    fn on_data(&self) -> Option<&Check> {
        self.check.filter(|c| c.on == Target::Data)
    }
    fn on_mask(&self) -> Option<&Check> {
        self.check.filter(|c| c.on == Target::Mask)
    }
}

impl Builder {
    fn grid(&mut self) -> Result<(), Error> {
        let study = self.plan.study.clone();
        let checks = || std::iter::once(None).chain(study.checks.iter().map(Some));
        for ticket in &study.tickets {
            for check in checks().filter(|c| c.is_none_or(|c| c.applies_to(&ticket.name))) {
                let identical = self.identical(ticket, check)?;
                let sparsities: Vec<Option<&Sparsity>> = match ticket.sparse {
                    Some(_) => study.sparsities.iter().map(Some).collect(),
                    None => vec![None],
                };
                for sparsity in sparsities {
                    for &seed in &study.seeds {
                        let at = At {
                            ticket,
                            check,
                            seed,
                        };
                        let content = match &identical {
                            Some(because) => Content::Identical {
                                because: because.clone(),
                            },
                            None => self.run(&at, sparsity)?,
                        };
                        self.plan.cells.push(Cell {
                            ticket: ticket.name.clone(),
                            check: check.map_or(NO_CHECK.to_owned(), |c| c.name.clone()),
                            sparsity: sparsity.map_or("0".to_owned(), |s| s.text().to_owned()),
                            seed,
                            content,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Why a check cannot change a ticket, if it cannot.
    fn identical(&self, ticket: &Ticket, check: Option<&Check>) -> Result<Option<String>, Error> {
        let Some(check) = check else { return Ok(None) };
        let because = match (check.on, &ticket.sparse) {
            (Target::Mask, None) => "the dense network has no mask that could be changed",
            (Target::Data, None) => "the dense network is trained on the clean data only",
            (Target::Mask, Some(_)) => return Ok(None),
            (Target::Data, Some(sparse)) => {
                if !self.data_free(sparse)? {
                    return Ok(None);
                }
                "the ticket is made without data"
            }
        };
        Ok(Some(because.to_owned()))
    }

    fn data_free(&self, sparse: &Sparse) -> Result<bool, Error> {
        let (_, method) = self
            .plan
            .plugins
            .item(&sparse.method, Kind::Method, "`scores`")?;
        let trained = (sparse.of == Stage::Trained && method.needs_weights())
            || sparse.start == Stage::Trained;
        let donor = match &sparse.allocation {
            Allocation::Copy(name) => self.data_free(self.sparse(name))?,
            Allocation::Global(_) | Allocation::Rule { .. } => true,
        };
        Ok(!method.needs_data() && !trained && donor)
    }

    fn sparse(&self, name: &str) -> &Sparse {
        let tickets = &self.plan.study.tickets;
        tickets
            .iter()
            .find(|t| t.name == name)
            .and_then(|t| t.sparse.as_ref())
            .expect("the study file was checked: a copied ticket exists and is sparse")
    }

    /// The node of this recipe: the one that is there already, or a new one.
    fn node(&mut self, title: String, recipe: Recipe) -> Result<usize, Error> {
        let spelling = serde_json::to_string(&recipe)
            .map_err(|e| Error(format!("recipe of kind `{}`: {e}", recipe.kind())))?;
        if let Some(&node) = self.index.get(&spelling) {
            self.plan.shared += 1;
            return Ok(node);
        }
        let (seconds, bytes) = self.estimate(&recipe);
        self.plan.nodes.push(Node {
            title,
            recipe,
            seconds,
            bytes,
        });
        let node = self.plan.nodes.len() - 1;
        self.index.insert(spelling, node);
        Ok(node)
    }

    fn estimate(&self, recipe: &Recipe) -> (f64, u64) {
        let study = &self.plan.study;
        let n = self.plan.network.prunable_weights();
        let [c, h, w] = study.architecture.input;
        let image = u64::from(c) * u64::from(h) * u64::from(w);
        match recipe {
            Recipe::Data { .. } => {
                let rows = u64::from(study.data.train_rows) + u64::from(study.data.test_rows);
                (0.3, rows * (image + 8))
            }
            Recipe::Init { .. } => (0.1, 4 * n),
            Recipe::Score { platform, .. } => (if platform.is_some() { 1.5 } else { 0.1 }, 8 * n),
            Recipe::Allocate { .. } => (0.1, 4_096),
            Recipe::Select { .. } => (0.05, n / 8 + 4_096),
            Recipe::Check { on: "data", .. } => {
                (0.2, u64::from(study.data.train_rows) * (image + 8))
            }
            Recipe::Check { .. } => (0.1, n / 8 + 4_096),
            Recipe::Train { .. } => {
                let images =
                    3.0 * f64::from(study.data.train_rows) + f64::from(study.data.test_rows);
                let work = images * f64::from(study.training.epochs);
                let seconds =
                    work * self.plan.network.multiply_adds() as f64 / MULTIPLY_ADDS_A_SECOND;
                (1.0 + seconds, 16_384)
            }
        }
    }

    fn platform(&self) -> Platform {
        Platform {
            libtorch: self.plan.libtorch.clone(),
            device_class: self.plan.device.class.clone(),
            threads: self.plan.study.run.threads,
            precision: "f32",
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
                    "{field}: expected a check that changes images or labels (`on = \"data\"`), found `{id}`, which gives {:?}",
                    needs.output
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
            platform: self.platform(),
        };
        self.node(title, recipe)
    }

    fn run(&mut self, at: &At, sparsity: Option<&Sparsity>) -> Result<Content, Error> {
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
            platform: needs.autodiff.then(|| self.platform()),
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
        params: &crate::recipe::Config,
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

    /// An item with its parameters complete, and what it asks for.
    fn item(
        &self,
        id: &str,
        params: &crate::recipe::Config,
        kind: Kind,
        field: &str,
    ) -> Result<(Item, Needs), Error> {
        let (plugin, item) = self.plan.plugins.item(id, kind, field)?;
        let config = item
            .configure(params)
            .map_err(|e| Error(format!("{field}: {e}")))?;
        let needs = Needs::of(item);
        if item.needs & NEEDS_DONOR != 0 {
            return Err(Error(format!(
                "{field}: `{id}` asks for another ticket's mask, which a study does not give yet; use `allocation = {{ copy = \"…\" }}`"
            )));
        }
        if item.rounds_hint > 1 {
            return Err(Error(format!(
                "{field}: `{id}` works in {} rounds; a study calls a method once so far",
                item.rounds_hint
            )));
        }
        let plugin = plugin.sha256.parse().map_err(Error::from_store)?;
        let item = Item {
            plugin,
            item: item.id.clone(),
            version: item.version.clone(),
            config,
        };
        Ok((item, needs))
    }
}

/// What an item asks for.
struct Needs {
    output: Output,
    data: bool,
    autodiff: bool,
    weights: bool,
    reference: bool,
    scores: bool,
    draws: bool,
}

impl Needs {
    fn of(item: &jackpot_host::Item) -> Needs {
        let has = |bit: u32| item.needs & bit != 0;
        Needs {
            output: item.output,
            data: item.needs_data(),
            autodiff: item.needs_autodiff(),
            weights: item.needs_weights(),
            reference: has(NEEDS_REF),
            scores: has(NEEDS_SCORES),
            draws: item.needs_rng(),
        }
    }

    fn expect(&self, output: Output, id: &str, field: &str) -> Result<(), Error> {
        if self.output == output {
            return Ok(());
        }
        Err(Error(format!(
            "{field}: expected an item that gives {output:?}, found `{id}`, which gives {:?}",
            self.output
        )))
    }
}

/// The selection rule of a method's released code.
pub fn published_rule(method: &str) -> Result<Rule, Error> {
    match method.rsplit('.').next().unwrap_or(method) {
        "snip" => Ok(Rule::PublishedSnip),
        "grasp" => Ok(Rule::PublishedGrasp),
        _ => Err(Error(format!(
            "`selection`: no published rule is known for `{method}`, only for `snip` and `grasp`; write `selection = \"exact\"`"
        ))),
    }
}
