//! Data: the rows of a data set, read from its files and prepared.
use crate::actions::{
    context::{ActionContext, Made, Observe},
    estimate::{Estimate, EstimateContext},
    kind::{ActionKind, NameKey},
    parts::ActionInput,
    validate::{self, invalid},
};
use jackpot_data::{OpenOptions, Preparation, RowOrder, Source};
use jackpot_net::Architecture;
use jackpot_protocol::Failure;
use jackpot_store::Digest;
use serde::{Deserialize, Serialize};
use std::{fs::File, io::BufWriter, path::Path};

/// Prepares the rows of a data set. The outputs are `train` and `test`, which are data objects, and
/// `normalisation`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataRecipe {
    /// Name of the data set.
    pub set: String,
    /// Its files, in the set's order.
    pub files: Vec<DataFile>,
    /// Order of the rows; in canonical order the one file is the list of the rows' sums.
    #[serde(default, skip_serializing_if = "RowOrder::is_stored")]
    pub order: RowOrder,
    /// Side of the images after average pooling, in pixels; for a folder of images, the shorter side
    /// after resizing.
    pub resize: Option<u32>,
    /// Side of the square that is cut from the middle, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<u32>,
    /// Side after zero padding, in pixels.
    pub pad_to: Option<u32>,
    /// How many training rows are taken, if not all are.
    pub train_subset: Option<u32>,
}

/// One file of a data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataFile {
    /// Its name as published.
    pub name: String,
    /// sha256 of its bytes.
    pub sha256: Digest,
}

impl DataRecipe {
    fn preparation(&self) -> Preparation {
        Preparation {
            resize: self.resize,
            crop: self.crop,
            pad_to: self.pad_to,
            train_subset: self.train_subset,
        }
    }

    /// The files of a data set that is built in; a recipe does not say where the files of other sets
    /// lie.
    ///
    /// # Errors
    /// A set whose files lie in a folder, or files other than the recipe names.
    pub(crate) fn built_in_source(&self) -> Result<Source, String> {
        let set = &self.set;
        let published = jackpot_data::info(set).map_err(|e| e.to_string())?;
        if !published.embedded {
            return Err(format!(
                "the files of `{set}` lie in a folder that its recipe does not name; `jackpot data verify` reads them"
            ));
        }
        let options = OpenOptions {
            order: self.order,
            ..OpenOptions::default()
        };
        let source = jackpot_data::open_as(set, &options).map_err(|e| e.to_string())?;
        let found: Vec<Digest> = source.named().iter().map(|f| Digest(f.sha256)).collect();
        let wanted: Vec<Digest> = self.files.iter().map(|f| f.sha256).collect();
        if found != wanted {
            return Err(format!(
                "the files of `{set}` here are others than the recipe names"
            ));
        }
        Ok(source)
    }
}

impl ActionKind for DataRecipe {
    fn name(&self) -> &'static str {
        "data"
    }

    fn architecture(&self) -> Option<&Architecture> {
        None
    }

    fn inputs_mut(&mut self) -> Vec<(&'static str, &mut ActionInput)> {
        Vec::new()
    }

    /// Writes the data objects block by block: a set of any size takes the memory of one.
    fn execute(
        &self,
        context: &ActionContext,
        _key: &Digest,
        observe: Observe,
    ) -> Result<Made, Failure> {
        let source = context
            .source
            .ok_or_else(|| invalid("data", "the files are not known"))?;
        let folder = context.scratch()?;
        let paths = ["train", "test"].map(|name| (name, folder.path.join(name)));
        let create = |path: &Path| {
            let file = File::create(path).map_err(|e| invalid("data", e))?;
            Ok::<_, Failure>(BufWriter::new(file))
        };
        let mut train = create(&paths[0].1)?;
        let mut test = create(&paths[1].1)?;
        let normalisation = jackpot_data::write_prepared(
            source,
            &self.preparation(),
            [&mut train, &mut test],
            &mut |done, all| observe(done as f64 / all as f64),
        );
        let normalisation = normalisation.map_err(|e| invalid("data", e))?;
        let normalisation = validate::normalisation_bytes(&normalisation)?;
        let mut made = context.store_outputs(&[("normalisation", normalisation)])?;
        for (name, path) in paths {
            made.outputs
                .insert(name.to_owned(), context.store_file(&path)?);
        }
        Ok(made)
    }

    fn estimate(&self, context: &EstimateContext) -> Estimate {
        let rows = u64::from(context.data.train_rows) + u64::from(context.data.test_rows);
        Estimate {
            seconds: 0.3,
            bytes: context.row_bytes(rows),
        }
    }

    fn describe(&self, _name_key: NameKey) -> String {
        let order = if self.order.is_stored() {
            ""
        } else {
            ", rows in canonical order"
        };
        let side = self
            .resize
            .map_or(String::new(), |side| format!(", resized to {side}"));
        let rows = self
            .train_subset
            .map_or(String::new(), |rows| format!(", {rows} training rows"));
        format!("{}{order}{side}{rows}", self.set)
    }
}
