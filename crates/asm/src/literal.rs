//! Numbers, texts and byte strings: from their written form to values and back.
//!
//! **Invariant:** what is written here reads back as the very same value, floats bit by bit.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Why a written literal has no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LiteralError {
    /// Not a number of this kind.
    NotANumber,
    /// Does not fit 64 bits.
    OutOfRange,
    /// An unknown escape: where in the literal, and what.
    Escape(usize, String),
    /// A character literal that holds not exactly one character.
    NotOneCharacter,
    /// A character in a byte string that is not ASCII.
    NotAscii(usize),
}

/// Whether the written number is a float.
pub(crate) fn is_float(written: &str) -> bool {
    let digits = written.strip_prefix('-').unwrap_or(written);
    if digits.starts_with("0x") || digits.starts_with("0b") {
        return false;
    }
    digits.starts_with("0f") || digits == "inf" || digits == "nan" || digits.contains(['.', 'e', 'E'])
}

/// The value of an integer. In hexadecimal and binary all 64 bits may be written.
pub(crate) fn integer(written: &str) -> Result<i64, LiteralError> {
    let (negative, digits) = match written.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, written),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(_) | None => (10, digits),
    };
    let mut magnitude: u64 = 0;
    let mut any = false;
    for byte in digits.bytes().filter(|byte| *byte != b'_') {
        let digit = char::from(byte).to_digit(radix).ok_or(LiteralError::NotANumber)?;
        let scaled = magnitude.checked_mul(u64::from(radix)).ok_or(LiteralError::OutOfRange)?;
        magnitude = scaled.checked_add(u64::from(digit)).ok_or(LiteralError::OutOfRange)?;
        any = true;
    }
    if !any {
        return Err(LiteralError::NotANumber);
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude).ok_or(LiteralError::OutOfRange)
    } else if radix == 10 {
        i64::try_from(magnitude).map_err(|_| LiteralError::OutOfRange)
    } else {
        Ok(magnitude as i64)
    }
}

/// The bits of a float.
pub(crate) fn float(written: &str) -> Result<u64, LiteralError> {
    if let Some(bits) = written.strip_prefix("0f") {
        let valid = bits.len() == 16 && bits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = u64::from_str_radix(bits, 16).ok().filter(|_| valid);
        return parsed.ok_or(LiteralError::NotANumber);
    }
    match written {
        "inf" => return Ok(f64::INFINITY.to_bits()),
        "-inf" => return Ok(f64::NEG_INFINITY.to_bits()),
        "nan" => return Ok(CANONICAL_NAN),
        _ => {}
    }
    let plain: Cow<'_, str> = if written.contains('_') { written.replace('_', "").into() } else { written.into() };
    let numeric = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = plain.parse().ok().filter(|_| numeric).ok_or(LiteralError::NotANumber)?;
    if value.is_finite() { Ok(value.to_bits()) } else { Err(LiteralError::OutOfRange) }
}

/// The one NaN that `nan` means.
pub(crate) const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;

/// What stands between the quotes of a text, a byte string or a quoted name.
pub(crate) fn inside(written: &str) -> &str {
    let opened = written.strip_prefix('b').unwrap_or(written);
    opened.get(1..opened.len().saturating_sub(1)).unwrap_or("")
}

/// The value of a text or quoted name, quotes included.
pub(crate) fn text(written: &str) -> Result<Cow<'_, str>, LiteralError> {
    let inside = inside(written);
    if !inside.contains('\\') {
        return Ok(Cow::Borrowed(inside));
    }
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (character, length) = escape(&rest[at..]).map_err(|found| at_offset(written, rest, at, found))?;
        out.push(character);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn at_offset(written: &str, rest: &str, at: usize, found: String) -> LiteralError {
    LiteralError::Escape(written.len() - 1 - rest.len() + at, found)
}

/// The character that an escape at the start of `rest` means, and the escape's length.
fn escape(rest: &str) -> Result<(char, usize), String> {
    let mut characters = rest.chars();
    characters.next();
    let simple = match characters.next() {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('0') => '\0',
        Some(quote @ ('\\' | '"' | '\'' | '`')) => quote,
        Some('u') => return unicode_escape(rest),
        Some(other) => return Err(format!("\\{other}")),
        None => return Err("\\".to_owned()),
    };
    Ok((simple, 2))
}

fn unicode_escape(rest: &str) -> Result<(char, usize), String> {
    let wrong = || rest.chars().take(12).collect::<String>();
    let digits = rest.get(2..).and_then(|rest| rest.strip_prefix('{')).ok_or_else(wrong)?;
    let length = digits.find('}').filter(|length| (1..=6).contains(length)).ok_or_else(wrong)?;
    let code = u32::from_str_radix(&digits[..length], 16).map_err(|_| wrong())?;
    Ok((char::from_u32(code).ok_or_else(wrong)?, length + 4))
}

