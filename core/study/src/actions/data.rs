//! Data: the rows of a data set, read from its files and prepared.
use jackpot_data::RowOrder;
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};

/// Outputs `train`, `test` (data objects) and `normalisation`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataRecipe {
    /// Of the data set.
    pub set: String,
    /// In the set's order.
    pub files: Vec<File>,
    /// Of the rows; the one file of canonical rows is the list of their sums.
    #[serde(default, skip_serializing_if = "RowOrder::is_stored")]
    pub order: RowOrder,
    /// Side after average pooling; of a folder of images, the shorter side after resizing.
    pub resize: Option<u32>,
    /// Side of the square cut from the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<u32>,
    /// Side after zero padding.
    pub pad_to: Option<u32>,
    /// Training rows.
    pub train_subset: Option<u32>,
}

/// One file of a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct File {
    /// As published.
    pub name: String,
    /// Of its bytes.
    pub sha256: Digest,
}
