//! The steps from data to a trained ticket, each asked for as often as cells need it.
//!
//! A cell's training is made from its end: what it trains asks for weights and a mask, the
//! mask for scores and counts, those for data; each is one action however many cells ask.
mod before;
mod checked;
mod identical;
mod masks;
mod rounds;
mod rows;
mod scores;
mod weights;

use crate::{
    Error,
    actions::recipe::{ActionInput, Platform},
    plan::{
        graph::CellContent,
        grid::{At, Builder},
    },
    spec::{file::BEFORE_AFTER, ticket::tickets::SparseTicket},
};
use jackpot_net::Engine;
use jackpot_prune::Sparsity;

pub(crate) use weights::TrainRequest;

impl Builder {
    /// Where libtorch computes, and in what.
    fn platform<P>(&self, precision: P) -> Platform<P> {
        Platform {
            libtorch: self.plan.libtorch.clone(),
            device_class: self.plan.device.class.clone(),
            threads: self.plan.study.run.threads,
            precision,
            engine: Engine::Libtorch,
        }
    }

    /// The mask that a cell's training is given.
    pub(crate) fn masked(
        &mut self,
        sparse: &SparseTicket,
        sparsity: &Sparsity,
        at: &At,
    ) -> Result<ActionInput, Error> {
        let mask = self.mask(sparse, sparsity, at)?;
        self.changed_mask(mask, sparsity, at)
    }

    /// A cell's training and the mask that it is given.
    pub(crate) fn run(
        &mut self,
        at: &At,
        sparsity: Option<&Sparsity>,
    ) -> Result<CellContent, Error> {
        let clean = self.data("train")?;
        let (mask, start, training, compute) = match (&at.ticket.sparse, sparsity) {
            (Some(sparse), Some(sparsity)) => {
                let mask = self.masked(sparse, sparsity, at)?;
                let start = self.start(sparse, sparsity, at)?;
                (Some(mask), start, sparse.training.clone(), sparse.compute)
            }
            _ => {
                let start = at.check.and_then(|c| c.start);
                let start = self.weights(start.unwrap_or_default(), at)?;
                let setting = self.setting();
                let dense = setting.compute.dense();
                (None, start, setting.training.clone(), dense)
            }
        };
        let weights = self.changed_weights(start, mask, at)?;
        let before = match mask {
            Some(mask) if self.plan.study.asks(BEFORE_AFTER) => {
                self.before(weights, mask, sparsity, at)?
            }
            _ => None,
        };
        let title = match sparsity {
            None if at.check.is_none() => {
                format!("train dense on the clean data, seed {}", at.seed)
            }
            _ => format!("train {}", at.cell_in_words(sparsity)),
        };
        let trained = TrainRequest {
            title,
            weights,
            mask,
            rows: clean,
            known: self.clean_rows(),
            training,
            compute,
            redraw: at.check.map_or(&[], |c| &c.redraw),
        };
        let train = self.training(trained, at)?;
        let mask = match mask {
            Some(ActionInput::Node(r)) => Some(r),
            _ => None,
        };
        Ok(CellContent::Run {
            train,
            mask,
            before,
        })
    }
}
