//! What a file is that is not what its name or its place says.
//!
//! Readers fail on such a file at its first field, and say so in the words of their own format
//! ("header too large"). The first bytes of the files that most often lie in the wrong place
//! tell what they are, and what to do.

/// What a file that was expected to hold something else is, told by its first bytes, and what
/// to do about it; `None` if they are of no kind that is known here.
pub fn foreign(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    if start.starts_with(b"PK\x03\x04") {
        return Some(archive(start));
    }
    Some(match start {
        _ if text.starts_with(b"version https://git-lfs") => {
            "a pointer of Git LFS, which stands for the file: `git lfs pull` fetches the file itself"
        }
        _ if text.starts_with(b"<") => {
            "a web page or other markup, such as a server sends instead of a file that it does not give: download the file again"
        }
        [0x80, 2..=5, ..] => {
            "a pickle, as `torch.save` writes; in Python, `safetensors.torch.save_file(torch.load(FILE), \"weights.safetensors\")` writes a state_dict that can be read"
        }
        [0x1f, 0x8b, ..] => "packed with gzip: unpack it",
        _ if start.starts_with(b"\x93NUMPY") => {
            "an array of `numpy.save`; in Python, `safetensors.numpy.save_file({NAME: numpy.load(FILE)}, \"arrays.safetensors\")` writes one that can be read"
        }
        _ if start.starts_with(b"\x89HDF\r\n") => {
            "an HDF5 file, as Keras writes; in Python, `safetensors.numpy.save_file` writes arrays that can be read"
        }
        _ => return None,
    })
}

/// What a zip archive is, by the name of the first file in it.
fn archive(start: &[u8]) -> &'static str {
    let length = start
        .get(26..28)
        .map_or(0, |l| u16::from_le_bytes([l[0], l[1]]));
    let name = start.get(30..).unwrap_or_default();
    let name = &name[..name.len().min(usize::from(length))];
    match name {
        _ if name.ends_with(b".npy") => {
            "an archive of `numpy.savez`; in Python, `safetensors.numpy.save_file(dict(numpy.load(FILE)), \"arrays.safetensors\")` writes one that can be read"
        }
        _ if name.ends_with(b"/data.pkl") => {
            "a file of `torch.save`; in Python, `safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")` writes one that can be read"
        }
        _ => {
            "a zip archive; if `torch.save` wrote it, in Python `safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")` writes a file that can be read"
        }
    }
}

/// Why bytes that a user gave are no safetensors file: what they are, or what the reader says.
pub fn not_tensors(bytes: &[u8], error: &safetensors::SafeTensorError) -> String {
    match foreign(bytes) {
        Some(what) => format!("not a safetensors file but {what}"),
        None if bytes.is_empty() => "not a safetensors file: it is empty".to_owned(),
        None => format!("not a safetensors file: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_file_is() {
        let zip = |name: &str| {
            let mut bytes = b"PK\x03\x04".to_vec();
            bytes.resize(26, 0);
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            [&bytes, name.as_bytes(), b"anything"].concat()
        };
        let cases: [(&[u8], &str); 14] = [
            (b"\x80\x02\x8a\nl\xfc", "a pickle"),
            (b"\x80\x03\x8a", "a pickle"),
            (b"\x80\x04\x95", "a pickle"),
            (b"\x80\x05\x95", "a pickle"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "git lfs pull",
            ),
            (b"<!DOCTYPE html>", "a web page"),
            (b"\xef\xbb\xbf\r\n <html>", "a web page"),
            (&zip("a.npy"), "`numpy.savez`"),
            (&zip("archive/data.pkl"), "a file of `torch.save`"),
            (&zip("mimetype"), "a zip archive"),
            (b"PK\x03\x04", "a zip archive"),
            (b"\x93NUMPY\x01\0", "`numpy.save`"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x1f\x8b\x08", "gzip"),
        ];
        for (bytes, expected) in cases {
            let found = foreign(bytes).unwrap();
            assert!(found.contains(expected), "{bytes:02x?}: {found}");
        }
        // What begins as a safetensors file, an image, an IDX file or nothing is left alone.
        for bytes in [
            &b"\x40\0\0\0\0\0\0\0{\"x\""[..],
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n",
            b"\0\0\x08\x03",
            b"\x80\x06",
            b"\x80",
            b"P",
            b"",
        ] {
            assert_eq!(foreign(bytes), None, "{bytes:02x?}");
        }
    }
}
