//! Images as one tensor, and whole batches cut from it.
use crate::{Error, error::invalid};
use jackpot_data::{Images, Normalisation};
use jackpot_net::Augment;
use jackpot_rng::Key;
use tch::{Device, Kind, Tensor};

/// A data set on the device: raw pixels as bytes, normalised batch by batch.
pub struct ImageSet {
    /// u8 `[rows · height · width + 1, channels]`; the last row is a black pixel, which
    /// is what a crop finds outside the image.
    pixels: Tensor,
    /// i64 `[rows]`.
    labels: Tensor,
    mean: Tensor,
    std: Tensor,
    rows: usize,
    /// Channels, height, width.
    shape: [i64; 3],
    device: Device,
}

/// Images `[n, channels, height, width]` (channels-last, normalised) and labels `[n]`.
pub struct Batch {
    /// The images.
    pub x: Tensor,
    /// Their classes, i64.
    pub y: Tensor,
}

/// How each image of a list of rows is cropped and flipped.
pub struct Draws {
    padding: i64,
    /// i64 `[n]`: rows that the crop starts below the padded image's top edge.
    top: Tensor,
    /// i64 `[n]`: columns right of its left edge.
    left: Tensor,
    /// bool `[n]`; `None`: nothing is flipped.
    flipped: Option<Tensor>,
}

impl Draws {
    /// Draws for `rows` of a data set, a function of key and row index alone, so that an
    /// image is augmented alike wherever it stands in the epoch. `None` if `augment`
    /// does nothing. An image's words: 0 the crop's top, 1 its left, 2 the flip.
    ///
    /// # Errors
    /// libtorch's.
    pub fn new(
        augment: &Augment,
        key: Key,
        rows: &[u32],
        device: Device,
    ) -> Result<Option<Draws>, Error> {
        if augment.crop_padding == 0 && !augment.flip {
            return Ok(None);
        }
        let places = u128::from(augment.crop_padding) * 2 + 1;
        // The high half of the product: uniform over the places to within 2^-60.
        let place = |word: u64| ((u128::from(word) * places) >> 64) as i64;
        let mut top = Vec::with_capacity(rows.len());
        let mut left = Vec::with_capacity(rows.len());
        let mut flipped = Vec::with_capacity(rows.len());
        for &row in rows {
            let mut words = [0; 3];
            jackpot_rng::bits(key.fold(u64::from(row)), &mut words);
            top.push(place(words[0]));
            left.push(place(words[1]));
            flipped.push(words[2] >> 63 == 1);
        }
        let flipped = if augment.flip {
            Some(Tensor::f_from_slice(&flipped)?.f_to_device(device)?)
        } else {
            None
        };
        Ok(Some(Draws {
            padding: i64::from(augment.crop_padding),
            top: Tensor::f_from_slice(&top)?.f_to_device(device)?,
            left: Tensor::f_from_slice(&left)?.f_to_device(device)?,
            flipped,
        }))
    }

    /// The draws of `length` rows from `start`.
    fn narrow(&self, start: i64, length: i64) -> Result<Draws, Error> {
        Ok(Draws {
            padding: self.padding,
            top: self.top.f_narrow(0, start, length)?,
            left: self.left.f_narrow(0, start, length)?,
            flipped: self
                .flipped
                .as_ref()
                .map(|f| f.f_narrow(0, start, length))
                .transpose()?,
        })
    }
}

impl ImageSet {
    /// Copies the images to the device.
    ///
    /// # Errors
    /// No rows, a label outside `classes`, images that are not of the shape `input`
    /// (channels, height, width), a normalisation of another number of channels.
    pub fn new(
        what: &str,
        images: &Images,
        normalisation: &Normalisation,
        input: [u32; 3],
        classes: u32,
        device: Device,
    ) -> Result<ImageSet, Error> {
        check(what, images, normalisation, input, classes)?;
        let shape = input.map(i64::from);
        let [c, h, w] = shape;
        let rows = images.rows();
        let places = rows as i64 * h * w;
        let pixels = Tensor::f_zeros([places + 1, c], (Kind::Uint8, Device::Cpu))?;
        let stored =
            Tensor::f_from_data_size(&images.pixels, &[rows as i64, c, h, w], Kind::Uint8)?;
        let mut images_part = pixels
            .f_narrow(0, 0, places)?
            .f_view([rows as i64, h, w, c])?;
        images_part.f_copy_(&stored.f_permute([0, 2, 3, 1])?)?;
        let per_channel = |values: &[f64]| -> Result<Tensor, Error> {
            Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
        };
        Ok(ImageSet {
            pixels: pixels.f_to_device(device)?,
            labels: Tensor::f_from_slice(&images.labels)?.f_to_device(device)?,
            mean: per_channel(&normalisation.mean)?,
            std: per_channel(&normalisation.std)?,
            rows,
            shape,
            device,
        })
    }

