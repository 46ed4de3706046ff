//! What pruning is, without any training: masks, and what a mask leaves of a network.
//!
//! ```
//! use jackpot_prune::Mask;
//! let network = jackpot_net::Architecture::resnet(32, 32, 10, [3, 32, 32]).build()?;
//! assert_eq!(Mask::dense(&network).kept(), 1_855_584);
//! # Ok::<(), jackpot_net::Error>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Mask`] | which weights are kept, its bit-packed format, counts and overlaps |
//! | [`flow()`] | which kept weights lie on a path from the image to a logit; [`Collapse`] |
//! | [`magnitude_null()`] | what the initial scale alone explains of a mask by magnitude |
//!
//! **Invariant:** every function is pure: nothing here trains, links libtorch, loads a plugin,
//! reads a file or a clock, or starts a thread; and no sizes that a file claims are allocated
//! before they are checked.

mod error;
mod flow;
mod magnitude_null;
mod mask;
mod tensors;

pub use error::Error;
pub use flow::{Collapse, Cut, Flow, flow};
pub use magnitude_null::magnitude_null;
pub use mask::{LayerMask, Mask};
pub use tensors::write_tensors;
