//! The sha256 that names an object, and hashing while reading.

use crate::{Error, error::failed};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{fmt, fs::File, io::Read, path::Path, str::FromStr};

/// A sha256. Displays and serialises as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(
    /// The 32 bytes, first digit first.
    pub [u8; 32],
);

impl Digest {
    /// The sha256 of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The sha256 of a file's bytes, read in pieces; a link is followed.
    pub fn of_file(path: &Path) -> Result<Digest, Error> {
        let mut file = File::open(path).map_err(failed(path, "could not open the file to hash"))?;
        let (digest, _) = copy_hashed(&mut file, |_| Ok(()))
            .map_err(failed(path, "could not read the file to hash"))?;
        Ok(digest)
    }
}

/// Reads to the end, giving every piece to `sink`; returns the sha256 and the number of bytes.
pub(crate) fn copy_hashed(
    source: &mut impl Read,
    mut sink: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => return Ok((Digest(hasher.finalize().into()), total)),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&piece[..count]);
        sink(&piece[..count])?;
        total += count as u64;
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Exactly 64 digits of `0-9a-f`: one digest has one spelling.
    fn from_str(text: &str) -> Result<Digest, Error> {
        let refused = || {
            let shown: String = text.chars().take(80).collect();
            Error::Invalid(format!(
                "expected a sha256 as 64 digits of 0-9 and a-f, found `{shown}`"
            ))
        };
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(refused());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (nibble(pair[0]), nibble(pair[1]));
            let (Some(high), Some(low)) = (high, low) else {
                return Err(refused());
            };
            *byte = high << 4 | low;
        }
        Ok(Digest(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // FIPS 180-4 examples: the empty message and "abc".
        let check = |bytes: &[u8], hex: &str| {
            assert_eq!(Digest::of(bytes).to_string(), hex);
            assert_eq!(Digest::of(bytes), hex.parse().unwrap());
        };
        check(
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        );
        check(
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
    }

    #[test]
    fn one_spelling() {
        let good = Digest::of(b"abc").to_string();
        for bad in [
            "",
            &good[1..],
            &format!("{good}0"),
            &good.to_uppercase(),
            &good.replace('b', "g"),
            &format!("é{}", &good[2..]),
        ] {
            let error = bad.parse::<Digest>().unwrap_err().to_string();
            assert!(error.contains("64 digits"), "{error}");
        }
    }

    #[test]
    fn serialises_as_text() {
        let digest = Digest::of(b"abc");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(text, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"abc\"").is_err());
    }
}
