//! Images with their labels, and the one format they are stored in.

use crate::Error;
use safetensors::tensor::{Metadata, TensorInfo, TensorView};
use safetensors::{Dtype, SafeTensors};

/// Images with their labels, in stored order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// 1 for grey images, 3 for colour.
    pub channels: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Columns of pixels.
    pub width: u32,
    /// [rows, channels, height, width], row-major.
    pub pixels: Vec<u8>,
    /// One class a row, from 0.
    pub labels: Vec<i64>,
}

impl Images {
    /// How many images.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Channels, height, width.
    pub fn shape(&self) -> [u32; 3] {
        [self.channels, self.height, self.width]
    }

    /// Bytes of one image: channels × height × width.
    pub(crate) fn image_len(&self) -> usize {
        self.channels as usize * self.height as usize * self.width as usize
    }

    /// The images of `rows`, in the order given.
    pub(crate) fn take(&self, rows: &[u32]) -> Images {
        let size = self.image_len();
        let mut pixels = Vec::with_capacity(rows.len() * size);
        for &row in rows {
            let start = row as usize * size;
            pixels.extend_from_slice(&self.pixels[start..start + size]);
        }
        let labels = rows.iter().map(|&row| self.labels[row as usize]).collect();
        Images {
            pixels,
            labels,
            ..*self
        }
    }

    /// Safetensors with `images` u8 `[n, c, h, w]` and `labels` i64 `[n]`, and no metadata: the
    /// same images always give the same bytes.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let invalid = |error| Error::Invalid(format!("images as safetensors: {error}"));
        let labels: Vec<u8> = self.labels.iter().flat_map(|l| l.to_le_bytes()).collect();
        let shape = vec![
            self.rows(),
            self.channels as usize,
            self.height as usize,
            self.width as usize,
        ];
        let images = TensorView::new(Dtype::U8, shape, &self.pixels).map_err(invalid)?;
        let labels = TensorView::new(Dtype::I64, vec![self.rows()], &labels).map_err(invalid)?;
        safetensors::serialize([("images", images), ("labels", labels)], None).map_err(invalid)
    }

    /// Reads what [`Images::to_safetensors`] writes; anything beside it is refused.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Images, Error> {
        let invalid = |what: String| Error::Invalid(format!("images from safetensors: {what}"));
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| invalid(jackpot_net::not_tensors(bytes, &error)))?;
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| invalid(error.to_string()))?;
        let layout = Layout::of(&metadata)?;
        let data = |name| -> Result<&[u8], Error> {
            let view = file.tensor(name).map_err(|e| invalid(e.to_string()))?;
            Ok(view.data())
        };
        let [channels, height, width] = layout.shape;
        Ok(Images {
            channels,
            height,
            width,
            pixels: data("images")?.to_vec(),
            labels: data("labels")?.chunks_exact(8).map(little_endian).collect(),
        })
    }
}

/// Where the middle `shown` of `stored` pixels begin: half of what is left over, a half
/// rounded to the even neighbour, as torchvision's `CenterCrop` rounds.
pub fn centre(stored: i64, shown: i64) -> i64 {
    let left_over = stored - shown;
    left_over / 2 + i64::from(left_over % 4 == 3)
}

/// How a data object is laid out: header, labels, images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) rows: usize,
    /// Channels, height, width.
    pub(crate) shape: [u32; 3],
}

