//! What masks alone answer, without training: access, dependence on the batch and on the
//! initialisation, allocation, depth, collapse over widths.
//!
//! The masks are made by the study's own actions in the same store, so that what a run has
//! made is not made again, and the other way round. Beside each data-dependent ticket's mask
//! stand three others: of another clean batch with the same first weights (the anchor of "no
//! change"), of other first weights with the same batch (which must land on layer-wise chance:
//! the probe's own oracle), and of each check.
mod csv;
mod grid;
mod pinned;
mod tables;

pub use grid::{Probe, ProbePart, ProbeRequest, probe};
pub use pinned::{LayerRow, MaskComparison, MaskRow, OmittedTicket, ProbeResult};
pub use tables::{OutputFormat, ProbeTable};

use crate::{
    Error, MaskFacts, RunEvent, RunOptions, RunSummary,
    actions::{
        recipe::{OutputRef, Recipe},
        validate,
    },
    plan::{assess::Assessment, graph::Plan},
    run::queue::drive,
    toolbox::Programs,
};
use grid::Variant;
use jackpot_prune::{Mask, allocation_distance, chance_of_masks, dependence_index, kept_share};
use jackpot_store::{Digest, Store};
use std::{collections::BTreeSet, sync::atomic::AtomicBool};

/// Makes the masks of one part that are not there yet. `stop` ends it early.
pub fn make(
    part: &ProbePart,
    store: &Store,
    programs: &Programs,
    options: RunOptions,
    stop: &AtomicBool,
    observe: &(dyn Fn(RunEvent) + Sync),
) -> Result<(RunSummary, ProbeMasks), Error> {
    let end = drive(
        &part.plan,
        store,
        programs,
        options,
        stop,
        (&|| Ok(()), observe),
    )?;
    let made = ProbeMasks(end.assessment);
    Ok((end.finish, made))
}

/// Where the masks of one part are.
pub struct ProbeMasks(Assessment);

/// Measures every mask that was made, and pins the answer as `pins/NAME.probe.json`.
pub fn measure(probe: &Probe, made: &[ProbeMasks], store: &Store) -> Result<ProbeResult, Error> {
    let Some(own) = probe.parts.first() else {
        return Err(Error("the probe has no part: this is a bug".into()));
    };
    let plan = &own.plan;
    let mut probed = ProbeResult {
        format: 1,
        study: plan.study.digest,
        device_class: plan.device.class.clone(),
        libtorch: plan.libtorch.clone(),
        network: plan.study.settings[0].architecture.title(),
        width: plan.study.settings[0].architecture.width,
        masks: Vec::new(),
        comparisons: Vec::new(),
        left_out: probe.left_out.clone(),
    };
    for (part, made) in probe.parts.iter().zip(made) {
        let reader = Reader::new(part, &made.0, store);
        for asked in &part.asked {
            if let (Variant::Clean, Some((digest, mask))) = (&asked.variant, reader.mask(asked)?) {
                let layers = std::ptr::eq(part, own);
                probed.masks.push(reader.row(asked, digest, &mask, layers)?);
            }
        }
        probed.comparisons.extend(reader.comparisons()?);
    }
    probed.write(store, &plan.study.name)?;
    Ok(probed)
}

/// Reads the masks of one part.
struct Reader<'a> {
    part: &'a ProbePart,
    made: &'a Assessment,
    store: &'a Store,
}

