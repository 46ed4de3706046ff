//! The results from which a file was drawn, with the digest that stands for them.

use jackpot_store::Digest;
use jackpot_study::digest_of_results;
use std::collections::BTreeSet;
use std::fmt;

/// The results (metrics and masks) from which a file was drawn. It is displayed as a digest that
/// can be recomputed in a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportInputs {
    /// The digests of the results.
    pub results: BTreeSet<Digest>,
    /// The digest of the whole set, as [`digest_of_results`] defines it.
    pub digest: Digest,
}

impl fmt::Display for ReportInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest.fmt(f)
    }
}

/// The inputs that consist of the results with these digests.
pub(crate) fn inputs_of(digests: impl IntoIterator<Item = Digest>) -> ReportInputs {
    let results = digests.into_iter().collect();
    ReportInputs {
        digest: digest_of_results(&results),
        results,
    }
}
