//! Which masks a probe asks for.
use super::{OmittedTicket, depends_on};
use crate::{
    Allocation, Error,
    actions::recipe::{ActionInput, OutputRef, Recipe},
    plan::{
        graph::Plan,
        grid::{At, Builder},
    },
    spec::{
        file::Study,
        setting::fit,
        ticket::{
            stage::WeightsSource,
            tickets::{SparseTicket, Ticket},
        },
    },
    toolbox::{Libtorch, Plugins},
};
use jackpot_prune::{PruningScope, Sparsity};

/// Added to a seed for the key of another batch or of other first weights.
const OTHER: u64 = 0x6f_74_68_65_72;

/// Everything that a probe of a study asks for.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The study's own width first, then the other widths of the collapse map.
    pub parts: Vec<ProbePart>,
    /// Tickets that masks alone say nothing about.
    pub left_out: Vec<OmittedTicket>,
}

/// The masks of one width of the network.
#[derive(Clone, Debug)]
pub struct ProbePart {
    /// Ends in masks: it trains nothing.
    pub plan: Plan,
    /// In the study's order: each cell's own mask, then those that it is compared with.
    pub asked: Vec<ProbeRequest>,
}

/// One mask.
#[derive(Clone, Debug)]
pub struct ProbeRequest {
    /// Name of the ticket.
    pub ticket: String,
    /// Decimal text.
    pub sparsity: String,
    /// Of the study.
    pub seed: u64,
    /// Where it comes from.
    pub mask: OutputRef,
    pub(super) variant: Variant,
    /// The scope of a global selection by the magnitude of the first weights.
    pub(super) magnitude: Option<PruningScope>,
}

/// What a mask is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// As the study says.
    Clean,
    /// Another batch of the clean data, the same first weights.
    Batch,
    /// Other first weights, the same batch.
    Init,
    /// Under a check of the study.
    Check(String),
}

impl ProbeRequest {
    /// `itself`, `another batch`, `another initialisation`, or the name of a check.
    pub fn made_from(&self) -> &str {
        self.variant.name()
    }
}

impl Variant {
    pub(super) fn name(&self) -> &str {
        match self {
            Variant::Clean => "itself",
            Variant::Batch => "another batch",
            Variant::Init => "another initialisation",
            Variant::Check(name) => name,
        }
    }
}

/// Plans a probe. `sparsities` stand in for the study's own where there are any.
pub fn probe(
    mut study: Study,
    plugins: &Plugins,
    libtorch: &Libtorch,
    sparsities: &[String],
) -> Result<Probe, Error> {
    if !sparsities.is_empty() {
        study.sparsities = given(sparsities)?;
    }
    if let [_, _, ..] = study.settings.as_slice() {
        return Err(Error(format!(
            "`setting`: a probe is of one network, found {} settings; write a study of its own for the one to probe",
            study.settings.len()
        )));
    }
    let own = study.settings[0].architecture.width;
    let others = study.probe_widths.iter().copied().filter(|w| *w != own);
    let widths: Vec<u32> = std::iter::once(own).chain(others).collect();
    let mut probe = Probe {
        parts: Vec::new(),
        left_out: Vec::new(),
    };
    for width in widths {
        let mut narrower = study.clone();
        narrower.settings[0].architecture.width = width;
        let within = |e: Error| {
            if width == own {
                e
            } else {
                Error(format!("`probe.widths`: {width}: {e}"))
            }
        };
        let builder = Builder::new(narrower, plugins.clone(), libtorch.clone()).map_err(within)?;
        let weights = builder.plan.networks[0].prunable_weights();
        fit(&builder.plan.study.sparsities, weights).map_err(within)?;
        let (part, left_out) = masks(builder, width == own)?;
        if width == own {
            probe.left_out = left_out;
        }
        probe.parts.push(part);
    }
    Ok(probe)
}

fn given(texts: &[String]) -> Result<Vec<Sparsity>, Error> {
    let one = |text: &String| {
        Sparsity::try_from(text.clone()).map_err(|e| Error(format!("`--sparsity`: {e}")))
    };
    texts.iter().map(one).collect()
}

