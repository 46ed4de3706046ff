//! Images as one tensor or as rows of a file, and whole batches cut from them.
use crate::{
    Error, FloatPrecision,
    batches::window::{self, Window, below},
    error::invalid,
    network::model::images_tensor,
    network::state,
};
use jackpot_data::{Images, Normalisation, Rows, StoredRows, centre};
use jackpot_net::{Augment, Network};
use jackpot_rng::Key;
use tch::{Device, Kind, Tensor};

/// A data set: raw pixels as bytes, on the device or in their file, normalised batch by
/// batch. Either way a batch has the same bytes.
pub struct ImageSet {
    pixels: Pixels,
    /// i64 `[rows]`.
    labels: Tensor,
    mean: Tensor,
    std: Tensor,
    rows: usize,
    /// Channels, height, width as stored.
    stored: [i64; 3],
    /// Height and width of a batch's images: a window of the stored ones.
    window: [i64; 2],
    device: Device,
}

enum Pixels {
    /// All rows, as [`laid_out`].
    InMemory(Tensor),
    Stored(StoredRows),
}

/// Images `[n, channels, height, width]` (channels-last, normalised) and labels `[n]`.
pub struct Batch {
    /// The images.
    pub x: Tensor,
    /// Their classes, i64.
    pub y: Tensor,
}

impl Batch {
    /// A batch of images given as numbers (normalised, row-major `[n, channels, height, width]`).
    ///
    /// # Errors
    /// Shapes that do not fit the network or each other; libtorch's.
    pub fn given(
        network: &Network,
        images: &[f32],
        labels: &[i64],
        precision: FloatPrecision,
        device: Device,
    ) -> Result<Batch, Error> {
        let x = images_tensor(network, images, precision, device)?;
        if x.size()[0] != labels.len() as i64 {
            return invalid(format!(
                "{} images have {} labels",
                x.size()[0],
                labels.len()
            ));
        }
        let y = Tensor::f_from_slice(labels)?.f_to_device(device)?;
        Ok(Batch { x, y })
    }

    /// The images as numbers `[n, height, width, channels]`, and the labels.
    ///
    /// # Errors
    /// libtorch's, when the tensors cannot be copied.
    pub fn numbers(&self) -> Result<(Vec<f32>, Vec<i64>), Error> {
        let labels = Vec::try_from(self.y.f_to_device(Device::Cpu)?)?;
        Ok((pixels(&self.x)?, labels))
    }
}

/// Images `[n, channels, height, width]` as numbers `[n, height, width, channels]`.
///
/// # Errors
/// libtorch's, when the tensor cannot be copied.
pub fn pixels(x: &Tensor) -> Result<Vec<f32>, Error> {
    state::numbers(&x.f_permute([0, 2, 3, 1])?)
}

/// The window that each image of a list of rows shows, and whether it is mirrored.
pub struct Draws {
    windows: Windows,
    /// bool `[n]`; `None`: nothing is flipped.
    flipped: Option<Tensor>,
}

enum Windows {
    /// Windows as large as what the network takes.
    Placed {
        /// i64 `[n]`: the window's first row, counted from the stored image's; may be negative.
        top: Tensor,
        /// i64 `[n]`: its first column.
        left: Tensor,
    },
    /// Windows of any size within the stored image, to be resized.
    Resized(Vec<Window>),
}

impl Draws {
    /// The draws of `length` rows from `start`.
    fn narrow(&self, start: usize, length: usize) -> Result<Draws, Error> {
        let narrow = |t: &Tensor| t.f_narrow(0, start as i64, length as i64);
        let windows = match &self.windows {
            Windows::Placed { top, left } => Windows::Placed {
                top: narrow(top)?,
                left: narrow(left)?,
            },
            Windows::Resized(windows) => Windows::Resized(windows[start..start + length].to_vec()),
        };
        let flipped = self.flipped.as_ref().map(narrow).transpose()?;
        Ok(Draws { windows, flipped })
    }
}

