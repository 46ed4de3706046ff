//! The IDX format of the MNIST family, plain or in gzip.
//!
//! Big-endian: two zero bytes, the type (8 is u8), the number of dimensions, one u32 a
//! dimension, then the values row-major. Errors name the byte, counted from 0 in the
//! unpacked stream unless they say "packed".

use flate2::bufread::GzDecoder;
use std::io::Read;

/// What a file must hold: the published counts, which its name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Rows of height × width pixels.
    Images { rows: u32, height: u32, width: u32 },
    /// Rows of one class each, below `classes`.
    Labels { rows: u32, classes: u32 },
}

impl Shape {
    fn dimensions(self) -> Vec<(&'static str, u32)> {
        match self {
            Shape::Images {
                rows,
                height,
                width,
            } => vec![
                ("images", rows),
                ("pixel rows", height),
                ("pixels a row", width),
            ],
            Shape::Labels { rows, .. } => vec![("labels", rows)],
        }
    }

    /// The same with another number of rows.
    pub(crate) fn with(self, rows: u32) -> Shape {
        match self {
            Shape::Images { height, width, .. } => Shape::Images {
                rows,
                height,
                width,
            },
            Shape::Labels { classes, .. } => Shape::Labels { rows, classes },
        }
    }

    fn header_len(self) -> usize {
        4 + 4 * self.dimensions().len()
    }

    /// Bytes of the unpacked file.
    pub(crate) fn file_len(self) -> usize {
        let values: usize = self.dimensions().iter().map(|d| d.1 as usize).product();
        self.header_len() + values
    }
}

/// The values of an unpacked IDX file that holds exactly `shape`.
pub(crate) fn values(bytes: &[u8], shape: Shape) -> Result<&[u8], String> {
    let dimensions = shape.dimensions();
    let header = shape.header_len();
    check_magic(bytes, shape)?;
    if bytes.len() < header {
        return Err(format!(
            "truncated at byte {}: the IDX header of {} has {header} bytes",
            bytes.len(),
            dimensions[0].0
        ));
    }
    for (i, (what, expected)) in dimensions.iter().enumerate() {
        let at = 4 + 4 * i;
        let field = bytes[at..at + 4].try_into().expect("four bytes");
        let found = u32::from_be_bytes(field);
        if found != *expected {
            return Err(format!(
                "byte {at}: the header says {found} {what}, expected {expected}: is it another data set's file?"
            ));
        }
    }
    let expected = shape.file_len();
    if bytes.len() < expected {
        return Err(format!(
            "truncated at byte {}, expected {expected} bytes: copy the file again",
            bytes.len()
        ));
    }
    if bytes.len() > expected {
        return Err(format!(
            "{} bytes too many from byte {expected} on: copy the file again",
            bytes.len() - expected
        ));
    }
    if let Shape::Labels { classes, .. } = shape
        && let Some(row) = bytes[header..]
            .iter()
            .position(|&b| u32::from(b) >= classes)
    {
        return Err(format!(
            "byte {}: label {} of row {row}, expected 0 to {}",
            header + row,
            bytes[header + row],
            classes - 1
        ));
    }
    Ok(&bytes[header..])
}

/// The values of `rows` square grey images, or of as many labels of ten classes if `side` is 0,
/// in a file as it lies. For tests, which have no room for sets of the published size.
pub fn read(bytes: &[u8], packed: bool, rows: u32, side: u32) -> Result<Vec<u8>, String> {
    let shape = match side {
        0 => Shape::Labels { rows, classes: 10 },
        side => Shape::Images {
            rows,
            height: side,
            width: side,
        },
    };
    if packed {
        values(&gunzip(bytes, shape)?, shape).map(<[u8]>::to_vec)
    } else {
        values(bytes, shape).map(<[u8]>::to_vec)
    }
}

/// The rows that a file's header promises, from 1 to those of `shape`. Whether it keeps the
/// promise is for [`values`] to say.
pub(crate) fn rows(bytes: &[u8], packed: bool, shape: Shape) -> Result<u32, String> {
    const START: usize = 8;
    let mut start = Vec::new();
    if packed {
        check_packed(bytes)?;
    }
    if packed {
        GzDecoder::new(bytes)
            .take(START as u64)
            .read_to_end(&mut start)
    } else {
        bytes.take(START as u64).read_to_end(&mut start)
    }
    .map_err(|error| format!("cannot be unpacked: {error}"))?;
    check_magic(&start, shape)?;
    let (what, most) = shape.dimensions()[0];
    let field = start.get(4..START).and_then(|field| field.try_into().ok());
    let found = field.map(u32::from_be_bytes).ok_or_else(|| {
        let found = start.len();
        format!("truncated at byte {found}: the IDX header of {what} is longer")
    })?;
    if (1..=most).contains(&found) {
        Ok(found)
    } else {
        Err(format!(
            "byte 4: the header says {found} {what}, expected 1 to {most}"
        ))
    }
}

