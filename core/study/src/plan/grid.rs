//! From a study to a graph of actions: shared prefixes appear once.
use crate::{
    Error,
    actions::{
        estimate::Estimate,
        recipe::{ActionInput, OutputRef, Recipe},
    },
    plan::graph::{ActionNode, GridCell, Plan},
    spec::{
        checks::{Check, DataStage},
        file::Study,
        keys::{FixedSeeds, Keys},
        names::NO_CHECK,
        setting::Setting,
        ticket::tickets::{SparseTicket, Ticket},
    },
    toolbox::{Device, Libtorch, Plugins},
};
use jackpot_data::Source;
use jackpot_prune::Sparsity;
use std::collections::BTreeMap;

/// Makes the plan. Hashes the data set's files; starts nothing.
pub fn plan(study: Study, plugins: Plugins, libtorch: Libtorch) -> Result<Plan, Error> {
    let mut builder = Builder::new(study, plugins, libtorch)?;
    builder.grid()?;
    match lacking(&builder.plan) {
        None => Ok(builder.plan),
        Some(sentence) => Err(Error(sentence)),
    }
}

/// Which kernels this machine's CPU lacks for the trainings of a plan, and what to use instead.
fn lacking(plan: &Plan) -> Option<String> {
    plan.nodes.iter().find_map(|node| {
        let lacking = node.recipe.as_train()?.check_kernels().err()?;
        Some(format!("{}: {lacking}", node.title))
    })
}

/// As [`plan()`], where the images and the CPU's kernels need not be at hand: what reads a set
/// that is not here counts as not run. The sentences say what is missing; with any, the plan is
/// for reading only.
pub fn plan_for_reading(
    study: Study,
    plugins: Plugins,
    libtorch: Libtorch,
) -> Result<(Plan, Vec<String>), Error> {
    let mut missing: Vec<String> = Vec::new();
    for sentence in study.settings.iter().filter_map(|s| s.data.missing()) {
        if !missing.contains(&sentence) {
            missing.push(sentence);
        }
    }
    let open = |setting: &Setting| match setting.data.missing() {
        Some(_) => setting.data.absent(),
        None => opened(setting),
    };
    let mut builder = Builder::with(study, plugins, libtorch, open)?;
    builder.grid()?;
    missing.extend(lacking(&builder.plan));
    Ok((builder.plan, missing))
}

fn opened(setting: &Setting) -> Result<Source, Error> {
    setting.data.open(setting.architecture.classes)
}

/// A plan while it grows; the steps are in `pipeline`.
#[derive(Clone)]
pub(crate) struct Builder {
    pub plan: Plan,
    /// Index of the setting that is being planned.
    pub setting: usize,
    /// Of each setting, the training rows of each class, where they are known.
    pub by_class: Vec<Option<Vec<u64>>>,
    index: BTreeMap<String, usize>,
}

impl Builder {
    /// A plan without actions yet, at the first setting. Hashes the data sets' files.
    pub(crate) fn new(
        study: Study,
        plugins: Plugins,
        libtorch: Libtorch,
    ) -> Result<Builder, Error> {
        Builder::with(study, plugins, libtorch, opened)
    }

    fn with(
        study: Study,
        plugins: Plugins,
        libtorch: Libtorch,
        open: impl Fn(&Setting) -> Result<Source, Error>,
    ) -> Result<Builder, Error> {
        let mut networks = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut by_class = Vec::new();
        for (at, setting) in study.settings.iter().enumerate() {
            let named = |e: Error| match &setting.name {
                None => e,
                Some(name) => Error(format!("setting `{name}`: {}", e.0)),
            };
            let network = setting.architecture.build();
            networks.push(network.map_err(|e| named(Error(format!("`network`: {e}"))))?);
            let files = |s: &Setting| {
                let data = &s.data;
                (
                    data.set.clone(),
                    data.folder.clone(),
                    data.partial,
                    data.order,
                )
            };
            let before = &study.settings[..at];
            let source = match before.iter().position(|s| files(s) == files(setting)) {
                Some(same) => sources[same].clone(),
                None => open(setting).map_err(named)?,
            };
            // In a trial, whatever images are here.
            let rows = if study.is_trial {
                None
            } else {
                let rows = jackpot_data::class_rows(&source, &setting.data.preparation);
                rows.map_err(|e| named(Error(format!("`data`: {e}"))))?
            };
            by_class.push(rows);
            sources.push(source);
        }
        let device = Device::of(&study.run)?;
        Ok(Builder {
            plan: Plan {
                study,
                networks,
                sources,
                device,
                libtorch,
                plugins,
                nodes: Vec::new(),
                cells: Vec::new(),
                wanted: Vec::new(),
                shared: 0,
                foreseen: BTreeMap::new(),
            },
            setting: 0,
            by_class,
            index: BTreeMap::new(),
        })
    }

