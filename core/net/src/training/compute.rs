//! What takes the steps of a training, and what it computes in.
use serde::{Deserialize, Serialize};

/// Who takes the steps of a training; part of its recipe.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The reference: every network, option and device; a mask costs what the dense net does.
    #[default]
    Libtorch,
    /// Computes with the kept weights alone, on one core of a CPU.
    Sparse,
}

impl Engine {
    /// Its name in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Libtorch => "libtorch",
            Engine::Sparse => "sparse",
        }
    }

    /// What recipes leave out: before there were two, it was the only one.
    pub fn is_libtorch(&self) -> bool {
        *self == Engine::Libtorch
    }
}

/// What a training computes in; part of its recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// In libtorch, convolutions and linear layers in bfloat16; in the sparse engine, activations
    /// and their gradients held in it. Everything else and the weights in 32 bits.
    Bf16,
}

impl Precision {
    /// Its name in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

/// What a training is computed by, and in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compute {
    /// Who takes the steps.
    pub engine: Engine,
    /// In libtorch what layers compute in; in the sparse engine what activations are held in.
    pub precision: Precision,
}

impl Compute {
    /// The same of a training without a mask.
    pub fn dense(self) -> Compute {
        Compute {
            engine: Engine::Libtorch,
            ..self
        }
    }

    /// "libtorch, f32", "the sparse engine, bf16".
    pub fn describe(self) -> String {
        let engine = match self.engine {
            Engine::Libtorch => "libtorch",
            Engine::Sparse => "the sparse engine",
        };
        format!("{engine}, {}", self.precision.name())
    }
}
