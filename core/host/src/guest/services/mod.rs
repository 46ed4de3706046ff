//! What a host offers to a plugin beyond random numbers: derivatives of the network.
pub(super) mod autodiff;
pub mod mock_autodiff;
pub(super) mod rng;
mod spans;

use jackpot_data::BatchSpec;
use jackpot_net::Objective;
use jackpot_prune::Mask;

/// A read-only view of one tensor of a point, vector or gradient.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// A writable view of one tensor of a gradient.
#[derive(Debug)]
pub enum ViewMut<'a> {
    /// Single precision.
    F32(&'a mut [f32]),
    /// Double precision.
    F64(&'a mut [f64]),
}

/// Why a service failed, in words that reach the plugin and the action's failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There was no memory for it: the plugin sees `JKP_E_NOMEM`, and the action fails by memory
    /// whatever status the plugin passes on.
    #[error("{0}")]
    Memory(String),
    /// Anything else: the plugin sees `JKP_E_INTERNAL`.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for ServiceError {
    fn from(message: String) -> ServiceError {
        ServiceError::Failed(message)
    }
}

impl From<&str> for ServiceError {
    fn from(message: &str) -> ServiceError {
        ServiceError::Failed(message.to_owned())
    }
}

/// What the host offers beyond random numbers. Slices are one view per prunable layer, forward
/// order, row-major. Without a `point` it is the weights under the mask. Gradients are with respect
/// to the effective weight, masked entries too. Results are the sum over the batches and their parts
/// of each part's mean loss. An error's text reaches the plugin and the action's failure message.
pub trait Services {
    /// Whether time in a service counts as the plugin's own: where services cost next to
    /// nothing, a plugin that asks for a million of them is to be stopped like any loop.
    fn on_the_clock(&self) -> bool {
        false
    }
    /// Another round begins: from now on `point` None is the weights under this mask, and no
    /// handle of the round before stands for anything.
    fn set_mask(&mut self, mask: &Mask) -> Result<(), ServiceError>;
    /// Draws batches once; the handle stands for them until the run ends.
    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, ServiceError>;
    /// The objective's value. `handle` is 0 with an all-ones input.
    fn loss(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
    ) -> Result<f64, ServiceError>;
    /// The gradient into `out`.
    fn grad(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError>;
    /// The Hessian times `vector` into `out`.
    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError>;
}
