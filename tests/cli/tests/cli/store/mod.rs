//! What a store holds: where it may lie, what stays in it, and how it is audited.

mod audit;
mod curves;
mod keeping;
mod places;
mod shipped;
mod trust;
