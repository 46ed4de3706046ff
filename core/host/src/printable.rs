//! Text of others, as a terminal and a page may be given it.
use std::borrow::Cow;

/// Whether a character steers a terminal, turns the direction of writing, or is none that XML has:
/// nothing that a text should hold. Tabs and line breaks are white space.
pub fn is_printable(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
    matches!(c, '\t' | '\n' | '\r') || !(turns || breaks || c.is_control())
}

/// The text with every other character spelled, as in `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_printable(c) {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_steers_a_terminal_is_spelled_and_the_rest_is_left() {
        assert_eq!(printable("a\u{1b}[31mb\u{1}"), "a\\u{1b}[31mb\\u{1}");
        assert_eq!(
            printable("left\u{202e}thgir\u{9b}2J"),
            "left\\u{202e}thgir\\u{9b}2J"
        );
        let plain = "tabs\tand\nlines, Größe √2 – “x” 🙂";
        assert_eq!(printable(plain), plain);
    }
}
