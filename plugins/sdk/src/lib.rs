//! Safe Rust over the plugin ABI: a pruning method in twenty lines.
//!
//! A plugin is a `cdylib` crate that depends on this one only. It declares each of its
//! methods and checks as an [`Item`] and names them in [`export!`]:
//!
//! ```
//! use jackpot_sdk::{Item, Out, Output, Result, Run, export, needs};
//!
//! const SMALLEST: Item = Item {
//!     summary: c"keeps the smallest weights: a bad idea, shortly put",
//!     needs: needs::WEIGHTS,
//!     ..Item::method(c"org.example.smallest", Output::Scores, smallest)
//! };
//! export!(SMALLEST);
//!
//! fn smallest(run: &Run, out: &mut Out) -> Result {
//!     for (layer, scores) in run.params().iter().zip(out.scores()?) {
//!         for (score, weight) in scores.iter_mut().zip(layer.f32()?) {
//!             *score = -f64::from(weight.abs());
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The function is pure: same [`Run`], same bytes in [`Out`]. It fills every element that
//! it was given, draws random numbers only from [`Run::rng`], and what it did not declare
//! in `needs` it does not get. An `Err` or a panic fails this one action with its message.
//!
//! **Invariant.** Nothing here unwinds into the host, keeps state between calls, frees
//! the host's memory or outlives the call. No registry dependencies, no libtorch.

#[doc(hidden)]
pub use jackpot_abi as abi;

mod autodiff;
#[doc(hidden)]
pub mod boundary;
mod error;
mod item;
mod out;
mod rng;
mod run;
mod tensor;

pub use autodiff::{Autodiff, Batch, BatchSpec, Input, Loss, Objective};
pub use error::{Error, Result};
pub use item::{Choices, Item, Kind, Output, Param, needs, promises};
pub use out::{Out, Vectors};
pub use rng::{Key, Rng};
pub use run::{Level, Run, Task};
pub use tensor::{Role, Tensor, Tensors};
