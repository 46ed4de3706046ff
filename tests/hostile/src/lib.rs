//! A toy server and what the hostile suite needs to run it: misbehaving plugins meet the real
//! host, without libtorch.
//!
//! **Invariant:** nothing here is used outside tests, and nothing here knows libtorch.
use jackpot_data::BatchSpec;
pub use jackpot_host::mock_autodiff::coefficient;
use jackpot_host::{ServiceError, Services, View, ViewMut, mock_autodiff::MockAutodiff};
use jackpot_net::Objective;
use jackpot_protocol::PluginJob;
use jackpot_prune::Mask;
use std::time::Duration;

/// The host's own mock autodiff, which at some temperatures panics, fails or is slow.
pub struct Moody(MockAutodiff);

impl Moody {
    /// Reads the job's weights.
    pub fn new(job: &PluginJob) -> Result<Moody, String> {
        MockAutodiff::new(job).map(Moody)
    }
}

/// Whether the mood is good.
fn mood(objective: &Objective) -> Result<(), ServiceError> {
    match objective.temperature {
        13.0 => panic!("thirteen"),
        14.0 => return Err("the toy is out of order".into()),
        16.0 => return Err(ServiceError::Memory("the toy has no room left".into())),
        15.0 => std::thread::sleep(Duration::from_millis(1500)),
        _ => {}
    }
    Ok(())
}

impl Services for Moody {
    fn set_mask(&mut self, mask: &Mask) -> Result<(), ServiceError> {
        self.0.set_mask(mask)
    }

    fn batches(&mut self, spec: &BatchSpec) -> Result<u64, ServiceError> {
        self.0.batches(spec)
    }

    fn loss(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
    ) -> Result<f64, ServiceError> {
        mood(objective)?;
        self.0.loss(objective, handle, point)
    }

    fn grad(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        mood(objective)?;
        self.0.grad(objective, handle, point, out)
    }

    fn hvp(
        &mut self,
        objective: &Objective,
        handle: u64,
        point: Option<&[View]>,
        vector: &[View],
        out: &mut [ViewMut],
    ) -> Result<(), ServiceError> {
        mood(objective)?;
        self.0.hvp(objective, handle, point, vector, out)
    }
}