impl Layout {
    /// Refuses what is not two tensors, images and their labels.
    pub(crate) fn of(metadata: &Metadata) -> Result<Layout, Error> {
        let invalid = |what: String| Error::Invalid(format!("images from safetensors: {what}"));
        let tensors = metadata.tensors();
        let mut names: Vec<&String> = tensors.keys().collect();
        names.sort_unstable();
        if names != ["images", "labels"] {
            return Err(invalid(format!(
                "expected the tensors `images` and `labels`, found {names:?}"
            )));
        }
        let tensor = |name, dtype, rank| -> Result<&TensorInfo, Error> {
            let info = tensors[name];
            if info.dtype != dtype || info.shape.len() != rank {
                return Err(invalid(format!(
                    "`{name}` is {} {:?}, expected {dtype} with {rank} dimensions",
                    info.dtype, info.shape
                )));
            }
            Ok(info)
        };
        let images = tensor("images", Dtype::U8, 4)?;
        let labels = tensor("labels", Dtype::I64, 1)?;
        let shape = &images.shape;
        if shape[0] != labels.shape[0] {
            return Err(invalid(format!(
                "{} images, but {} labels",
                shape[0], labels.shape[0]
            )));
        }
        let side = |axis: usize| {
            u32::try_from(shape[axis]).map_err(|_| invalid(format!("`images` is {shape:?}")))
        };
        // Rows are counted in 32 bits everywhere, bytes in 64.
        side(0)?;
        let bytes = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d as u64));
        bytes
            .filter(|&n| n < u64::MAX / 16)
            .ok_or_else(|| invalid(format!("`images` is {shape:?}")))?;
        Ok(Layout {
            rows: shape[0],
            shape: [side(1)?, side(2)?, side(3)?],
        })
    }

    /// The file's first bytes, as [`Images::to_safetensors`] writes them: length, JSON,
    /// spaces up to a multiple of eight.
    pub(crate) fn header(&self) -> Vec<u8> {
        let [c, h, w] = self.shape;
        let (n, labels) = (self.rows, self.rows as u64 * 8);
        let end = labels + self.pixels();
        let mut json = format!(
            r#"{{"labels":{{"dtype":"I64","shape":[{n}],"data_offsets":[0,{labels}]}},"images":{{"dtype":"U8","shape":[{n},{c},{h},{w}],"data_offsets":[{labels},{end}]}}}}"#
        );
        json.extend(std::iter::repeat_n(
            ' ',
            json.len().next_multiple_of(8) - json.len(),
        ));
        [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
    }

    /// Bytes of one image.
    pub(crate) fn image(&self) -> usize {
        self.shape.iter().map(|&side| side as usize).product()
    }

    /// Bytes of all images.
    pub(crate) fn pixels(&self) -> u64 {
        self.rows as u64 * self.image() as u64
    }
}

pub(crate) fn little_endian(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"))
}

#[cfg(test)]
impl Images {
    /// Grey squares with a label each, for tests.
    pub(crate) fn grey(side: u32, pixels: Vec<u8>) -> Images {
        let rows = pixels.len() / (side * side) as usize;
        Images {
            channels: 1,
            height: side,
            width: side,
            labels: (0..rows as i64).collect(),
            pixels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Images {
        Images {
            channels: 2,
            height: 1,
            width: 3,
            pixels: (0..18).collect(),
            labels: vec![0, 2, 1],
        }
    }

    #[test]
    fn safetensors_round_trip_without_metadata() {
        let bytes = sample().to_safetensors().unwrap();
        assert_eq!(bytes, sample().to_safetensors().unwrap());
        assert_eq!(Images::from_safetensors(&bytes).unwrap(), sample());
        let layout = Layout {
            rows: 3,
            shape: [2, 1, 3],
        };
        assert!(bytes.starts_with(&layout.header()));
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
        assert_eq!(
            header.trim_end(),
            r#"{"labels":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"images":{"dtype":"U8","shape":[3,2,1,3],"data_offsets":[24,42]}}"#
        );
    }

    #[test]
    fn take_keeps_the_order_given() {
        let taken = sample().take(&[2, 0]);
        assert_eq!(taken.labels, [1, 0]);
        assert_eq!(taken.pixels, [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn damaged_objects_are_refused() {
        let bytes = sample().to_safetensors().unwrap();
        for end in 0..bytes.len() {
            assert!(Images::from_safetensors(&bytes[..end]).is_err(), "{end}");
        }
        let other = |images: (&str, Dtype, Vec<usize>, &[u8])| {
            let view = TensorView::new(images.1, images.2, images.3).unwrap();
            let labels = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
            let file = safetensors::serialize([(images.0, view), ("labels", labels)], None);
            Images::from_safetensors(&file.unwrap())
                .unwrap_err()
                .to_string()
        };
        let wrong_name = other(("image", Dtype::U8, vec![1, 1, 1, 1], &[0]));
        assert!(
            wrong_name.contains(r#"["image", "labels"]"#),
            "{wrong_name}"
        );
        let wrong_rank = other(("images", Dtype::U8, vec![1, 1], &[0]));
        assert!(wrong_rank.contains("`images` is U8 [1, 1]"), "{wrong_rank}");
        let wrong_rows = other(("images", Dtype::U8, vec![2, 1, 1, 1], &[0, 0]));
        assert!(
            wrong_rows.contains("2 images, but 1 labels"),
            "{wrong_rows}"
        );
    }
}
