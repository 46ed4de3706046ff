//! What an output was drawn from, with the digest that stands for it.

use jackpot_store::Digest;
use jackpot_study::digest_of_results;
use std::collections::BTreeSet;
use std::fmt;

/// Results that an output was drawn from: metrics and masks. It prints as its digest, which a
/// shell can recompute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportInputs {
    /// Theirs.
    pub results: BTreeSet<Digest>,
    /// See [`digest_of_results`].
    pub digest: Digest,
}

impl fmt::Display for ReportInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest.fmt(f)
    }
}

/// The results with these digests.
pub(crate) fn inputs_of(digests: impl IntoIterator<Item = Digest>) -> ReportInputs {
    let results = digests.into_iter().collect();
    ReportInputs {
        digest: digest_of_results(&results),
        results,
    }
}