    /// The setting that is being planned.
    pub(crate) fn setting(&self) -> &Setting {
        &self.plan.study.settings[self.setting]
    }
}

/// Where in the grid an action is asked for.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub ticket: &'a Ticket,
    pub check: Option<&'a Check>,
    pub seed: u64,
    pub held: &'a FixedSeeds,
    /// The mask is another ticket's, whose counts this one copies: checks of this ticket's own
    /// scores leave it alone.
    pub is_donor: bool,
}

impl At<'_> {
    pub(crate) fn keys(&self) -> Keys<'_> {
        self.held.keys(self.seed)
    }

    /// "snip, rearrange at 0.9, seed 1", for titles.
    pub(crate) fn cell_in_words(&self, sparsity: Option<&Sparsity>) -> String {
        let check = self
            .check
            .map_or(String::new(), |c| format!(", {}", c.name));
        let place = sparsity.map_or(String::new(), |s| format!(" at {}", s.text()));
        format!("{}{check}{place}, seed {}", self.ticket.name, self.seed)
    }

    /// " for snip-10" where the ticket is not called by its method: several tickets may take one
    /// with other parameters.
    pub(crate) fn of_ticket(&self, method: &str) -> String {
        let name = &self.ticket.name;
        if name == method {
            String::new()
        } else {
            format!(" for {name}")
        }
    }

    /// What a message about the check's steps starts with.
    pub(crate) fn check_field(&self) -> String {
        match self.check {
            Some(check) => format!("check `{}`: `steps`", check.name),
            None => "`check`".to_owned(),
        }
    }

    /// "the clean data", or the check that changes what the stage sees.
    pub(crate) fn seen_in_words(&self, stage: DataStage) -> &str {
        match self.check {
            Some(check) if check.changes(stage) => &check.name,
            _ => "the clean data",
        }
    }

    /// " on CHECK" where some stage before the ticket's own training sees other data.
    pub(crate) fn on_changed_data(&self) -> String {
        let changes =
            |c: &&Check| c.changes(DataStage::Scoring) || c.changes(DataStage::Pretraining);
        self.check
            .filter(changes)
            .map_or(String::new(), |c| format!(" on {}", c.name))
    }
}

impl Builder {
    fn grid(&mut self) -> Result<(), Error> {
        let study = self.plan.study.clone();
        for (at, setting) in study.settings.iter().enumerate() {
            self.setting = at;
            self.grid_of(&study, setting)?;
        }
        Ok(())
    }

    fn grid_of(&mut self, study: &Study, setting: &Setting) -> Result<(), Error> {
        let checks = || std::iter::once(None).chain(study.checks.iter().map(Some));
        for ticket in &setting.tickets {
            for check in checks().filter(|c| c.is_none_or(|c| c.applies_to(&ticket.name))) {
                let known = self.known_beforehand(ticket, check)?;
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
                            held: &study.held,
                            is_donor: false,
                        };
                        let content = match &known {
                            Some(known) => known.clone(),
                            None => self.run(&at, sparsity)?,
                        };
                        self.plan.cells.push(GridCell {
                            setting: self.setting,
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

    pub(crate) fn sparse(&self, name: &str) -> &SparseTicket {
        let tickets = &self.setting().tickets;
        tickets
            .iter()
            .find(|t| t.name == name)
            .and_then(|t| t.sparse.as_ref())
            .expect("the study file was checked: a copied ticket exists and is sparse")
    }

    /// An output of the node of this recipe.
    pub(crate) fn output(
        &mut self,
        title: String,
        recipe: impl Into<Recipe>,
        output: &'static str,
    ) -> Result<ActionInput, Error> {
        let node = self.node(title, recipe)?;
        Ok(ActionInput::Node(OutputRef { node, output }))
    }

    /// The node of this recipe: the one that is there already, or a new one.
    pub(crate) fn node(
        &mut self,
        title: String,
        recipe: impl Into<Recipe>,
    ) -> Result<usize, Error> {
        let recipe = recipe.into();
        let spelling = serde_json::to_string(&recipe)
            .map_err(|e| Error(format!("recipe of kind `{}`: {e}", recipe.kind())))?;
        if let Some(&node) = self.index.get(&spelling) {
            self.plan.shared += 1;
            return Ok(node);
        }
        let Estimate { seconds, bytes } =
            recipe.estimate(&self.plan.estimate_context(self.setting));
        let title = title + &self.setting().of();
        self.plan.nodes.push(ActionNode {
            title,
            recipe,
            setting: self.setting,
            seconds,
            bytes,
        });
        let node = self.plan.nodes.len() - 1;
        self.index.insert(spelling, node);
        Ok(node)
    }
}