/// As far as there are bytes. It comes before any test of the size, so that a file under
/// another's name is called that and not too large.
fn check_magic(bytes: &[u8], shape: Shape) -> Result<(), String> {
    let dimensions = shape.dimensions();
    let magic = [0, 0, 8, dimensions.len() as u8];
    let wrong = bytes.iter().zip(magic).position(|(&b, m)| b != m);
    wrong.map_or(Ok(()), |at| {
        let meaning = magic_meaning(at, bytes[at], dimensions[0].0);
        let foreign = jackpot_net::foreign(bytes).filter(|_| bytes[0] != 0x1f);
        Err(format!(
            "byte {at}: expected {:#04x}, found {:#04x}: {}",
            magic[at],
            bytes[at],
            foreign.map_or(meaning.to_owned(), |what| format!("{meaning} but {what}"))
        ))
    })
}

/// Does the file that starts with these bytes, in gzip if `packed`, start as one of this
/// shape? A start that cannot be unpacked is not judged.
pub(crate) fn check_start(start: &[u8], packed: bool, shape: Shape) -> Result<(), String> {
    if !packed {
        return check_magic(start, shape);
    }
    check_packed(start)?;
    let mut magic = Vec::new();
    match GzDecoder::new(start).take(4).read_to_end(&mut magic) {
        Ok(_) => check_magic(&magic, shape),
        Err(_) => Ok(()),
    }
}

fn magic_meaning(at: usize, found: u8, name: &str) -> &'static str {
    match (at, found, name) {
        (0, 0x1f, _) => "it is packed with gzip, so its name must end in `.gz`",
        (0 | 1, ..) => "it is no IDX file",
        (2, ..) => "the values are not unsigned bytes",
        (_, 1, "images") => "it holds labels under the name of an images file",
        (_, 3, "labels") => "it holds images under the name of a labels file",
        _ => "the number of dimensions is wrong",
    }
}

/// Does a file whose name ends in `.gz` start as a gzip file? Browsers unpack what they
/// download and keep the name.
fn check_packed(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    let what = match bytes {
        [0, 0, 8, 1 | 3, ..] => {
            "it is not packed (a browser may have unpacked it): take `.gz` off its name"
        }
        [] => "it is empty: download it again",
        _ => jackpot_net::foreign(bytes).unwrap_or("it is another file: download it again"),
    };
    Err(format!(
        "packed byte 0: no gzip file, expected 0x1f 0x8b: {what}"
    ))
}

