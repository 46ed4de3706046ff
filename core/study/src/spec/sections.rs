//! The sections of `study.toml` as they are written; [`super::file`] makes sense of them.
use crate::{
    analysis::section::AnalysisSection,
    spec::{
        checks::CheckSection, data::DataSection, keys::SeedsSection, reference::Reference,
        run_section::RunSection, ticket::tickets::TicketSection, training::TrainingSection,
    },
};
use jackpot_net::{Activation, Block, Family, ScorePrecision, Stem};
use serde::Deserialize;
use toml::{Spanned, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyFile {
    pub title: String,
    /// Read from the text by [`SparsitiesSection`], which keeps their spelling.
    #[serde(rename = "sparsities")]
    pub _sparsities: Vec<Value>,
    pub seeds: SeedsSection,
    #[serde(default)]
    pub tables: Vec<String>,
    #[serde(default)]
    pub figures: Vec<String>,
    pub data: Option<DataSection>,
    pub network: Option<NetworkSection>,
    pub training: Option<TrainingSection>,
    pub scoring: Option<ScoringSection>,
    #[serde(default)]
    pub setting: Vec<SettingSection>,
    #[serde(default)]
    pub run: RunSection,
    #[serde(default)]
    pub analysis: AnalysisSection,
    #[serde(default)]
    pub probe: ProbeSection,
    pub ticket: Vec<TicketSection>,
    #[serde(default)]
    pub check: Vec<CheckSection>,
    #[serde(default)]
    pub reference: Vec<Reference>,
}

/// The one list whose spelling counts.
#[derive(Deserialize)]
pub(crate) struct SparsitiesSection {
    pub sparsities: Vec<Spanned<Value>>,
}

/// Each of the three stands in for the study's own; of `training`, what is written changes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingSection {
    pub name: String,
    pub title: Option<String>,
    pub data: Option<DataSection>,
    pub network: Option<NetworkSection>,
    pub training: Option<TrainingSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSection {
    pub family: Family,
    pub depth: Option<u32>,
    pub width: Option<u32>,
    pub widen: Option<u32>,
    #[serde(default)]
    pub activation: Activation,
    #[serde(default)]
    pub block: Block,
    #[serde(default)]
    pub stem: Stem,
}

/// How scores are computed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoringSection {
    pub precision: ScorePrecision,
}

/// What `jackpot probe` looks at beside the study itself.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProbeSection {
    pub widths: Vec<u32>,
}
