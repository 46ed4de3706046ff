//! From a study to a graph of actions: shared prefixes appear once.
use crate::{
    Error,
    file::{NO_CHECK, Study},
    keys::Keys,
    plan::{Cell, Content, Node, Plan},
    recipe::{Libtorch, Recipe},
    sections::{Stage, Target},
    tickets::{Allocation, Check, Sparse, Ticket},
    toolbox::{Device, Plugins},
};
use jackpot_host::{Kind, Sparsity};
use std::collections::BTreeMap;

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

/// A plan while it grows; the steps are in `pipeline`.
pub(crate) struct Builder {
    pub plan: Plan,
    index: BTreeMap<String, usize>,
}

/// Where in the grid an action is asked for.
pub(crate) struct At<'a> {
    pub ticket: &'a Ticket,
    pub check: Option<&'a Check>,
    pub seed: u64,
}

impl At<'_> {
    pub(crate) fn keys(&self) -> Keys {
        Keys::of(self.seed)
    }
    pub(crate) fn on_data(&self) -> Option<&Check> {
        self.check.filter(|c| c.on == Target::Data)
    }
    pub(crate) fn on_mask(&self) -> Option<&Check> {
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
        let allocation = match &sparse.allocation {
            Allocation::Copy(name) => self.data_free(self.sparse(name))?,
            Allocation::Global(_) => true,
            Allocation::Rule { item, .. } => {
                let (_, rule) = self.plan.plugins.item(item, Kind::Method, "`allocation`")?;
                !(sparse.of == Stage::Trained && rule.needs_weights())
            }
        };
        Ok(!method.needs_data() && !trained && allocation)
    }

    pub(crate) fn sparse(&self, name: &str) -> &Sparse {
        let tickets = &self.plan.study.tickets;
        tickets
            .iter()
            .find(|t| t.name == name)
            .and_then(|t| t.sparse.as_ref())
            .expect("the study file was checked: a copied ticket exists and is sparse")
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
