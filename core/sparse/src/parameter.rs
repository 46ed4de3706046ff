//! Dense parameters outside, kept weights inside.
use crate::{Error, invalid};
use jackpot_net::{Network, ParameterKind};
use jackpot_prune::Mask;

/// A parameter of the network.
pub(crate) struct Parameter {
    /// How many numbers the dense tensor has.
    pub dense: usize,
    /// For a prunable weight, the flat indices of the kept numbers, increasing.
    pub kept: Option<Vec<u32>>,
    pub trained: bool,
}

impl Parameter {
    /// How many numbers there are to train.
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.dense, Vec::len)
    }

    pub fn gather(&self, dense: &[f32]) -> Vec<f32> {
        match &self.kept {
            None => dense.to_vec(),
            Some(kept) => kept.iter().map(|&index| dense[index as usize]).collect(),
        }
    }

    pub fn scatter(&self, values: &[f32]) -> Vec<f32> {
        let Some(kept) = &self.kept else {
            return values.to_vec();
        };
        let mut dense = vec![0.0; self.dense];
        for (&index, &value) in kept.iter().zip(values) {
            dense[index as usize] = value;
        }
        dense
    }
}

/// Each parameter with the flat indices that the mask keeps.
pub(crate) fn describe(network: &Network, mask: &Mask) -> Result<Vec<Parameter>, Error> {
    mask.check(network)?;
    let kept_of = |name: &str| {
        let layer = mask.layers.iter().find(|layer| layer.name == name)?;
        let all = (0_u32..).zip(&layer.kept);
        Some(all.filter(|(_, kept)| **kept).map(|(i, _)| i).collect())
    };
    let described = network.parameters.iter().map(|parameter| Parameter {
        dense: parameter.shape.iter().product(),
        kept: kept_of(&parameter.name),
        trained: !matches!(
            parameter.kind,
            ParameterKind::RunningMean | ParameterKind::RunningVar
        ),
    });
    Ok(described.collect())
}

/// What the engine holds of each dense parameter.
pub(crate) fn gathered<V: AsRef<[f32]>>(
    network: &Network,
    described: &[Parameter],
    dense: impl IntoIterator<Item = V>,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut dense = dense.into_iter().fuse();
    let mut values = Vec::new();
    for (expected, of) in network.parameters.iter().zip(described) {
        let Some(found) = dense.next() else { break };
        let found = found.as_ref();
        if found.len() != of.dense {
            return invalid(format!(
                "parameter `{}`: expected {} numbers, found {}",
                expected.name,
                of.dense,
                found.len()
            ));
        }
        values.push(of.gather(found));
    }
    let (expected, found) = (described.len(), values.len() + dense.count());
    if found != expected {
        return invalid(format!("parameters: expected {expected}, found {found}"));
    }
    Ok(values)
}

pub(crate) fn lengths(what: &str, expected: Vec<usize>, found: &[Vec<f32>]) -> Result<(), Error> {
    let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
    if lengths == expected {
        return Ok(());
    }
    let differs = expected.iter().zip(&lengths).position(|(a, b)| a != b);
    match differs {
        Some(at) => invalid(format!(
            "{what} {at}: expected {} numbers, found {}",
            expected[at], lengths[at]
        )),
        None => invalid(format!(
            "{what}s: expected {}, found {}",
            expected.len(),
            lengths.len()
        )),
    }
}
