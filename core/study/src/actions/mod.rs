//! What an action is. Each kind has a file of its own: its recipe, what it reads, how
//! it is executed, how what it made is verified, what it costs, and what it is in words.
//!
//! - [`recipe`] is the one place that knows all kinds: one line a kind, and what is asked of any.
//! - [`kind`] says what each kind answers; [`parts`] what recipes are built from.
//! - [`context`] holds what an action is executed with, and how its outputs get into the store;
//!   [`estimate`] what estimates read; [`validate`] reads what actions made.
//!
//! A new kind is a file here, a `mod` line below, and a line of `recipes!` in [`recipe`].
//!
//! **Invariant**: nothing here knows the plan, the queue or the results. Everything that can change
//! a result stands in the recipe.

pub(crate) mod allocate;
pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod data;
pub(crate) mod estimate;
pub(crate) mod evaluate;
pub(crate) mod init;
pub(crate) mod kind;
pub(crate) mod parts;
pub(crate) mod recipe;
pub(crate) mod score;
pub(crate) mod select;
pub(crate) mod train;
pub(crate) mod validate;