/// The value of a byte string, quotes included.
pub(crate) fn bytes(written: &str) -> Result<Vec<u8>, LiteralError> {
    let inside = inside(written);
    let mut out = Vec::with_capacity(inside.len());
    let mut at = 0;
    while let Some(byte) = inside.as_bytes().get(at) {
        if *byte >= 0x80 {
            return Err(LiteralError::NotAscii(at + 2));
        }
        if *byte != b'\\' {
            out.push(*byte);
            at += 1;
            continue;
        }
        if let Some(value) = hex_escape(inside.as_bytes().get(at..at + 4)) {
            out.push(value);
            at += 4;
            continue;
        }
        let (character, length) = escape(&inside[at..]).map_err(|found| LiteralError::Escape(at + 2, found))?;
        let value = u8::try_from(character).ok().filter(u8::is_ascii).filter(|_| length == 2);
        out.push(value.ok_or_else(|| LiteralError::Escape(at + 2, "\\u".to_owned()))?);
        at += length;
    }
    Ok(out)
}

fn hex_escape(four: Option<&[u8]>) -> Option<u8> {
    let [b'\\', b'x', high, low] = four? else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// The code point of a character, quotes included.
pub(crate) fn character(written: &str) -> Result<i64, LiteralError> {
    let value = text(written)?;
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(i64::from(u32::from(character))),
        (Some(_), Some(_)) | (None, _) => Err(LiteralError::NotOneCharacter),
    }
}

/// Writes a float so that it reads back as the same bits.
pub(crate) fn write_float(out: &mut String, bits: u64) {
    let value = f64::from_bits(bits);
    let result = if bits == CANONICAL_NAN {
        out.write_str("nan")
    } else if value.is_nan() {
        write!(out, "0f{bits:016x}")
    } else {
        write!(out, "{value:?}")
    };
    result.unwrap_or_default();
}

/// Writes a text between `quote`s.
pub(crate) fn write_text(out: &mut String, value: &str, quote: char) {
    out.push(quote);
    for character in value.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '\\' => out.push_str("\\\\"),
            quoted if quoted == quote => {
                out.push('\\');
                out.push(quoted);
            }
            control if control.is_control() || control == '\u{feff}' => {
                write!(out, "\\u{{{:x}}}", u32::from(control)).unwrap_or_default();
            }
            plain => out.push(plain),
        }
    }
    out.push(quote);
}

/// Writes a byte string.
pub(crate) fn write_bytes(out: &mut String, value: &[u8]) {
    out.push_str("b\"");
    for byte in value {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => write!(out, "\\x{byte:02x}").unwrap_or_default(),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_float(value: f64) {
        let mut out = String::new();
        write_float(&mut out, value.to_bits());
        assert!(is_float(&out), "{out}");
        assert_eq!(float(&out), Ok(value.to_bits()), "{out}");
    }

    #[test]
    fn floats_read_back_as_written() {
        for value in [0.0, -0.0, 1.0, 0.1, -2.5e-300, 1e16, 1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY] {
            check_float(value);
            check_float(-value);
        }
        check_float(f64::from_bits(CANONICAL_NAN));
        check_float(f64::from_bits(0xfff8_0000_0000_0001));
    }

    #[test]
    fn integers_use_all_bits_only_in_other_bases() {
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer("9223372036854775808"), Err(LiteralError::OutOfRange));
        assert_eq!(integer("0xffff_ffff_ffff_ffff"), Ok(-1));
        assert_eq!(integer("-0b101"), Ok(-5));
        assert_eq!(integer("0x"), Err(LiteralError::NotANumber));
        assert_eq!(integer("12a"), Err(LiteralError::NotANumber));
    }

    #[test]
    fn texts_read_back_as_written() {
        for value in ["", "plain", "\"\\\n\r\t\0\u{7f}\u{85}\u{1f600}`'"] {
            let mut out = String::new();
            write_text(&mut out, value, '"');
            assert_eq!(text(&out).as_deref(), Ok(value));
        }
        let every: Vec<u8> = (0..=255).collect();
        let mut out = String::new();
        write_bytes(&mut out, &every);
        assert_eq!(bytes(&out), Ok(every));
    }

    #[test]
    fn unknown_escapes_are_named_with_their_place() {
        assert_eq!(text(r#""ab\q""#), Err(LiteralError::Escape(3, "\\q".to_owned())));
        assert_eq!(text(r#""\u{d800}""#), Err(LiteralError::Escape(1, "\\u{d800}".to_owned())));
        assert_eq!(bytes(r#"b"a\xg0""#), Err(LiteralError::Escape(3, "\\x".to_owned())));
    }
}
