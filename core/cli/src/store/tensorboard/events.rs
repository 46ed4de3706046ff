//! TensorBoard's event files: TFRecords, each one protobuf `Event`.
//!
//! A record is the length of its data (u64), the masked CRC-32C of those eight bytes, the
//! data, and the masked CRC-32C of the data, all little-endian (`record_writer.h` of
//! TensorFlow); the first record names the version (`event.proto`, `summary.proto`).
use prost::Message;

/// One point of one curve.
pub struct Scalar<'a> {
    /// The curve's name; what stands before a `/` groups curves.
    pub tag: &'a str,
    /// The place on the horizontal axis.
    pub step: u64,
    /// The value.
    pub value: f32,
}

/// A whole event file. Its bytes are a function of the points: an event's wall time, which
/// must be there and must not fall, is the number of its step.
pub fn file(points: &[Scalar]) -> Vec<u8> {
    let version = Event {
        wall_time: 0.0,
        step: 0,
        what: Some(What::FileVersion("brain.Event:2".into())),
    };
    let mut bytes = record(&version.encode_to_vec());
    for point in points {
        let event = Event {
            wall_time: point.step as f64,
            step: i64::try_from(point.step).unwrap_or(i64::MAX),
            what: Some(What::Summary(Summary {
                value: vec![Value {
                    tag: point.tag.into(),
                    simple_value: Some(point.value),
                }],
            })),
        };
        bytes.extend(record(&event.encode_to_vec()));
    }
    bytes
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked(data).to_le_bytes());
    bytes
}

/// A checksum of bytes that hold their own checksum is a constant: hence the mask.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    // One of several kinds of value, so a 0 is written too.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32C bit by bit, from its polynomial.
    fn checksum(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for &byte in bytes {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            }
        }
        !crc
    }

    fn unmasked(stored: &[u8]) -> u32 {
        let masked = u32::from_le_bytes(stored.try_into().unwrap());
        masked.wrapping_sub(0xa282_ead8).rotate_left(15)
    }

    /// The data of every record, all checksums checked.
    fn records(mut bytes: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            if unmasked(&bytes[8..12]) != checksum(&bytes[..8]) {
                return Err("length");
            }
            let (data, rest) = bytes[12..].split_at(length);
            if unmasked(&rest[..4]) != checksum(data) {
                return Err("data");
            }
            all.push(data);
            bytes = &rest[4..];
        }
        Ok(all)
    }

    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    /// Field number and raw content of each field, by the wire format alone.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let length = match key & 7 {
                0 => {
                    let value = varint(&mut bytes);
                    all.push((key >> 3, value.to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                2 => varint(&mut bytes) as usize,
                5 => 4,
                other => panic!("wire type {other}"),
            };
            let (content, rest) = bytes.split_at(length);
            all.push((key >> 3, content.to_vec()));
            bytes = rest;
        }
        all
    }

    #[test]
    fn every_record_is_read_back_by_the_published_format() {
        let points = [
            Scalar {
                tag: "accuracy/test",
                step: 1,
                value: 62.5,
            },
            Scalar {
                tag: "lr",
                step: 300,
                value: 0.0,
            },
        ];
        let bytes = file(&points);
        assert_eq!(bytes, file(&points));
        let records = records(&bytes).unwrap();
        assert_eq!(records.len(), 3);
        assert_eq!(fields(records[0]), [(3, b"brain.Event:2".to_vec())]);
        for (record, point) in records[1..].iter().zip(&points) {
            let [time, step, summary] = &fields(record)[..] else {
                panic!("expected three fields: {record:?}");
            };
            assert_eq!(*time, (1, (point.step as f64).to_le_bytes().to_vec()));
            assert_eq!(*step, (2, point.step.to_le_bytes().to_vec()));
            assert_eq!(summary.0, 5);
            let [value] = &fields(&summary.1)[..] else {
                panic!("expected one value: {summary:?}");
            };
            // 0 is a value like another: a curve that ends at it ends there.
            let expected = [
                (1, point.tag.as_bytes().to_vec()),
                (2, point.value.to_le_bytes().to_vec()),
            ];
            assert_eq!(fields(&value.1), expected);
        }
    }

    #[test]
    fn the_checksum_is_crc32c_and_a_flipped_bit_shows() {
        // The check value of the CRC catalogues, and the first twelve bytes of every event
        // file that TensorFlow itself writes: a record of 24 bytes.
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        let theirs = b"\x18\0\0\0\0\0\0\0\xa3\x7fK\"";
        assert_eq!(record(&[0; 24])[..12], theirs[..]);
        let point = Scalar {
            tag: "kept",
            step: 1,
            value: 7.0,
        };
        let mut bytes = file(&[point]);
        let last = bytes.len() - 6;
        bytes[last] ^= 1;
        assert_eq!(records(&bytes), Err("data"));
        bytes[last] ^= 1;
        bytes[9] ^= 1;
        assert_eq!(records(&bytes), Err("length"));
    }
}
