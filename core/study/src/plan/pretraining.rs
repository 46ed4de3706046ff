//! The dense training that a cell's mask or weights come from.
use crate::{
    actions::recipe::Recipe,
    plan::graph::{Cell, Content, Plan},
};

impl Plan {
    /// The longest dense training that the cell needs beside its own; none: it needs none.
    pub(crate) fn pretraining(&self, cell: &Cell) -> Option<usize> {
        let Content::Run { train, .. } = cell.content else {
            return None;
        };
        let dense = self.ancestors(train).into_iter().filter_map(|node| {
            let Recipe::Train {
                training,
                mask: None,
                ..
            } = &self.nodes[node].recipe
            else {
                return None;
            };
            // A training without an end of its own runs to the end of its schedule.
            let end = training.until.unwrap_or(u64::MAX);
            (node != train).then_some((end, node))
        });
        dense.max().map(|(_, node)| node)
    }
}
