//! Single steps without a study, and the tensors that users hand in and take out.

mod by_hand;
mod handed_in;
mod masks;
mod tensors;