impl<'a> Reader<'a> {
    fn new(part: &'a ProbePart, made: &'a Assessment, store: &'a Store) -> Reader<'a> {
        Reader { part, made, store }
    }

    /// None: it could not be made; the run has said why.
    fn mask(&self, asked: &ProbeRequest) -> Result<Option<(Digest, Mask)>, Error> {
        let digest = self.made.object(&asked.mask).filter(|d| self.store.has(d));
        let Some(digest) = digest else {
            return Ok(None);
        };
        let bytes = self.store.get(&digest).map_err(Error::from_store)?;
        let mask = validate::mask(&bytes, &self.part.plan.networks[0]).map_err(Error::from_host)?;
        Ok(Some((digest, mask)))
    }

    fn row(
        &self,
        asked: &ProbeRequest,
        digest: Digest,
        mask: &Mask,
        layers: bool,
    ) -> Result<MaskRow, Error> {
        let network = &self.part.plan.networks[0];
        let facts = MaskFacts::of(network, mask, digest)?;
        let null = self.null(asked, mask);
        let counts = mask.counts();
        let rows = network.layers.iter().zip(&counts).enumerate();
        Ok(MaskRow {
            width: self.part.plan.study.settings[0].architecture.width,
            ticket: asked.ticket.clone(),
            sparsity: asked.sparsity.clone(),
            seed: asked.seed.to_string(),
            projections: kept_share(network, &counts, |l| l.shortcut),
            classifier: kept_share(network, &counts, |l| l.classifier),
            access: self.access(asked.mask)?,
            layers: if layers {
                rows.map(|(at, (layer, kept))| LayerRow {
                    name: layer.name.clone(),
                    weights: layer.len() as u64,
                    kept: *kept,
                    null: null.as_ref().map(|n| n[at]),
                })
                .collect()
            } else {
                Vec::new()
            },
            ..MaskRow::of(facts)
        })
    }

    /// What the initial scale alone explains, of a ticket by magnitude of the first weights.
    fn null(&self, asked: &ProbeRequest, mask: &Mask) -> Option<Vec<f64>> {
        let scope = asked.magnitude?;
        let whole = |l: &jackpot_net::Layer| {
            scope == jackpot_prune::PruningScope::Convolutions && l.classifier
        };
        jackpot_prune::magnitude_null(&self.part.plan.networks[0], mask.kept(), whole)
    }

    /// The services that the ticket's plugins used, from their certificates.
    fn access(&self, mask: OutputRef) -> Result<Vec<String>, Error> {
        let mut services = BTreeSet::new();
        for node in self.part.plan.ancestors(mask.node) {
            let outputs = self.made.outputs[node].as_ref();
            let certificate = outputs.and_then(|o| o.get("certificate"));
            let Some(digest) = certificate.filter(|d| self.store.has(d)) else {
                continue;
            };
            let bytes = self.store.get(digest).map_err(Error::from_store)?;
            let value: serde_json::Value = serde_json::from_slice(&bytes)
                .map_err(|e| Error(format!("certificate {digest}: {e}")))?;
            let used = value["services"].as_array().into_iter().flatten();
            services.extend(used.filter_map(|s| s.as_str()).map(str::to_owned));
        }
        Ok(services.into_iter().collect())
    }

    /// Each cell's other masks against its own, which comes before them.
    fn comparisons(&self) -> Result<Vec<MaskComparison>, Error> {
        let mut out = Vec::new();
        let mut own: Option<Mask> = None;
        let mut clean: Option<f64> = None;
        for asked in &self.part.asked {
            let mask = self.mask(asked)?;
            if asked.variant == Variant::Clean {
                own = mask.map(|(_, mask)| mask);
                clean = None;
                continue;
            }
            let (Some(own), Some((digest, mask))) = (&own, mask) else {
                continue;
            };
            let kept = own.kept() as f64;
            let both = own.overlap(&mask).map_err(|e| Error(e.to_string()))?;
            let overlap = both.iter().sum::<u64>() as f64 / kept;
            let chance = chance_of_masks(own, &mask);
            let index = clean.and_then(|clean| dependence_index(clean, overlap, &chance, kept));
            if asked.variant == Variant::Batch {
                clean = Some(overlap);
            }
            out.push(MaskComparison {
                ticket: asked.ticket.clone(),
                sparsity: asked.sparsity.clone(),
                seed: asked.seed.to_string(),
                with: asked.variant.name().to_owned(),
                mask: digest,
                overlap,
                chance: chance.mean / kept,
                low: (chance.mean - chance.width()) / kept,
                high: (chance.mean + chance.width()) / kept,
                index,
                allocation: allocation_distance(&own.counts(), &mask.counts()),
            });
        }
        Ok(out)
    }
}

/// Whether some action before a mask is of this kind.
pub(super) fn depends_on(plan: &Plan, node: usize, is: impl Fn(&Recipe) -> bool) -> bool {
    plan.ancestors(node)
        .iter()
        .any(|&n| is(&plan.nodes[n].recipe))
}
