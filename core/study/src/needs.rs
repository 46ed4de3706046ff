//! What an item of a plugin asks for, and whether a study can give it.
use crate::{
    Error, actions::recipe::ConfiguredItem, plan::grid::Builder, spec::ticket::profile::Config,
};
use jackpot_protocol::{Kind, Output};

impl Builder {
    /// An item with its parameters complete, and what it asks for.
    pub(crate) fn item(
        &self,
        id: &str,
        params: &Config,
        kind: Kind,
        field: &str,
    ) -> Result<(ConfiguredItem, Needs), Error> {
        let (plugin, item) = self.plan.plugins.item(id, kind, field)?;
        let config = item
            .configure(params)
            .map_err(|e| Error(format!("{field}: {e}")))?;
        let needs = Needs::of(item);
        let plugin = plugin.sha256.parse().map_err(Error::from_store)?;
        let item = ConfiguredItem {
            plugin,
            item: item.id.clone(),
            version: item.version.clone(),
            config,
        };
        Ok((item, needs))
    }
}

/// What an item asks for.
pub(crate) struct Needs {
    pub output: Output,
    pub data: bool,
    pub autodiff: bool,
    pub weights: bool,
    pub reference: bool,
    pub scores: bool,
    pub donor: bool,
    pub draws: bool,
    /// As published; 1: one call.
    pub rounds: u32,
}

impl Needs {
    pub(crate) fn of(item: &jackpot_protocol::PluginItem) -> Needs {
        Needs {
            output: item.output,
            data: item.needs_data(),
            autodiff: item.needs_autodiff(),
            weights: item.needs_weights(),
            reference: item.needs_reference(),
            scores: item.needs_scores(),
            donor: item.needs_donor(),
            draws: item.needs_rng(),
            rounds: item.rounds_hint.max(1),
        }
    }

    pub(crate) fn expect(&self, output: Output, id: &str, field: &str) -> Result<(), Error> {
        if self.output == output {
            return Ok(());
        }
        Err(Error(format!(
            "{field}: expected an item that gives {}, found `{id}`, which gives {}",
            word(output),
            word(self.output)
        )))
    }
}

/// What an item gives, as messages and lists spell it.
pub fn word(output: Output) -> &'static str {
    match output {
        Output::Scores => "scores",
        Output::Masks => "masks",
        Output::Counts => "counts",
        Output::Weights => "weights",
        Output::Images => "images",
        Output::Labels => "labels",
        Output::Subset => "a subset",
    }
}