impl ImageSet {
    /// Copies the images to the device.
    ///
    /// # Errors
    /// As [`ImageSet::of_rows`].
    pub fn new(
        what: &str,
        images: &Images,
        normalisation: &Normalisation,
        input: [u32; 3],
        classes: u32,
        device: Device,
    ) -> Result<ImageSet, Error> {
        if images.pixels.len() != images.rows() * images.shape().iter().product::<u32>() as usize {
            return invalid(format!(
                "{what}: {} pixels are not {} images of {:?}",
                images.pixels.len(),
                images.rows(),
                images.shape()
            ));
        }
        let pixels = laid_out(&images.pixels, images.rows(), images.shape().map(i64::from))?;
        let set = (images.shape(), &images.labels[..]);
        let pixels = Pixels::InMemory(pixels.f_to_device(device)?);
        ImageSet::with(what, pixels, set, normalisation, input, classes, device)
    }

    /// Copies rows that are held to the device; rows that are stored stay in their file.
    ///
    /// # Errors
    /// No rows, a label outside `classes`, images smaller than `input` (channels, height,
    /// width) or of other channels, a normalisation of another number of channels.
    pub fn of_rows(
        what: &str,
        rows: &Rows,
        normalisation: &Normalisation,
        input: [u32; 3],
        classes: u32,
        device: Device,
    ) -> Result<ImageSet, Error> {
        match rows {
            Rows::InMemory(images) => {
                ImageSet::new(what, images, normalisation, input, classes, device)
            }
            Rows::Stored(stored) => {
                let set = (stored.shape(), stored.labels());
                let pixels = Pixels::Stored(stored.clone());
                ImageSet::with(what, pixels, set, normalisation, input, classes, device)
            }
        }
    }

    fn with(
        what: &str,
        pixels: Pixels,
        (stored, labels): ([u32; 3], &[i64]),
        normalisation: &Normalisation,
        input: [u32; 3],
        classes: u32,
        device: Device,
    ) -> Result<ImageSet, Error> {
        check(what, stored, labels, normalisation, input, classes)?;
        let per_channel = |values: &[f64]| -> Result<Tensor, Error> {
            Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
        };
        let [_, height, width] = input.map(i64::from);
        Ok(ImageSet {
            pixels,
            labels: Tensor::f_from_slice(labels)?.f_to_device(device)?,
            mean: per_channel(&normalisation.mean)?,
            std: per_channel(&normalisation.std)?,
            rows: labels.len(),
            stored: stored.map(i64::from),
            window: [height, width],
            device,
        })
    }

    /// Draws for `rows`, a function of key and row index alone, so that an image is
    /// augmented alike wherever it stands in the epoch. `None` if `augment` does nothing.
    /// An image's words: 0 the window's top, 1 its left, 2 the flip; a resized window has
    /// words of its own ([`Window::draw`]).
    ///
    /// # Errors
    /// Windows that are not what the network takes; libtorch's.
    pub fn draws(&self, augment: &Augment, key: Key, rows: &[u32]) -> Result<Option<Draws>, Error> {
        let [_, height, width] = self.stored;
        let shown = augment
            .crop
            .map_or([height, width], |side| [i64::from(side); 2]);
        if shown != self.window {
            return invalid(format!(
                "`augment.crop`: windows of {shown:?} of images of {height}×{width}, but the network takes {:?}",
                self.window
            ));
        }
        if *augment == Augment::default() {
            return Ok(None);
        }
        let words = |row: &u32| {
            let mut words = [0; 3];
            jackpot_rng::bits(key.fold(u64::from(*row)), &mut words);
            words
        };
        let words: Vec<[u64; 3]> = rows.iter().map(words).collect();
        let windows = match augment.resized_crop {
            None => self.placed(augment.crop_padding, &words)?,
            Some(least) => {
                let draw = |row: &u32| Window::draw([height, width], least, key, *row);
                Windows::Resized(rows.iter().map(draw).collect())
            }
        };
        let flipped = if augment.flip {
            let flipped: Vec<bool> = words.iter().map(|words| words[2] >> 63 == 1).collect();
            Some(Tensor::f_from_slice(&flipped)?.f_to_device(self.device)?)
        } else {
            None
        };
        Ok(Some(Draws { windows, flipped }))
    }

