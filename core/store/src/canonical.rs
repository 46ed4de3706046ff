//! The one spelling of a recipe, so that equal recipes have equal sha256.
//!
//! Canonical JSON: keys sorted by their bytes, no white space, integers only (|n| < 2^53),
//! strings escaped as little as JSON allows (`\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, and
//! `\u00xx` for the other control characters), at most [`MAX_DEPTH`] levels. Floats and 64-bit
//! integers travel as strings: [`float`] gives a float its one spelling.

use crate::Error;
use serde_json::Value;

/// Levels of nesting that are accepted: a recipe is shallow, and a hostile file must not
/// exhaust the stack.
pub const MAX_DEPTH: usize = 64;

/// Integers at or beyond this are refused: other readers of JSON would round them.
const INTEGER_LIMIT: u64 = 1 << 53;

/// The canonical bytes of a value. Refuses floats, large integers and deep nesting by place.
///
/// ```
/// let value = serde_json::json!({"b": [1, true, null], "a": "x"});
/// let bytes = jackpot_store::canonical::to_bytes(&value).unwrap();
/// assert_eq!(bytes, br#"{"a":"x","b":[1,true,null]}"#);
/// ```
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    append(value, &mut Vec::new(), &mut bytes)?;
    Ok(bytes)
}

/// Reads canonical JSON. Refuses anything that is not its own canonical spelling: white space,
/// unsorted or repeated keys, needless escapes, `1.0`, `-0`.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Error::Invalid(format!("expected canonical JSON: {error}")))?;
    let spelled = to_bytes(&value)?;
    if spelled == bytes {
        return Ok(value);
    }
    // A repeated key is dropped by the parser, so it shows here as well.
    let at = spelled
        .iter()
        .zip(bytes)
        .take_while(|(a, b)| a == b)
        .count();
    let shown = |text: &[u8]| {
        String::from_utf8_lossy(&text[at.min(text.len())..text.len().min(at + 16)]).into_owned()
    };
    Err(Error::Invalid(format!(
        "expected canonical JSON (sorted keys, none twice, no white space): from byte {at} expected `{}`, found `{}`",
        shown(&spelled),
        shown(bytes)
    )))
}

/// The one spelling of a float: Rust's shortest `{:e}`, which reads back to the same bits.
/// NaN, infinities and −0 are refused.
///
/// ```
/// assert_eq!(jackpot_store::canonical::float(0.1).unwrap(), "1e-1");
/// ```
pub fn float(x: f64) -> Result<String, Error> {
    if x.is_finite() && !(x == 0.0 && x.is_sign_negative()) {
        return Ok(format!("{x:e}"));
    }
    Err(Error::Invalid(format!(
        "expected a finite float that is not -0, found `{x}`"
    )))
}

/// Reads a float that [`float`] wrote, and refuses every other spelling of it.
pub fn parse_float(text: &str) -> Result<f64, Error> {
    let parsed = text.parse().ok().filter(|x| float(*x).is_ok());
    let wanted = parsed.and_then(|x| float(x).ok());
    match (parsed, wanted) {
        (Some(x), Some(wanted)) if wanted == text => Ok(x),
        (_, Some(wanted)) => Err(Error::Invalid(format!(
            "expected the float as `{wanted}`, found `{text}`"
        ))),
        _ => Err(Error::Invalid(format!(
            "expected a finite float such as `1e-1`, found `{text}`"
        ))),
    }
}

