//! Windows of random size and shape, resized to what the network takes: torchvision's
//! `RandomResizedCrop` with Pillow's bilinear filter.
use crate::Error;
use jackpot_rng::Key;
use tch::{Kind, Tensor};

/// The narrowest and the widest window, as width over height: torchvision's default.
const SHAPES: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];

/// So many windows are drawn for an image until one lies within it.
const TRIES: usize = 10;

/// A part of a stored image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub top: i64,
    pub left: i64,
    pub height: i64,
    pub width: i64,
}

/// A number from 0 to below `n`: the high half of the product, uniform to within n·2^-64.
pub(crate) fn below(word: u64, n: i64) -> i64 {
    ((u128::from(word) * n as u128) >> 64) as i64
}

impl Window {
    /// The window of `row`: `least` to 1 of the stored area, the logarithm of its shape
    /// uniform, its place uniform. A try takes four words of `key.fold(row).fold_name("window")`:
    /// area, shape, top, left. If none of the tries lies within the image, the window is the
    /// largest one of an allowed shape, in the middle.
    pub fn draw([height, width]: [i64; 2], least: f64, key: Key, row: u32) -> Window {
        let mut words = [0; 4 * TRIES];
        let key = key.fold(u64::from(row)).fold_name("window");
        jackpot_rng::bits(key, &mut words);
        let between = |word: u64, from: f64, to: f64| {
            from + (to - from) * ((word >> 11) as f64 / (1u64 << 53) as f64)
        };
        let [narrowest, widest] = SHAPES.map(f64::ln);
        for &[area, shape, top, left] in words.as_chunks::<4>().0 {
            let area = between(area, least, 1.0) * (height * width) as f64;
            let shape = between(shape, narrowest, widest).exp();
            let (w, h) = ((area * shape).sqrt().round(), (area / shape).sqrt().round());
            let (w, h) = (w as i64, h as i64);
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let (top, left) = (below(top, height - h + 1), below(left, width - w + 1));
                return Window {
                    top,
                    left,
                    height: h,
                    width: w,
                };
            }
        }
        Window::middle(height, width)
    }

    fn middle(height: i64, width: i64) -> Window {
        let [narrowest, widest] = SHAPES;
        let longest = |side: i64, by: f64, most: i64| ((side as f64 * by).round() as i64).min(most);
        let h = longest(width, 1.0 / narrowest, height);
        let w = longest(height, widest, width);
        Window {
            top: (height - h) / 2,
            left: (width - w) / 2,
            height: h,
            width: w,
        }
    }
}

/// So many images are resized at once: their sums are held in f64.
const AT_ONCE: i64 = 16;

/// The `windows` of images `[n, h, w, c]` (bytes), resized to `[n, height, width, c]` and
/// mirrored where `flipped` (bool `[n]`) says so: f64 of whole numbers from 0 to 255, to the
/// bit Pillow's. Its sums are of integers, which f64 holds exactly, so no order of summation
/// and no device changes them.
pub(crate) fn resized(
    images: &Tensor,
    windows: &[Window],
    flipped: Option<&Tensor>,
    [height, width]: [i64; 2],
) -> Result<Tensor, Error> {
    let (_, h, w, c) = images.size4()?;
    let mut parts = Vec::new();
    for (part, windows) in windows.chunks(AT_ONCE as usize).enumerate() {
        let (start, n) = (part as i64 * AT_ONCE, windows.len() as i64);
        let across = windows.iter().map(|v| [v.left, v.width]);
        let mut across = weights(across, w, width)?.f_to_device(images.device())?;
        if let Some(flipped) = flipped {
            let flipped = flipped.f_narrow(0, start, n)?.f_view([-1, 1, 1])?;
            across = across.f_flip([1])?.f_where_self(&flipped, &across)?;
        }
        let down = windows.iter().map(|v| [v.top, v.height]);
        let down = weights(down, h, height)?.f_to_device(images.device())?;
        let columns = images
            .f_narrow(0, start, n)?
            .f_to_kind(Kind::Double)?
            .f_permute([0, 2, 1, 3])?
            .f_reshape([n, w, h * c])?;
        let lines = rounded(across.f_bmm(&columns)?)?
            .f_view([n, width, h, c])?
            .f_permute([0, 2, 1, 3])?
            .f_reshape([n, h, width * c])?;
        parts.push(rounded(down.f_bmm(&lines)?)?.f_view([n, height, width, c])?);
    }
    Ok(Tensor::f_cat(&parts, 0)?)
}

/// Weighted sums of bytes as bytes again, halves up.
fn rounded(mut sums: Tensor) -> Result<Tensor, Error> {
    let whole = jackpot_data::WHOLE as f64;
    Ok(sums
        .f_add_scalar_(whole / 2.0)?
        .f_div_scalar_(whole)?
        .f_floor_()?)
}

/// f64 `[n, wanted, stored]`: the weight of each stored place in each place of a line resized
/// from `[first, length]` of the stored one.
fn weights(
    spans: impl ExactSizeIterator<Item = [i64; 2]>,
    stored: i64,
    wanted: i64,
) -> Result<Tensor, Error> {
    let size = [spans.len() as i64, wanted, stored];
    let (stored, wanted) = (stored as usize, wanted as usize);
    let mut all = vec![0f64; spans.len() * wanted * stored];
    for (span, lines) in spans.zip(all.chunks_exact_mut(wanted * stored)) {
        let [first, length] = span.map(|x| x as usize);
        let filters = jackpot_data::filters(length, wanted);
        for (filter, line) in filters.iter().zip(lines.chunks_exact_mut(stored)) {
            let under = line[first + filter.first..].iter_mut().zip(&filter.weights);
            under.for_each(|(to, &weight)| *to = weight as f64);
        }
    }
    Ok(Tensor::f_from_slice(&all)?.f_view(size)?)
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
