//! Networks as data: layers, PyTorch names, shapes, connections, multiply-adds, masks,
//! first weights, and training as data. No tensors of libtorch.

pub mod architecture;   // Architecture, Family, Activation, Network, Layer, Parameter, Node, Op
pub mod init;           // first weights, from a key
pub mod mask;           // Mask, its bit-packed format, counts
pub mod objective;      // Objective: what to differentiate
pub mod training;       // Training: hyperparameters and the learning-rate schedule

pub use architecture::*;
pub use mask::Mask;
pub use objective::*;
pub use training::*;
