//! Recipes: their golden keys, and reading them back.

mod golden;
mod recorded;
