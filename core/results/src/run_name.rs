//! A run of a study by the name that reports give it.
use jackpot_store::Store;
use jackpot_study::{Error, ManifestCell, NO_CHECK, RunManifest, hint};

/// One cell of one study's grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    /// The study's name.
    pub study: String,
    /// Name of the setting, in a study that has settings.
    pub setting: Option<String>,
    /// Name of the ticket.
    pub ticket: String,
    /// Name of the check, or `none`.
    pub check: String,
    /// The sparsity as decimal text; `0` for a dense network.
    pub sparsity: String,
    /// One of the seeds of the study.
    pub seed: u64,
}

/// How a run is spelled, for messages.
pub const RUN_NAME: &str = "`STUDY/TICKET/CHECK/SPARSITY/SEED`, as in `quick/snip/none/0.98/1`, with a setting as `STUDY/SETTING/TICKET/…`, or in words, `quick: snip under rearrange at 0.98, seed 1`";

/// One part of a cell's name.
type CellPart = fn(&ManifestCell) -> &str;

impl RunName {
    /// Reads `quick/snip/rearrange/0.9/3` or a report's `quick: snip under rearrange at 0.9,
    /// seed 3`; with a setting `lr/low/snip/…` or `lr: snip …, seed 3 in low`. None: it is
    /// neither.
    pub fn parse(text: &str) -> Option<RunName> {
        let text = text.replace('`', "");
        let parts: Vec<&str> = match text.split_once(": ") {
            None => text.split('/').collect(),
            Some((study, rest)) => {
                let (rest, setting) = match rest.rsplit_once(" in ") {
                    Some((rest, setting)) => (rest, Some(setting)),
                    None => (rest, None),
                };
                let (ticket, rest) = rest.split_once(" at ")?;
                let (sparsity, seed) = rest.split_once(", seed ")?;
                let (ticket, check) = ticket.split_once(" under ").unwrap_or((ticket, NO_CHECK));
                let cell = [ticket, check, sparsity, seed];
                [study].into_iter().chain(setting).chain(cell).collect()
            }
        };
        let (study, setting, cell) = match &parts[..] {
            [study, cell @ ..] if cell.len() == 4 => (study, None, cell),
            [study, setting, cell @ ..] if cell.len() == 4 => (study, Some(setting), cell),
            _ => return None,
        };
        Some(RunName {
            study: (*study).to_owned(),
            setting: setting.map(|s| (*s).to_owned()),
            ticket: cell[0].to_owned(),
            check: cell[1].to_owned(),
            sparsity: cell[2].to_owned(),
            seed: cell[3].trim().parse().ok()?,
        })
    }

    /// The cell of that name in the manifest of the study's last run.
    ///
    /// # Errors
    /// A study that is not pinned, or a part of the name that none of its cells has: the
    /// nearest is suggested.
    pub fn pinned(&self, store: &Store) -> Result<ManifestCell, Error> {
        let pin = RunManifest::read(store, &self.study)?;
        let mut left: Vec<&ManifestCell> = pin.cells.iter().collect();
        let seed = self.seed.to_string();
        let setting = self.setting.as_deref().unwrap_or_default();
        let parts: [(&str, &str, CellPart); 5] = [
            ("setting", setting, |c| {
                c.setting.as_deref().unwrap_or_default()
            }),
            ("ticket", &self.ticket, |c| &c.ticket),
            ("check", &self.check, |c| &c.check),
            ("sparsity", &self.sparsity, |c| &c.sparsity),
            ("seed", &seed, |c| &c.seed),
        ];
        for (what, wanted, of) in parts {
            let mut known: Vec<&str> = left.iter().map(|c| of(c)).collect();
            left.retain(|c| of(c) == wanted);
            if left.is_empty() {
                known.sort_unstable();
                known.dedup();
                return Err(Error(format!(
                    "the study `{}`: no run with the {what} `{wanted}`{}; there are: {}",
                    self.study,
                    hint(wanted, known.iter().copied()),
                    known.join(", ")
                )));
            }
        }
        let cell = left.first().map(|c| (*c).clone());
        cell.ok_or_else(|| Error(format!("the study `{}` has no runs", self.study)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        let name = RunName::parse("quick/snip/rearrange/0.9/3").unwrap();
        assert_eq!(name.ticket, "snip");
        let words = "quick: `snip` under `rearrange` at 0.9, seed 3";
        assert_eq!(RunName::parse(words), Some(name.clone()));
        let plain = RunName::parse("quick: snip at 0.9, seed 3").unwrap();
        assert_eq!(plain.check, "none");
        assert_eq!(RunName::parse("quick/snip/none/0.9/3"), Some(plain));
        for other in [
            "quick",
            "abcd",
            "quick/snip",
            "a/b/c/d/e",
            "quick: snip",
            "a/b/c/d/3/x",
            "a/b/c/d/e/3/4",
        ] {
            assert_eq!(RunName::parse(other), None, "{other}");
        }
    }
}