    /// Windows as large as what the network takes, each placed by its words 0 and 1.
    fn placed(&self, padding: u32, words: &[[u64; 3]]) -> Result<Windows, Error> {
        let [_, height, width] = self.stored;
        let padding = i64::from(padding);
        // First place and number of places of the window along one side.
        let range = |stored: i64, shown: i64| (-padding, stored - shown + 2 * padding + 1);
        let (down, across) = (range(height, self.window[0]), range(width, self.window[1]));
        let (top, left): (Vec<i64>, Vec<i64>) = words
            .iter()
            .map(|words| {
                let at = |word, (first, places): (i64, i64)| first + below(word, places);
                (at(words[0], down), at(words[1], across))
            })
            .unzip();
        Ok(Windows::Placed {
            top: Tensor::f_from_slice(&top)?.f_to_device(self.device)?,
            left: Tensor::f_from_slice(&left)?.f_to_device(self.device)?,
        })
    }

    /// Number of images.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// The images of `rows` (i64 `[n]`, on the device) in this order, cut and flipped by
    /// `draws` (else cut from the middle), then scaled to 0..1 and normalised, in `kind`.
    pub(crate) fn gather(
        &self,
        rows: &Tensor,
        draws: Option<&Draws>,
        kind: Kind,
    ) -> Result<Batch, Error> {
        let y = self.labels.f_index_select(0, rows)?;
        let raw = match &self.pixels {
            Pixels::InMemory(pixels) => self.cut(pixels, self.rows, rows, draws)?,
            Pixels::Stored(stored) => {
                let wanted = Vec::<i64>::try_from(rows.f_to_device(Device::Cpu)?)?;
                let wanted: Vec<u32> = wanted.iter().map(|&row| row as u32).collect();
                let pixels = laid_out(&stored.pixels_of(&wanted)?, wanted.len(), self.stored)?;
                let all = Tensor::f_arange(wanted.len() as i64, (Kind::Int64, self.device))?;
                self.cut(&pixels.f_to_device(self.device)?, wanted.len(), &all, draws)?
            }
        };
        let [h, w] = self.window;
        let x = raw
            .f_view([-1, h, w, self.stored[0]])?
            .f_to_kind(kind)?
            .f_div_scalar_(255.0)?
            .f_sub_(&self.mean.f_to_kind(kind)?)?
            .f_div_(&self.std.f_to_kind(kind)?)?;
        Ok(Batch {
            x: x.f_permute([0, 3, 1, 2])?,
            y,
        })
    }

    /// The windows of `rows` of `pixels`, which hold `count` images [`laid_out`].
    fn cut(
        &self,
        pixels: &Tensor,
        count: usize,
        rows: &Tensor,
        draws: Option<&Draws>,
    ) -> Result<Tensor, Error> {
        let [c, h, w] = self.stored;
        let count = count as i64;
        if let Some(Draws {
            windows: Windows::Placed { top, left },
            flipped,
        }) = draws
        {
            let places = self.places(count, rows, [top, left], flipped.as_ref())?;
            return Ok(pixels.f_index_select(0, &places)?);
        }
        let whole = pixels
            .f_narrow(0, 0, count * h * w)?
            .f_view([count, h * w * c])?
            .f_index_select(0, rows)?;
        if let Some(Draws {
            windows: Windows::Resized(windows),
            flipped,
        }) = draws
        {
            return window::resized(
                &whole.f_view([-1, h, w, c])?,
                windows,
                flipped.as_ref(),
                self.window,
            );
        }
        let [height, width] = self.window;
        if [height, width] == [h, w] {
            return Ok(whole);
        }
        Ok(whole
            .f_view([-1, h, w, c])?
            .f_narrow(1, centre(h, height), height)?
            .f_narrow(2, centre(w, width), width)?
            .f_contiguous()?)
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
        let draws = draws.map(|d| d.narrow(start, length)).transpose()?;
        let rows = order.f_narrow(0, start as i64, length as i64)?;
        self.gather(&rows, draws.as_ref(), kind)
    }

