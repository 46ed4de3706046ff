//! From a study to a graph of actions: shared prefixes appear once.
use crate::{
    Error,
    checks::{Check, Sees},
    file::{NO_CHECK, Study},
    keys::{Held, Keys},
    plan::{Cell, Content, Node, Plan},
    recipe::{Input, Libtorch, Recipe, Ref},
    tickets::{Sparse, Ticket},
    toolbox::{Device, Plugins},
};
use jackpot_host::Sparsity;
use std::collections::BTreeMap;

/// Makes the plan. Hashes the data set's files; starts nothing.
pub fn plan(study: Study, plugins: Plugins, libtorch: Libtorch) -> Result<Plan, Error> {
    let mut builder = Builder::new(study, plugins, libtorch)?;
    builder.grid()?;
    Ok(builder.plan)
}

/// A plan while it grows; the steps are in `pipeline`.
#[derive(Clone)]
pub(crate) struct Builder {
    pub plan: Plan,
    index: BTreeMap<String, usize>,
}

impl Builder {
    /// A plan without actions yet. Hashes the data set's files.
    pub(crate) fn new(
        study: Study,
        plugins: Plugins,
        libtorch: Libtorch,
    ) -> Result<Builder, Error> {
        let network = study
            .architecture
            .build()
            .map_err(|e| Error(format!("`network`: {e}")))?;
        let source = study.data.open(study.architecture.classes)?;
        let device = Device::of(&study.run)?;
        Ok(Builder {
            plan: Plan {
                study,
                network,
                source,
                device,
                libtorch,
                plugins,
                nodes: Vec::new(),
                cells: Vec::new(),
                wanted: Vec::new(),
                shared: 0,
            },
            index: BTreeMap::new(),
        })
    }
}

/// Where in the grid an action is asked for.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub ticket: &'a Ticket,
    pub check: Option<&'a Check>,
    pub seed: u64,
    pub held: &'a Held,
    /// The mask is another ticket's, whose counts this one copies: checks of this ticket's own
    /// scores leave it alone.
    pub is_donor: bool,
}

impl At<'_> {
    pub(crate) fn keys(&self) -> Keys<'_> {
        self.held.keys(self.seed)
    }

    /// What a message about the check's steps starts with.
    pub(crate) fn check_field(&self) -> String {
        match self.check {
            Some(check) => format!("check `{}`: `steps`", check.name),
            None => "`check`".to_owned(),
        }
    }

    /// "the clean data", or the check that changes what the stage sees.
    pub(crate) fn seen_in_words(&self, stage: Sees) -> &str {
        match self.check {
            Some(check) if check.changes(stage) => &check.name,
            _ => "the clean data",
        }
    }

    /// " on CHECK" where some stage before the ticket's own training sees other data.
    pub(crate) fn on_changed_data(&self) -> String {
        let changes = |c: &&Check| c.changes(Sees::Scoring) || c.changes(Sees::Pretraining);
        self.check
            .filter(changes)
            .map_or(String::new(), |c| format!(" on {}", c.name))
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
                            held: &study.held,
                            is_donor: false,
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

    pub(crate) fn sparse(&self, name: &str) -> &Sparse {
        let tickets = &self.plan.study.tickets;
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
        recipe: Recipe,
        output: &'static str,
    ) -> Result<Input, Error> {
        let node = self.node(title, recipe)?;
        Ok(Input::Node(Ref { node, output }))
    }

    /// The node of this recipe: the one that is there already, or a new one.
    pub(crate) fn node(&mut self, title: String, recipe: Recipe) -> Result<usize, Error> {
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
}
