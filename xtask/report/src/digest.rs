//! The digest of a set of results, spelled so that a shell can recompute it.

use jackpot_store::Digest;
use std::collections::BTreeSet;

/// The sha256 of the digests in hexadecimal, sorted, without repeats, each followed by a newline:
/// what `LC_ALL=C sort -u | sha256sum` gives.
pub(crate) fn of_inputs(digests: impl IntoIterator<Item = Digest>) -> Digest {
    let sorted: BTreeSet<Digest> = digests.into_iter().collect();
    let lines: String = sorted.iter().map(|d| format!("{d}\n")).collect();
    Digest::of(lines.as_bytes())
}
