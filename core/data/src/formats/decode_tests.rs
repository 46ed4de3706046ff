//! Against Pillow's decoder, and against files that are not what they say.
use super::*;
use std::collections::BTreeMap;

/// A file and what Pillow makes of it; the largest difference of a value, and the mean one.
type Case = (&'static str, &'static [u8], &'static [u8], u8, f64);

const PILLOW: [Case; 7] = [
    // Half the colours of this one are stored, and decoders fill in the others differently.
    (
        "rgb420.jpg",
        include_bytes!("../../tests/pillow/rgb420.jpg"),
        include_bytes!("../../tests/pillow/rgb420.jpg.rgb"),
        16,
        2.5,
    ),
    (
        "progressive.jpg",
        include_bytes!("../../tests/pillow/progressive.jpg"),
        include_bytes!("../../tests/pillow/progressive.jpg.rgb"),
        16,
        2.5,
    ),
    (
        "grey.jpg",
        include_bytes!("../../tests/pillow/grey.jpg"),
        include_bytes!("../../tests/pillow/grey.jpg.rgb"),
        1,
        0.5,
    ),
    (
        "cmyk.jpg",
        include_bytes!("../../tests/pillow/cmyk.jpg"),
        include_bytes!("../../tests/pillow/cmyk.jpg.rgb"),
        4,
        1.0,
    ),
    (
        "restart.jpg",
        include_bytes!("../../tests/pillow/restart.jpg"),
        include_bytes!("../../tests/pillow/restart.jpg.rgb"),
        4,
        1.0,
    ),
    (
        "palette.png",
        include_bytes!("../../tests/pillow/palette.png"),
        include_bytes!("../../tests/pillow/palette.png.rgb"),
        0,
        0.0,
    ),
    (
        "rgba.png",
        include_bytes!("../../tests/pillow/rgba.png"),
        include_bytes!("../../tests/pillow/rgba.png.rgb"),
        0,
        0.0,
    ),
];

fn file(name: &str) -> &'static [u8] {
    PILLOW.iter().find(|case| case.0 == name).unwrap().1
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The damaged files of one line of `damage.txt`, and what Pillow makes of them.
fn damaged(line: &str) -> (&str, Vec<Vec<u8>>, &str) {
    let fields: Vec<&str> = line.split(' ').collect();
    let number = |field: usize| fields[field].parse::<usize>().unwrap();
    let whole = file(fields[0]);
    let files = match fields[1] {
        "cut" => {
            let tail = unhex(fields[4].trim_matches('-'));
            let cut = |end: usize| [&whole[..end], &tail].concat();
            (number(2)..=number(3)).map(cut).collect()
        }
        "insert" => {
            let (before, after) = whole.split_at(number(2));
            vec![[before, &unhex(fields[3]), after].concat()]
        }
        other => panic!("`{other}` in {line}"),
    };
    (fields[0], files, fields[fields.len() - 1])
}

/// Eighty bytes of rubbish behind the data of a first scan of several: our decoder gives up the
/// search for the next one, and the image is refused.
const TOO_FAR: &str = "progressive.jpg insert 241 2020";

/// Where Pillow paints something else for what is missing ("other"), nothing is promised.
#[test]
fn damaged_files_are_read_where_pillow_reads_the_image_and_refused_where_it_refuses() {
    let (mut tried, mut wrong) = (BTreeMap::new(), Vec::new());
    for line in include_str!("../../tests/pillow/damage.txt").lines() {
        let (name, files, outcome) = damaged(line);
        *tried.entry(outcome).or_insert(0) += files.len();
        for bytes in files {
            let found = decode(&bytes);
            let as_pillow = match outcome {
                "same" if line.starts_with(TOO_FAR) => found.is_err(),
                "same" => found == decode(file(name)),
                "refused" => found.is_err(),
                "other" => true,
                outcome => panic!("`{outcome}` in {line}"),
            };
            if !as_pillow {
                wrong.push(format!("{line}: {} bytes: {:?}", bytes.len(), found.err()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried["same"] > 700 && tried["refused"] > 4_000, "{tried:?}");
}

/// A film behind the picture, as phones write it: half of them held something that looks like
/// the start of a scan.
#[test]
fn what_lies_behind_the_end_of_an_image_is_not_looked_at() {
    let mut film = b"MotionPhoto_Data\0\0\0\x18ftypmp42".to_vec();
    film.extend((0..60_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()));
    let pairs = |wanted: u8| {
        film.windows(2)
            .filter(|pair| **pair == [0xff, wanted])
            .count()
    };
    assert!(pairs(0xda) > 0 && pairs(0xd8) > 0);
    for (name, bytes, ..) in PILLOW.iter().filter(|case| case.0.ends_with(".jpg")) {
        let with_film = [bytes, &film[..]].concat();
        assert_eq!(decode(&with_film), decode(bytes), "{name}");
        assert_eq!(size(&with_film), size(bytes), "{name}");
    }
}

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
    let found = decode(file("grey.jpg")).unwrap();
    let grey = |pixel: &[u8]| pixel[0] == pixel[1] && pixel[1] == pixel[2];
    assert!(found.pixels.chunks_exact(3).all(grey));
    let colour = decode(file("rgb420.jpg")).unwrap();
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
    check(b"BM6\x04", "[42, 4d, 36, 04]");
    check(b"<html>", "a web page");
    check(
        b"version https://git-lfs.github.com/spec/v1",
        "`git lfs pull`",
    );
    // A PNG whose header promises more pixels than would be decoded.
    let mut huge = file("rgba.png").to_vec();
    huge[16..20].copy_from_slice(&(1u32 << 20).to_be_bytes());
    assert!(decode(&huge).is_err());
    // A changed byte in the middle of a PNG fails its check sum.
    let mut changed = file("palette.png").to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    check(&changed, "damaged PNG");
}