/// Unpacks one gzip member of exactly a `shape`'s bytes, with its check sum.
pub(crate) fn gunzip(packed: &[u8], shape: Shape) -> Result<Vec<u8>, String> {
    let expected = shape.file_len();
    check_packed(packed)?;
    let mut decoder = GzDecoder::new(packed);
    let mut unpacked = Vec::with_capacity(expected);
    // One byte more than expected: enough to notice, whatever a hostile file unpacks to.
    let outcome = decoder
        .by_ref()
        .take(expected as u64 + 1)
        .read_to_end(&mut unpacked);
    let at = packed.len() - decoder.get_ref().len();
    if unpacked.len() > expected {
        check_magic(&unpacked, shape)?;
        return Err(format!(
            "packed byte {at}: unpacks to more than the {expected} bytes expected"
        ));
    }
    if let Err(error) = outcome {
        let found = unpacked.len();
        return Err(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                format!("truncated at packed byte {at}, {found} of {expected} bytes unpacked")
            }
            _ => format!("damaged near packed byte {at}, byte {found} unpacked: {error}"),
        });
    }
    let rest = packed.len() - at;
    if rest > 0 {
        return Err(format!(
            "{rest} bytes too many from packed byte {at} on: copy the file again"
        ));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    const IMAGES: Shape = Shape::Images {
        rows: 2,
        height: 2,
        width: 3,
    };
    const LABELS: Shape = Shape::Labels {
        rows: 3,
        classes: 10,
    };

    fn images() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        file.extend(0..12);
        file
    }

    fn labels() -> Vec<u8> {
        vec![0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4]
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn check(bytes: &[u8], shape: Shape, expected: &str) {
        let error = values(bytes, shape).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn good_files_are_read() {
        let pixels: Vec<u8> = (0..12).collect();
        assert_eq!(values(&images(), IMAGES).unwrap(), pixels);
        assert_eq!(values(&labels(), LABELS).unwrap(), [9, 0, 4]);
        assert_eq!(gunzip(&gzip(&images()), IMAGES).unwrap(), images());
    }

    #[test]
    fn a_part_has_as_many_rows_as_its_header_says() {
        let whole = IMAGES.with(3);
        for (bytes, packed) in [(images(), false), (gzip(&images()), true)] {
            assert_eq!(rows(&bytes, packed, whole), Ok(2));
            let error = rows(&bytes, packed, IMAGES.with(1)).unwrap_err();
            assert!(error.contains("2 images, expected 1 to 1"), "{error}");
            assert!(rows(&bytes, packed, LABELS).unwrap_err().contains("byte 3"));
        }
        let error = rows(&images()[..6], false, whole).unwrap_err();
        assert!(error.contains("truncated at byte 6"), "{error}");
        let error = rows(&images(), true, whole).unwrap_err();
        assert!(error.contains("take `.gz` off its name"), "{error}");
        let error = rows(&gzip(&images())[..6], true, whole).unwrap_err();
        assert!(error.contains("cannot be unpacked"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_gzip_says_what_it_is() {
        let page = b"<!DOCTYPE html><html>403</html>";
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n";
        for (bytes, expected) in [
            (&images()[..], "take `.gz` off its name"),
            (&labels(), "take `.gz` off its name"),
            (page, "a web page"),
            (pointer, "`git lfs pull`"),
            (&[0x80, 4, 0x95], "a pickle"),
            (b"", "it is empty"),
            (b"other", "it is another file"),
        ] {
            let error = gunzip(bytes, IMAGES).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert_eq!(rows(bytes, true, IMAGES.with(3)), Err(error.clone()));
            assert_eq!(check_start(bytes, true, IMAGES), Err(error));
        }
        // The same under a name without `.gz`.
        check(page, IMAGES, "it is no IDX file but a web page");
        check(
            pointer,
            LABELS,
            "it is no IDX file but a pointer of Git LFS",
        );
    }

    #[test]
    fn every_truncation_names_its_byte() {
        for (file, shape) in [(images(), IMAGES), (labels(), LABELS)] {
            for end in 0..file.len() {
                check(&file[..end], shape, &format!("truncated at byte {end}"));
            }
            let packed = gzip(&file);
            for end in 2..packed.len() {
                let error = gunzip(&packed[..end], shape).unwrap_err();
                assert!(
                    error.contains(&format!("truncated at packed byte {end}")),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn mislabelled_files_name_the_byte() {
        check(
            &labels(),
            IMAGES,
            "byte 3: expected 0x03, found 0x01: it holds labels",
        );
        check(
            &images()[..11],
            IMAGES,
            "truncated at byte 11: the IDX header of images has 16",
        );
        check(
            &images(),
            LABELS,
            "byte 3: expected 0x01, found 0x03: it holds images",
        );
        let long_labels = [&labels()[..], &[0; 17]].concat();
        check(
            &long_labels,
            IMAGES,
            "byte 3: expected 0x03, found 0x01: it holds labels",
        );
        check(
            &gzip(&images()),
            IMAGES,
            "byte 0: expected 0x00, found 0x1f: it is packed",
        );
        let with = |at: usize, byte| {
            let mut file = images();
            file[at] = byte;
            file
        };
        check(
            &with(2, 0x0d),
            IMAGES,
            "byte 2: expected 0x08, found 0x0d: the values",
        );
        check(
            &with(7, 3),
            IMAGES,
            "byte 4: the header says 3 images, expected 2",
        );
        check(
            &with(4, 255),
            IMAGES,
            "byte 4: the header says 4278190082 images",
        );
        check(
            &with(11, 4),
            IMAGES,
            "byte 8: the header says 4 pixel rows, expected 2",
        );
        check(
            &with(15, 4),
            IMAGES,
            "byte 12: the header says 4 pixels a row, expected 3",
        );
        let mut file = labels();
        file[9] = 10;
        check(&file, LABELS, "byte 9: label 10 of row 1, expected 0 to 9");
        file.push(0);
        check(&file, LABELS, "1 bytes too many from byte 11 on");
    }

    #[test]
    fn damaged_gzip_is_refused() {
        let packed = gzip(&images());
        let tail = [&packed[..], &[7]].concat();
        let error = gunzip(&tail, IMAGES).unwrap_err();
        assert!(error.contains(&format!(
            "1 bytes too many from packed byte {}",
            packed.len()
        )));
        let long = [images(), vec![0]].concat();
        assert!(
            gunzip(&gzip(&long), IMAGES)
                .unwrap_err()
                .contains("more than the 28 bytes")
        );
        assert!(
            gunzip(&images(), IMAGES)
                .unwrap_err()
                .contains("no gzip file")
        );
        // A megabyte more is stopped one byte after the 28 expected.
        let hostile = [images(), vec![0; 1 << 20]].concat();
        assert!(
            gunzip(&gzip(&hostile), IMAGES)
                .unwrap_err()
                .contains("more than")
        );
        let mut flipped = packed.clone();
        let last = flipped.len() - 6; // inside the CRC
        flipped[last] ^= 1;
        assert!(
            gunzip(&flipped, IMAGES)
                .unwrap_err()
                .contains("damaged near packed byte")
        );
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = values(&bytes, IMAGES);
            let _ = values(&bytes, LABELS);
            let _ = gunzip(&bytes, IMAGES);
            let mut packed = gzip(&images());
            for (at, byte) in bytes.iter().enumerate() {
                let place = 2 + at % (packed.len() - 2);
                packed[place] ^= byte;
            }
            if let Ok(unpacked) = gunzip(&packed, IMAGES) {
                let whole = unpacked == images();
                prop_assert!(whole, "other bytes passed the check sum");
            }
        }
    }
}