/// The masks of one width; `compared`: with those that they are compared with.
fn masks(mut builder: Builder, compared: bool) -> Result<(ProbePart, Vec<OmittedTicket>), Error> {
    let study = builder.plan.study.clone();
    let mut asked = Vec::new();
    let mut left_out = Vec::new();
    for ticket in study.tickets() {
        let Some(sparse) = &ticket.sparse else {
            continue;
        };
        let mut trial = Trial {
            builder: builder.clone(),
            asked: Vec::new(),
        };
        match trial.ticket(&study, ticket, sparse, compared)? {
            None => {
                builder = trial.builder;
                asked.extend(trial.asked);
            }
            Some(why) => left_out.push(OmittedTicket {
                ticket: ticket.name.clone(),
                why,
            }),
        }
    }
    let mut plan = builder.plan;
    for one in &asked {
        plan.wanted.push(one.mask);
        for node in plan.ancestors(one.mask.node) {
            let recipe = &plan.nodes[node].recipe;
            if recipe.as_score().is_some() || recipe.as_allocate().is_some() {
                let output = "certificate";
                plan.wanted.push(OutputRef { node, output });
            }
        }
    }
    Ok((ProbePart { plan, asked }, left_out))
}

/// One ticket's masks on a copy of the plan, which is dropped if they need a training.
struct Trial {
    builder: Builder,
    asked: Vec<ProbeRequest>,
}

impl Trial {
    /// Asks for the ticket's masks, or says why it is left out.
    fn ticket(
        &mut self,
        study: &Study,
        ticket: &Ticket,
        sparse: &SparseTicket,
        compared: bool,
    ) -> Result<Option<String>, Error> {
        for sparsity in &study.sparsities {
            for &seed in &study.seeds {
                let own = At {
                    ticket,
                    check: None,
                    seed,
                    held: &study.held,
                    is_donor: false,
                };
                let Some(mask) = self.ask(sparse, sparsity, &own, Variant::Clean)? else {
                    return Ok(Some("its weights are an object of the store".to_owned()));
                };
                let plan = &self.builder.plan;
                if depends_on(plan, mask.node, |r| r.as_train().is_some()) {
                    return Ok(Some("its mask needs trained weights".to_owned()));
                }
                let reads_data = |r: &Recipe| r.as_score().is_some_and(|s| s.data.is_some());
                if compared && depends_on(plan, mask.node, reads_data) {
                    self.others(study, sparse, sparsity, &own, mask)?;
                }
            }
        }
        Ok(None)
    }

    /// The masks that a data-dependent ticket's own is compared with.
    fn others(
        &mut self,
        study: &Study,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        own: &At,
        mask: OutputRef,
    ) -> Result<(), Error> {
        let other = own.seed.wrapping_add(OTHER);
        for (variant, key) in [(Variant::Batch, "score-batch"), (Variant::Init, "init")] {
            let held = study.held.with(key, other);
            let at = At {
                held: &held,
                ..*own
            };
            self.ask(sparse, sparsity, &at, variant)?;
        }
        for check in study
            .checks
            .iter()
            .filter(|c| c.applies_to(&own.ticket.name))
        {
            if (self.builder.known_beforehand(own.ticket, Some(check))?).is_some() {
                continue;
            }
            let at = At {
                check: Some(check),
                ..*own
            };
            let variant = Variant::Check(check.name.clone());
            // A check that acts after the mask leaves it alone.
            if self.ask(sparse, sparsity, &at, variant)? == Some(mask) {
                self.asked.pop();
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
        variant: Variant,
    ) -> Result<Option<OutputRef>, Error> {
        let ActionInput::Node(mask) = self.builder.masked(sparse, sparsity, at)? else {
            return Ok(None);
        };
        self.asked.push(ProbeRequest {
            ticket: at.ticket.name.clone(),
            sparsity: sparsity.text().to_owned(),
            seed: at.seed,
            mask,
            magnitude: magnitude(sparse).filter(|_| variant == Variant::Clean),
            variant,
        });
        Ok(Some(mask))
    }
}

/// The scope, where a ticket keeps the largest first weights over several layers.
fn magnitude(sparse: &SparseTicket) -> Option<PruningScope> {
    let name = sparse.method.rsplit('.').next();
    let drawn = matches!(sparse.of, WeightsSource::Initial | WeightsSource::Redrawn);
    match &sparse.allocation {
        Allocation::Global(scope)
            if name == Some("magnitude") && drawn && sparse.reserve.is_nothing() =>
        {
            Some(*scope)
        }
        _ => None,
    }
}
