//! Numbers against independent truths: PyTorch's golden files, finite differences, the
//! identities of batch normalisation, and the same training twice. See `tests/`.
//!
//! **Invariant.** Nothing here is used outside tests.