    /// Number of images.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// The images of `rows` (i64 `[n]`, on the device) in this order, cropped and
    /// flipped by `draws`, then scaled to 0..1 and normalised, in `kind`.
    pub(crate) fn gather(
        &self,
        rows: &Tensor,
        draws: Option<&Draws>,
        kind: Kind,
    ) -> Result<Batch, Error> {
        let [c, h, w] = self.shape;
        let raw = match draws {
            None => {
                let images = self.pixels.f_narrow(0, 0, self.rows as i64 * h * w)?;
                images
                    .f_view([self.rows as i64, h * w * c])?
                    .f_index_select(0, rows)?
            }
            Some(draws) => self.pixels.f_index_select(0, &self.places(rows, draws)?)?,
        };
        let x = raw
            .f_view([-1, h, w, c])?
            .f_to_kind(kind)?
            .f_div_scalar_(255.0)?
            .f_sub_(&self.mean.f_to_kind(kind)?)?
            .f_div_(&self.std.f_to_kind(kind)?)?;
        Ok(Batch {
            x: x.f_permute([0, 3, 1, 2])?,
            y: self.labels.f_index_select(0, rows)?,
        })
    }

    /// As [`ImageSet::gather`], for `length` rows from `start` of a longer list.
    pub(crate) fn gather_range(
        &self,
        order: &Tensor,
        draws: Option<&Draws>,
        start: usize,
        length: usize,
        kind: Kind,
    ) -> Result<Batch, Error> {
        let (start, length) = (start as i64, length as i64);
        let draws = draws.map(|d| d.narrow(start, length)).transpose()?;
        self.gather(&order.f_narrow(0, start, length)?, draws.as_ref(), kind)
    }

    /// The images and labels of `rows`, in f32 or f64.
    ///
    /// # Errors
    /// libtorch's, a row out of range among them.
    pub fn batch(
        &self,
        rows: &[u32],
        draws: Option<&Draws>,
        precision: crate::Precision,
    ) -> Result<Batch, Error> {
        self.gather(&row_tensor(rows, self.device)?, draws, precision.kind())
    }

    /// i64 `[n · height · width]`: which stored pixel each pixel of the batch shows. All
    /// images at once: rows of the crop `[n, h, 1]` against its columns `[n, 1, w]`.
    fn places(&self, rows: &Tensor, draws: &Draws) -> Result<Tensor, Error> {
        let [_, h, w] = self.shape;
        let options = (Kind::Int64, self.device);
        let down = Tensor::f_arange(h, options)?.f_view([1, h])?;
        let mut across = Tensor::f_arange(w, options)?.f_view([1, w])?;
        if let Some(flipped) = &draws.flipped {
            let mirrored = across.f_flip([1])?;
            across = mirrored.f_where_self(&flipped.f_unsqueeze(1)?, &across)?;
        }
        // A flipped crop is the crop's mirror image: columns count from its right edge.
        let first = rows.f_mul_scalar(h)?.f_view([-1, 1, 1])?;
        let place = |down: &Tensor, across: &Tensor| -> Result<Tensor, Error> {
            let line = first.f_add(&down.f_unsqueeze(2)?)?.f_mul_scalar_(w)?;
            Ok(line.f_add(&across.f_unsqueeze(1)?)?)
        };
        if draws.padding == 0 {
            return Ok(place(&down, &across)?.f_reshape([-1])?);
        }
        let shifted = |t: &Tensor, by: &Tensor| -> Result<Tensor, Error> {
            Ok(t.f_add(&by.f_sub_scalar(draws.padding)?.f_unsqueeze(1)?)?)
        };
        let (down, across) = (shifted(&down, &draws.top)?, shifted(&across, &draws.left)?);
        let outside = |t: &Tensor, end: i64| -> Result<Tensor, Error> {
            Ok(t.f_lt(0)?.f_logical_or(&t.f_ge(end)?)?)
        };
        let black = outside(&down, h)?
            .f_unsqueeze(2)?
            .f_logical_or(&outside(&across, w)?.f_unsqueeze(1)?)?;
        let places = place(&down, &across)?.f_masked_fill_(&black, self.rows as i64 * h * w)?;
        Ok(places.f_reshape([-1])?)
    }
}

/// Row numbers as a tensor that `index_select` reads.
pub(crate) fn row_tensor(rows: &[u32], device: Device) -> Result<Tensor, Error> {
    let rows: Vec<i64> = rows.iter().map(|&row| i64::from(row)).collect();
    Ok(Tensor::f_from_slice(&rows)?.f_to_device(device)?)
}

fn check(
    what: &str,
    images: &Images,
    normalisation: &Normalisation,
    input: [u32; 3],
    classes: u32,
) -> Result<(), Error> {
    let shape = [images.channels, images.height, images.width];
    if shape != input {
        return invalid(format!(
            "{what}: the network takes images of {input:?}, found {shape:?}"
        ));
    }
    if images.rows() == 0 {
        return invalid(format!("{what}: no images"));
    }
    let expected = images.rows() * shape.iter().product::<u32>() as usize;
    if images.pixels.len() != expected {
        return invalid(format!(
            "{what}: expected {expected} pixels, found {}",
            images.pixels.len()
        ));
    }
    if let Some(row) = images
        .labels
        .iter()
        .position(|&y| y < 0 || y >= i64::from(classes))
    {
        let label = images.labels[row];
        return invalid(format!(
            "{what}: row {row} has the label {label}, the network has {classes} classes"
        ));
    }
    let channels = images.channels as usize;
    if normalisation.mean.len() != channels || normalisation.std.len() != channels {
        return invalid(format!(
            "{what}: the normalisation is not of {channels} channels"
        ));
    }
    if normalisation
        .std
        .iter()
        .any(|&s| !s.is_finite() || s <= 0.0)
        || normalisation.mean.iter().any(|m| !m.is_finite())
    {
        return invalid(format!(
            "{what}: the normalisation is not finite and positive: {normalisation:?}"
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
