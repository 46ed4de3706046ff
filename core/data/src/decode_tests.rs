//! Against Pillow's decoder, and against files that are not what they say.
use super::*;

/// A file and what Pillow makes of it; the largest difference of a value, and the mean one.
type Case = (&'static str, &'static [u8], &'static [u8], u8, f64);

const PILLOW: [Case; 6] = [
    // Half the colours of this one are stored, and decoders fill in the others differently.
    (
        "rgb420.jpg",
        include_bytes!("../tests/pillow/rgb420.jpg"),
        include_bytes!("../tests/pillow/rgb420.jpg.rgb"),
        16,
        2.5,
    ),
    (
        "progressive.jpg",
        include_bytes!("../tests/pillow/progressive.jpg"),
        include_bytes!("../tests/pillow/progressive.jpg.rgb"),
        16,
        2.5,
    ),
    (
        "grey.jpg",
        include_bytes!("../tests/pillow/grey.jpg"),
        include_bytes!("../tests/pillow/grey.jpg.rgb"),
        1,
        0.5,
    ),
    (
        "cmyk.jpg",
        include_bytes!("../tests/pillow/cmyk.jpg"),
        include_bytes!("../tests/pillow/cmyk.jpg.rgb"),
        4,
        1.0,
    ),
    (
        "palette.png",
        include_bytes!("../tests/pillow/palette.png"),
        include_bytes!("../tests/pillow/palette.png.rgb"),
        0,
        0.0,
    ),
    (
        "rgba.png",
        include_bytes!("../tests/pillow/rgba.png"),
        include_bytes!("../tests/pillow/rgba.png.rgb"),
        0,
        0.0,
    ),
];

#[test]
fn pixels_are_those_that_pillow_decodes() {
    for (name, file, expected, most, mean) in PILLOW {
        let found = decode(file).unwrap();
        assert_eq!((found.width, found.height), (16, 12), "{name}");
        assert_eq!(size(file).unwrap(), (16, 12), "{name}");
        let away = |pair: (&u8, &u8)| pair.0.abs_diff(*pair.1);
        let away: Vec<u8> = found.pixels.iter().zip(expected).map(away).collect();
        let largest = away.iter().copied().max().unwrap();
        let sum: f64 = away.iter().map(|&d| f64::from(d)).sum();
        let average = sum / away.len() as f64;
        assert!(
            largest <= most && average <= mean,
            "{name}: {largest}, {average}"
        );
    }
}

#[test]
fn a_grey_image_has_three_equal_channels() {
    let found = decode(PILLOW[2].1).unwrap();
    let grey = |pixel: &[u8]| pixel[0] == pixel[1] && pixel[1] == pixel[2];
    assert!(found.pixels.chunks_exact(3).all(grey));
    let colour = decode(PILLOW[0].1).unwrap();
    assert!(!colour.pixels.chunks_exact(3).all(grey));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for (name, file, ..) in PILLOW {
        for end in 0..file.len() - 2 {
            let error = decode(&file[..end]).err();
            assert!(error.is_some(), "{name} cut after {end} of {}", file.len());
        }
    }
}

#[test]
fn what_is_no_image_says_what_it_is() {
    let check = |bytes: &[u8], expected: &str| {
        let error = decode(bytes).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(b"", "is empty");
    check(b"GIF89a", "is no JPEG or PNG image");
    check(b"<html>", "[3c, 68, 74, 6d]");
    // A PNG whose header promises more pixels than would be decoded.
    let mut huge = PILLOW[5].1.to_vec();
    huge[16..20].copy_from_slice(&(1u32 << 20).to_be_bytes());
    assert!(decode(&huge).is_err());
    // A changed byte in the middle of a PNG fails its check sum.
    let mut changed = PILLOW[4].1.to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    check(&changed, "damaged PNG");
}
