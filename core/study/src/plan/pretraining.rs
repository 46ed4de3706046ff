//! The dense training that a cell's mask or weights come from.
use crate::plan::graph::{CellContent, GridCell, Plan};

impl Plan {
    /// The longest dense training that the cell needs beside its own, if it needs one.
    pub(crate) fn pretraining(&self, cell: &GridCell) -> Option<usize> {
        let CellContent::Run { train, .. } = cell.content else {
            return None;
        };
        let dense = self.ancestors(train).into_iter().filter_map(|node| {
            let recipe = self.nodes[node].recipe.as_train();
            let dense = recipe.filter(|train| train.mask.is_none())?;
            // A training without an end of its own runs to the end of its schedule.
            let end = dense.training.until.unwrap_or(u64::MAX);
            (node != train).then_some((end, node))
        });
        dense.max().map(|(_, node)| node)
    }
}