/// `place` holds the keys and indices on the way here: for messages, and as the depth.
fn append(value: &Value, place: &mut Vec<String>, out: &mut Vec<u8>) -> Result<(), Error> {
    if place.len() >= MAX_DEPTH {
        return Err(Error::Invalid(format!(
            "expected at most {MAX_DEPTH} levels of nesting, found more at `{}`",
            pointer(&place[..4])
        )));
    }
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => append_integer(number, place, out)?,
        Value::String(text) => append_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                place.push(index.to_string());
                append(item, place, out)?;
                place.pop();
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // Sorted here: another crate's features may make the map keep insertion order.
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| key.as_bytes());
            out.push(b'{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                append_text(key, out);
                out.push(b':');
                place.push(key.clone());
                append(item, place, out)?;
                place.pop();
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn append_integer(
    number: &serde_json::Number,
    place: &[String],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let refused = |wanted: &str| {
        Err(Error::Invalid(format!(
            "`{}`: expected {wanted}, found the number `{number}`",
            pointer(place)
        )))
    };
    let large = "an integer below 2^53 in size (a larger one is written as decimal text)";
    match (number.as_i64(), number.as_u64()) {
        (Some(n), _) if n.unsigned_abs() < INTEGER_LIMIT => out.extend(n.to_string().into_bytes()),
        (None, None) => {
            return refused("an integer or text (a float is written as text such as \"1e-1\")");
        }
        _ => return refused(large),
    }
    Ok(())
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\u{8}' => out.extend(b"\\b"),
            '\u{c}' => out.extend(b"\\f"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            '\0'..='\u{1f}' => out.extend(format!("\\u{:04x}", character as u32).into_bytes()),
            _ => out.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

fn pointer(place: &[String]) -> String {
    format!("/{}", place.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spells() {
        let check = |value: Value, expect: &str| {
            let bytes = to_bytes(&value).unwrap();
            assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expect);
            assert_eq!(parse(&bytes).unwrap(), value);
        };
        check(json!({}), "{}");
        check(json!([]), "[]");
        check(
            json!({"b": 1, "a": {"d": null, "c": [true, false]}}),
            r#"{"a":{"c":[true,false],"d":null},"b":1}"#,
        );
        // Bytewise order: capitals first, then `_`, then small letters, then what lies beyond ASCII.
        check(
            json!({"é": 1, "a": 2, "_": 3, "Z": 4, "aa": 5, "": 6}),
            r#"{"":6,"Z":4,"_":3,"a":2,"aa":5,"é":1}"#,
        );
        check(
            json!([9007199254740991i64, -9007199254740991i64, 0]),
            "[9007199254740991,-9007199254740991,0]",
        );
        check(
            json!("\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é😀"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é😀\"",
        );
    }

    #[test]
    fn refuses_to_write() {
        let check = |value: Value, expect: &str| {
            let error = to_bytes(&value).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(
            json!({"training": {"lr": 0.1}}),
            "`/training/lr`: expected an integer or text",
        );
        check(json!([1, 2.0]), "`/1`");
        check(json!(9007199254740992i64), "2^53");
        check(json!(-9007199254740992i64), "2^53");
        check(json!(u64::MAX), "2^53");
        let nested = |levels: usize| (0..levels).fold(json!(0), |inner, _| json!([inner]));
        assert!(to_bytes(&nested(MAX_DEPTH - 1)).is_ok());
        check(nested(MAX_DEPTH), "64 levels");
    }

    #[test]
    fn refuses_other_spellings() {
        let check = |text: &str| {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("expected"), "{text}: {error}");
        };
        check("");
        check("{\"a\":1");
        check("{\"a\":1}\n");
        check("{\"a\": 1}");
        check(r#"{"b":1,"a":2}"#);
        check(r#"{"a":1,"a":1}"#);
        check(r#"{"a":1,"a":2}"#);
        check(r#"{"a":{"b":1,"b":1}}"#);
        check("1.0");
        check("1e2");
        check("-0");
        check("01");
        check("9007199254740992");
        check(r#""\u0041""#);
        check(r#""\/""#);
        check(r#""\u001F""#);
        check("NaN");
        check("{}{}");
        check(&format!("{}0{}", "[".repeat(100), "]".repeat(100)));
        check(&"[".repeat(100_000));
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(b"\xef\xbb\xbf{}").is_err());
    }

    #[test]
    fn says_where_the_spelling_differs() {
        let error = parse(br#"{"a":1, "b":2}"#).unwrap_err().to_string();
        assert!(
            error.contains(r#"from byte 7 expected `"b":2}`, found ` "b":2}`"#),
            "{error}"
        );
    }

    #[test]
    fn floats() {
        let check = |x: f64, text: &str| {
            assert_eq!(float(x).unwrap(), text);
            assert_eq!(parse_float(text).unwrap().to_bits(), x.to_bits());
        };
        check(0.0, "0e0");
        check(1.0, "1e0");
        check(0.1, "1e-1");
        check(-2.5, "-2.5e0");
        check(0.1 + 0.2, "3.0000000000000004e-1");
        check(f64::MAX, "1.7976931348623157e308");
        check(f64::MIN_POSITIVE, "2.2250738585072014e-308");
        check(5e-324, "5e-324");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            assert!(float(bad).is_err(), "{bad}");
        }
        for bad in [
            "0.1", "1E-1", "1.0e-1", "10e-2", "+1e0", " 1e0", "1e+0", "1e00", "-0e0", "NaN", "inf",
            "1e999", "", "x",
        ] {
            assert!(parse_float(bad).is_err(), "{bad}");
        }
    }
}
