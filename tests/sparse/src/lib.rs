//! A whole training step in f64, straight from a network's nodes: plain loops, nothing fused,
//! nothing skipped, pruned weights multiplied as the zeros that they are. What an engine
//! computes is held against it; it shares no code with any of them.
//!
//! ```
//! use jackpot_net::{Architecture, Training};
//! use jackpot_prune::Mask;
//! use jackpot_test_sparse::{Reference, normal_images, some_parameters};
//! let network = Architecture::resnet(8, 2, 3, [1, 6, 5]).build()?;
//! let parameters = some_parameters(&network, 1);
//! let mut reference =
//!     Reference::new(&network, &parameters, &Mask::dense(&network), &Training::su2020());
//! let images = normal_images(&network, 4, 1);
//! let first = reference.step(&images, &[0, 1, 2, 0], 0.1).loss;
//! assert!(reference.step(&images, &[0, 1, 2, 0], 0.1).loss < first);
//! # Ok::<(), jackpot_net::Error>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `forward` | every operation's values |
//! | `backward` | every operation's gradient, and the size of the terms that it is a sum of |
//! | `step` | the loss, masks and optimisers |
//! | `draws` | parameters, images, labels and masks of a seed |
//!
//! **Invariant.** Nothing here is used outside tests, and nothing here is fast.

mod backward;
mod draws;
mod forward;
mod step;

pub use backward::Gradients;
pub use draws::{labels, mask, normal_images, some_parameters};
pub use step::{Reference, Step};
