//! Readers of image data sets: raw u8 rows, labels, hashes. No tensors of libtorch.
use jackpot_rng::Key;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error { #[error("{path}: {message}")] File { path: PathBuf, message: String }, #[error("{0}")] Invalid(String) }

/// Images with their labels, in stored order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images { pub channels: u32, pub height: u32, pub width: u32, /** [rows, channels, height, width] */ pub pixels: Vec<u8>, pub labels: Vec<i64> }
impl Images {
    pub fn rows(&self) -> usize { self.labels.len() }
    /// `images` u8 [n,c,h,w] and `labels` i64 [n], no metadata.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> { todo!() }
    pub fn from_safetensors(_bytes: &[u8]) -> Result<Images, Error> { todo!() }
}
/// How stored images become the study's images, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Preparation { /** Side after average pooling; must divide the stored side. */ pub resize: Option<u32>, /** Side after zero padding on all sides. */ pub pad_to: Option<u32>, /** The first n training rows, balanced over the classes. */ pub train_subset: Option<u32> }

/// One file a data set is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile { pub name: String, pub sha256: [u8; 32], pub bytes: u64 }

/// A data set ready to prepare: its files are hashed, not yet decoded.
#[derive(Clone, Debug)]
pub struct Source { pub set: String, pub folder: Option<PathBuf>, pub files: Vec<SourceFile> }
/// What `jackpot list` prints of a data set.
#[derive(Clone, Debug)]
pub struct Info { pub name: &'static str, pub summary: &'static str, pub classes: u32, /** channels, height, width as stored */ pub image: [u32; 3], pub train_rows: u32, pub test_rows: u32, /** Embedded, or needs `folder`. */ pub embedded: bool, pub licence: &'static str }
pub fn list() -> &'static [Info] { todo!() }
pub fn info(_set: &str) -> Result<&'static Info, Error> { todo!() }
/// Finds and hashes the files; an embedded set needs no folder. Known sets: size and sha256 are checked.
pub fn open(_set: &str, _folder: Option<&Path>) -> Result<Source, Error> { todo!() }
#[derive(Clone, Debug)]
pub struct Prepared { pub train: Images, pub test: Images, pub classes: u32, /** Per channel, of pixels scaled to 0..1. */ pub normalisation: Normalisation }
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Normalisation { pub mean: Vec<f64>, pub std: Vec<f64> }
pub fn prepare(_source: &Source, _preparation: &Preparation) -> Result<Prepared, Error> { todo!() }
/// Image shape and row counts after preparation, without reading pixels (for plans).
pub fn prepared_shape(_info: &Info, _preparation: &Preparation) -> Result<([u32; 3], u32, u32), Error> { todo!() }

/// A request for scoring batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSpec { pub key: Key, pub n_batches: u64, /** Images a batch, when `per_class` is 0. */ pub batch_size: u64, /** >0: that many of every class, in class order. */ pub per_class: u64, /** Each batch is cut in as many runs of rows. */ pub parts: u64, pub augment: bool, /** Mix the rows of a batch. */ pub shuffle: bool }
/// Rows of each batch (`parts` not yet cut), balanced by the labels given.
pub fn scoring_rows(_spec: &BatchSpec, _labels: &[i64], _classes: u32) -> Result<Vec<Vec<u32>>, Error> { todo!() }
/// The order of the training rows in one epoch.
pub fn epoch_order(_order_key: Key, _epoch: u32, _rows: usize) -> Vec<u32> { todo!() }
