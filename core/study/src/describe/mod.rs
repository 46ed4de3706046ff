//! A study, its tickets and its checks in words, for people and for grouping tables.

pub(crate) mod facts;
pub(crate) mod titles;
pub(crate) mod words;
