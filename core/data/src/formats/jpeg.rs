//! Which bytes of a file are its JPEG image.
//!
//! Cameras, phones and broken writers leave bytes between two segments and behind the end
//! marker (a film, a second picture). libjpeg, and so Pillow and every browser, skips them: it
//! looks for the next marker, and stops at the first end marker that follows a scan. The
//! decoder is given what that leaves, so that it need not guess.

use std::borrow::Cow;
use std::ops::Range;

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// The image from its start marker to its end marker, without the bytes that belong to no
/// segment.
///
/// # Errors
/// The file ends before the image does, or has a marker where none may be.
pub(crate) fn image(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let start_marker = 0..2;
    let mut walk = Walk {
        bytes,
        at: 2,
        kept: vec![start_marker],
        scanned: false,
    };
    while walk.segment()? {}
    Ok(match &walk.kept[..] {
        [all] => Cow::Borrowed(&bytes[all.clone()]),
        parts => Cow::Owned(
            parts
                .iter()
                .flat_map(|part| &bytes[part.clone()])
                .copied()
                .collect(),
        ),
    })
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What belongs to the image, in order.
    kept: Vec<Range<usize>>,
    /// Whether a scan has been passed.
    scanned: bool,
}

impl Walk<'_> {
    /// Passes one segment, with the data of a scan; false: it was the end marker.
    fn segment(&mut self) -> Result<bool, String> {
        let (start, marker) = self.marker()?;
        match marker {
            END if self.scanned => {
                self.keep(start..start + 2);
                return Ok(false);
            }
            // Restart markers that stand alone say nothing, as in libjpeg.
            0xd0..=0xd7 => {
                self.at = start + 2;
                return Ok(true);
            }
            // Nor does this one behind a scan; before it, Pillow takes it for damage.
            0x01 if self.scanned => {
                self.at = start + 2;
                return Ok(true);
            }
            0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xef | 0xfe => {}
            _ => {
                return Err(format!(
                    "is a damaged JPEG image: the marker ff {marker:02x} at byte {start}, where a segment was expected: copy it again"
                ));
            }
        }
        let length = self.bytes.get(start + 2..start + 4);
        let length = length.ok_or_else(|| self.truncated())?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 {
            return Err(format!(
                "is a damaged JPEG image: the segment at byte {start} says that it has {length} bytes, fewer than its own length takes: copy it again"
            ));
        }
        let mut end = start + 2 + length;
        if end > self.bytes.len() {
            return Err(self.truncated());
        }
        if marker == SCAN {
            end = self.after_scan(end);
            self.scanned = true;
        }
        self.keep(start..end);
        self.at = end;
        Ok(true)
    }

    /// Place and second byte of the next marker, whatever lies before it.
    fn marker(&self) -> Result<(usize, u8), String> {
        let rest = &self.bytes[self.at..];
        rest.windows(2)
            .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))
            .map(|place| (self.at + place, rest[place + 1]))
            .ok_or_else(|| self.truncated())
    }

    /// Where the coded data that begins at `start` ends: before the first marker that is no
    /// restart marker. A zero behind ff says that it is data, another ff fills.
    fn after_scan(&self, start: usize) -> usize {
        let rest = &self.bytes[start..];
        rest.windows(2)
            .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7))
            .map_or(self.bytes.len(), |place| start + place)
    }

    fn keep(&mut self, part: Range<usize>) {
        match self.kept.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.kept.push(part),
        }
    }

    fn truncated(&self) -> String {
        format!(
            "is a truncated JPEG image: no end marker within its {} bytes: copy it again",
            self.bytes.len()
        )
    }
}

/// Whether a file begins as a JPEG image does.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, START, 0xff])
}
