//! Texts, characters and byte strings: from their written form to values.
//!
//! **Invariant:** a fault names bytes of the written form, at character boundaries.

use std::borrow::Cow;
use std::ops::Range;

/// What may stand behind a backslash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    Text,
    Char,
}

/// A text with its escapes resolved; `fault` gets each that is none, which is left out.
pub(crate) fn unescape<'a>(text: &'a str, escapes: Escapes, mut fault: impl FnMut(Range<usize>)) -> Cow<'a, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((plain, rest)) = text.get(at..).and_then(|rest| rest.split_once('\\')) {
        out.push_str(plain);
        let start = at + plain.len();
        match escape(rest, escapes) {
            Ok((character, length)) => {
                out.push(character);
                at = start + 1 + length;
            }
            Err(length) => {
                fault(start..start + 1 + length);
                at = start + 1 + length;
            }
        }
    }
    out.push_str(text.get(at..).unwrap_or(""));
    Cow::Owned(out)
}

/// The character that the letters behind a backslash mean, and their length; the length alone when they mean none.
fn escape(rest: &str, escapes: Escapes) -> Result<(char, usize), usize> {
    let first = rest.chars().next().ok_or(0usize)?;
    let simple = match first {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        '\\' => '\\',
        '"' | '$' if escapes == Escapes::Text => first,
        '\'' if escapes == Escapes::Char => first,
        'u' => return code_point(rest),
        _ => return Err(first.len_utf8()),
    };
    Ok((simple, 1))
}

fn code_point(rest: &str) -> Result<(char, usize), usize> {
    let inside = rest.get(1..).and_then(|rest| rest.strip_prefix('{')).ok_or(1usize)?;
    let length = inside.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(inside.len());
    let digits = inside.get(..length).unwrap_or("");
    let is_closed = inside.get(length..).is_some_and(|rest| rest.starts_with('}'));
    let whole = 2 + length + usize::from(is_closed);
    if !is_closed || !(1..=6).contains(&length) {
        return Err(whole);
    }
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(|character| (character, whole)).ok_or(whole)
}

/// The bytes of what stands between the quotes of a byte string; `fault` gets each part that is none, and whether it is an
/// escape.
pub(crate) fn bytes(text: &str, mut fault: impl FnMut(Range<usize>, bool)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if !character.is_ascii() {
            fault(at..at + character.len_utf8(), false);
        } else if character != '\\' {
            out.push(character as u8);
        } else {
            let rest = characters.as_str();
            match byte_escape(rest) {
                Ok((byte, length)) => {
                    out.push(byte);
                    skip(&mut characters, length);
                }
                Err(length) => {
                    fault(at..at + 1 + length, true);
                    skip(&mut characters, rest.get(..length).unwrap_or("").chars().count());
                }
            }
        }
    }
    out
}

fn skip(characters: &mut impl Iterator, count: usize) {
    for _ in 0..count {
        characters.next();
    }
}

fn byte_escape(rest: &str) -> Result<(u8, usize), usize> {
    let first = rest.chars().next().ok_or(0usize)?;
    let simple = match first {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        '\\' => b'\\',
        '"' => b'"',
        'x' => {
            let digits = rest.get(1..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return value.map(|value| (value, 3)).ok_or(1);
        }
        _ => return Err(first.len_utf8()),
    };
    Ok((simple, 1))
}

/// The lines of a block text without their common indentation. `pieces` are what stands between its quotes and values.
///
/// Gives the pieces and whether the text begins in the line below its quotes, as it has to.
pub(crate) fn block_pieces(pieces: &[&str]) -> (Vec<Vec<Range<usize>>>, bool) {
    let begins_below = pieces.first().is_some_and(|first| {
        first.split_once('\n').is_some_and(|(line, _)| line.chars().all(|c| matches!(c, ' ' | '\t' | '\r')))
    });
    let indentation = indentation(pieces);
    let mut out = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        let mut ranges = Vec::new();
        let mut start = 0;
        let lines = piece.split_inclusive('\n').chain(piece.ends_with('\n').then_some(""));
        for (number, line) in lines.enumerate() {
            let end = start + line.len();
            let skipped = if number > 0 { common(indentation, line) } else { 0 };
            let is_opening = begins_below && at == 0 && number == 0;
            if !is_opening && start + skipped < end {
                ranges.push(start + skipped..end);
            }
            start = end;
        }
        if at + 1 == pieces.len() {
            close_block(piece, &mut ranges, begins_below && pieces.len() == 1);
        }
        out.push(ranges);
    }
    (out, begins_below)
}

/// Leaves out the line of the closing quotes, and the line end before it.
fn close_block(piece: &str, ranges: &mut Vec<Range<usize>>, is_whole: bool) {
    let Some(last) = piece.rfind('\n') else { return };
    if !piece.get(last + 1..).unwrap_or("").chars().all(is_blank) {
        return;
    }
    ranges.retain(|range| range.start <= last);
    // Of a text without lines, the only line end is that behind its opening quotes.
    let before = if piece.get(..last).is_some_and(|text| text.ends_with('\r')) { last - 1 } else { last };
    if let Some(range) = ranges.last_mut().filter(|range| range.end == last + 1) {
        range.end = before.max(range.start);
    }
    if is_whole && piece.find('\n') == Some(last) {
        ranges.clear();
    }
    ranges.retain(|range| !range.is_empty());
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

/// The blanks with which every line begins that is not blank, and that of the closing quotes.
fn indentation<'a>(pieces: &[&'a str]) -> &'a str {
    let mut least: Option<&str> = None;
    for piece in pieces {
        let mut lines = piece.split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            let is_last = lines.peek().is_none();
            let counts = is_last || !line.chars().all(is_blank);
            if counts {
                let blanks = line.get(..blanks).unwrap_or("");
                least = Some(least.map_or(blanks, |least| least.get(..common(least, blanks)).unwrap_or("")));
            }
        }
    }
    least.unwrap_or("")
}

/// The length of the beginning that two texts of blanks share.
fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