    /// The images and labels of `rows`, in f32 or f64.
    ///
    /// # Errors
    /// libtorch's, a row out of range among them.
    pub fn batch(
        &self,
        rows: &[u32],
        draws: Option<&Draws>,
        precision: FloatPrecision,
    ) -> Result<Batch, Error> {
        self.gather(&row_tensor(rows, self.device)?, draws, precision.kind())
    }

    /// i64 `[n · height · width]`: which pixel of `count` images each pixel of the batch
    /// shows. All images at once: rows of the window `[n, h, 1]` against its columns
    /// `[n, 1, w]`.
    fn places(
        &self,
        count: i64,
        rows: &Tensor,
        [top, left]: [&Tensor; 2],
        flipped: Option<&Tensor>,
    ) -> Result<Tensor, Error> {
        let [_, h, w] = self.stored;
        let [height, width] = self.window;
        let options = (Kind::Int64, self.device);
        let down = Tensor::f_arange(height, options)?.f_view([1, height])?;
        let mut across = Tensor::f_arange(width, options)?.f_view([1, width])?;
        if let Some(flipped) = flipped {
            // A flipped window is its mirror image: columns count from its right edge.
            let mirrored = across.f_flip([1])?;
            across = mirrored.f_where_self(&flipped.f_unsqueeze(1)?, &across)?;
        }
        let down = down.f_add(&top.f_unsqueeze(1)?)?;
        let across = across.f_add(&left.f_unsqueeze(1)?)?;
        let outside = |t: &Tensor, end: i64| -> Result<Tensor, Error> {
            Ok(t.f_lt(0)?.f_logical_or(&t.f_ge(end)?)?)
        };
        let black = outside(&down, h)?
            .f_unsqueeze(2)?
            .f_logical_or(&outside(&across, w)?.f_unsqueeze(1)?)?;
        let first = rows.f_mul_scalar(h)?.f_view([-1, 1, 1])?;
        let line = first.f_add(&down.f_unsqueeze(2)?)?.f_mul_scalar_(w)?;
        let mut places = line.f_add(&across.f_unsqueeze(1)?)?;
        Ok(places
            .f_masked_fill_(&black, count * h * w)?
            .f_reshape([-1])?)
    }
}

/// Pixels `[rows, channels, height, width]` as u8 `[rows · height · width + 1, channels]`;
/// the last row is a black pixel, which is what a window finds outside the image.
fn laid_out(pixels: &[u8], rows: usize, [c, h, w]: [i64; 3]) -> Result<Tensor, Error> {
    let (rows, places) = (rows as i64, rows as i64 * h * w);
    let out = Tensor::f_zeros([places + 1, c], (Kind::Uint8, Device::Cpu))?;
    let stored = Tensor::f_from_data_size(pixels, &[rows, c, h, w], Kind::Uint8)?;
    let mut images = out.f_narrow(0, 0, places)?.f_view([rows, h, w, c])?;
    images.f_copy_(&stored.f_permute([0, 2, 3, 1])?)?;
    Ok(out)
}

/// Row numbers as a tensor that `index_select` reads.
pub(crate) fn row_tensor(rows: &[u32], device: Device) -> Result<Tensor, Error> {
    let rows: Vec<i64> = rows.iter().map(|&row| i64::from(row)).collect();
    Ok(Tensor::f_from_slice(&rows)?.f_to_device(device)?)
}

fn check(
    what: &str,
    stored: [u32; 3],
    labels: &[i64],
    normalisation: &Normalisation,
    input: [u32; 3],
    classes: u32,
) -> Result<(), Error> {
    if stored[0] != input[0] || stored[1] < input[1] || stored[2] < input[2] {
        return invalid(format!(
            "{what}: the network takes images of {input:?}, found {stored:?}"
        ));
    }
    if labels.is_empty() {
        return invalid(format!("{what}: no images"));
    }
    if let Some(row) = labels
        .iter()
        .position(|&y| y < 0 || y >= i64::from(classes))
    {
        return invalid(format!(
            "{what}: row {row} has the label {}, the network has {classes} classes",
            labels[row]
        ));
    }
    let channels = stored[0] as usize;
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
