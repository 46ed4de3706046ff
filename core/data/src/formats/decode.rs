//! One image file, JPEG or PNG, as colour pixels.
//!
//! Grey images become three equal channels, CMYK is converted, an alpha channel is dropped;
//! colour profiles and orientation marks are ignored, as `PIL.Image.convert("RGB")` does.

use crate::formats::jpeg;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// An image whose pixels are interleaved: `[height, width, 3]`, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

/// Largest side, and most pixels: beyond them a small hostile file would fill the memory.
const MOST_SIDE: usize = 1 << 14;
const MOST_PIXELS: usize = 1 << 26;

const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Decodes what the first bytes say that it is, whatever the file is called.
pub(crate) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    match bytes {
        _ if jpeg::begins(bytes) => jpeg_picture(bytes),
        _ if is_png(bytes) => png(bytes),
        [] => Err("is empty, expected a JPEG or PNG image".to_owned()),
        _ => Err(match jackpot_net::foreign(bytes) {
            Some(what) => format!("is no JPEG or PNG image but {what}"),
            None => {
                let start = &bytes[..bytes.len().min(4)];
                format!(
                    "is no JPEG or PNG image: it starts with the bytes {start:02x?}; move it out of the data set"
                )
            }
        }),
    }
}

/// Whether the first bytes are those of a PNG file.
pub(crate) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(&PNG)
}

/// Width and height, without decoding the pixels.
pub(crate) fn size(bytes: &[u8]) -> Result<(usize, usize), String> {
    if jpeg::begins(bytes) {
        return jpeg_size(&jpeg::image(bytes)?);
    }
    decode(bytes).map(|picture| (picture.width, picture.height))
}

/// Width and height, from the bytes of one image and nothing else.
fn jpeg_size(image: &[u8]) -> Result<(usize, usize), String> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(image), options());
    decoder.decode_headers().map_err(damaged_jpeg)?;
    let info = decoder.info().ok_or("a JPEG without a frame")?;
    Ok((usize::from(info.width), usize::from(info.height)))
}

fn options() -> DecoderOptions {
    DecoderOptions::default()
        // The portable code only: the same pixels on every processor.
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .set_max_width(MOST_SIDE)
        .set_max_height(MOST_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB)
}

fn damaged_jpeg(error: impl std::fmt::Debug) -> String {
    format!("is a damaged JPEG image: {error:?}: copy it again")
}

fn check_size(width: usize, height: usize) -> Result<(), String> {
    if width == 0 || height == 0 || width.saturating_mul(height) > MOST_PIXELS {
        return Err(format!(
            "is an image of {height}×{width} pixels, expected at least 1 and at most {MOST_PIXELS}"
        ));
    }
    Ok(())
}

fn jpeg_picture(bytes: &[u8]) -> Result<Picture, String> {
    let image: &[u8] = &jpeg::image(bytes)?;
    let (width, height) = jpeg_size(image)?;
    check_size(width, height)?;
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(image), options());
    let pixels = decoder.decode().map_err(damaged_jpeg)?;
    if pixels.len() != width * height * 3 {
        return Err(format!(
            "is a JPEG image of {} values, expected {height}×{width}×3",
            pixels.len()
        ));
    }
    Ok(Picture {
        width,
        height,
        pixels,
    })
}

fn png(bytes: &[u8]) -> Result<Picture, String> {
    let damaged =
        |error: png::DecodingError| format!("is a damaged PNG image: {error}: copy it again");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let (width, height) = {
        let header = decoder.read_header_info().map_err(damaged)?;
        (header.width as usize, header.height as usize)
    };
    if width > MOST_SIDE || height > MOST_SIDE {
        return Err(format!(
            "is an image of {height}×{width} pixels, expected at most {MOST_SIDE} a side"
        ));
    }
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let length = reader
        .output_buffer_size()
        .ok_or("is a PNG image too large to decode")?;
    let mut decoded = vec![0; length];
    let frame = reader.next_frame(&mut decoded).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    let values = &decoded[..frame.buffer_size()];
    let per_pixel = frame.color_type.samples();
    let pixels = match per_pixel {
        1 | 2 => values
            .chunks_exact(per_pixel)
            .flat_map(|pixel| [pixel[0]; 3])
            .collect(),
        3 => values.to_vec(),
        _ => values
            .chunks_exact(per_pixel)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect(),
    };
    Ok(Picture {
        width,
        height,
        pixels,
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
