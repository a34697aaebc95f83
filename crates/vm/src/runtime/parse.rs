//! Texts as numbers. Those that are longer than a piece are made short first, in pieces.

use super::Cx;
use super::bulk::{Bulk, SLOW_PIECE_BYTES, State};
use crate::heap::word::NULL;
use crate::interp::Stop;

/// Digits of the largest integer.
const INT_DIGITS: usize = 19;
/// Digits of a decimal that decide which float it is: between two floats lies none that has more than 767.
const FLOAT_DIGITS: usize = 800;
/// Exponents beyond this make any digits that fit a text infinite or zero.
const EXPONENT_MAX: i64 = 1 << 40;

/// Which part of a decimal was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Part {
    #[default]
    Start,
    Whole,
    Fraction,
    ExponentStart,
    ExponentSign,
    Exponent,
}

/// A decimal as far as it was read, in so few digits that the float is the same.
#[derive(Debug, Default)]
pub(super) struct Decimal {
    part: Part,
    is_negative: bool,
    has_digits: bool,
    /// The digits from the first that is not 0 on.
    digits: String,
    /// By how much the exponent differs from the written one.
    shift: i64,
    /// Whether one of those that were left out is not 0.
    has_rest: bool,
    exponent_is_negative: bool,
    exponent: i64,
}

impl Decimal {
    /// Reads on; says whether it may still be a decimal.
    fn read(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.read_byte(*byte))
    }

    fn read_byte(&mut self, byte: u8) -> bool {
        self.part = match (self.part, byte) {
            (Part::Start, b'+' | b'-') => {
                self.is_negative = byte == b'-';
                Part::Whole
            }
            (Part::Start | Part::Whole, b'0'..=b'9') => {
                self.add_digit(byte);
                Part::Whole
            }
            (Part::Start | Part::Whole, b'.') => Part::Fraction,
            (Part::Fraction, b'0'..=b'9') => {
                self.add_digit(byte);
                self.shift -= 1;
                Part::Fraction
            }
            (Part::Whole | Part::Fraction, b'e' | b'E') if self.has_digits => Part::ExponentStart,
            (Part::ExponentStart, b'+' | b'-') => {
                self.exponent_is_negative = byte == b'-';
                Part::ExponentSign
            }
            (Part::ExponentStart | Part::ExponentSign | Part::Exponent, b'0'..=b'9') => {
                self.exponent = (self.exponent * 10 + i64::from(byte - b'0')).min(EXPONENT_MAX);
                Part::Exponent
            }
            _ => return false,
        };
        true
    }

    fn add_digit(&mut self, digit: u8) {
        self.has_digits = true;
        if self.digits.len() == FLOAT_DIGITS {
            self.has_rest |= digit != b'0';
            self.shift += 1;
        } else if digit != b'0' || !self.digits.is_empty() {
            self.digits.push(char::from(digit));
        }
    }

    fn value(&self) -> Option<f64> {
        let is_whole = matches!(self.part, Part::Whole | Part::Fraction | Part::Exponent) && self.has_digits;
        let exponent = if self.exponent_is_negative { -self.exponent } else { self.exponent };
        // What was left out counts as one more digit that is not 0.
        let (rest, exponent) = (if self.has_rest { "1" } else { "" }, exponent + self.shift - i64::from(self.has_rest));
        let sign = if self.is_negative { "-" } else { "" };
        let short = format!("{sign}0{}{rest}e{exponent}", self.digits);
        if is_whole { short.parse().ok() } else { None }
    }
}

impl Cx<'_> {
    /// The integer that a long text writes: zeros, and behind them what may be one. All of it is charged.
    fn parse_long_int(&mut self, text: u64, length: usize) -> Result<(Box<Bulk>, Option<i64>), Stop> {
        let sign_length = usize::from(matches!(self.bytes(text).first(), Some(b'+' | b'-')));
        let bulk = self.resume();
        let mut bulk = self.in_pieces_of(SLOW_PIECE_BYTES, bulk, length, |cx, bulk, piece| {
            let from = piece.start.max(sign_length);
            let zeros = cx.bytes(text)[from..piece.end].iter().position(|byte| *byte != b'0');
            bulk.mark = zeros.map_or(piece.end, |zeros| from + zeros) as u64;
            zeros.is_none()
        })?;
        self.charge(length - bulk.done);
        bulk.done = length;
        let text = self.text(text);
        let (sign, rest) = (&text[..sign_length], &text[bulk.mark as usize..]);
        let parsed = if rest.len() <= INT_DIGITS { format!("{sign}0{rest}").parse().ok() } else { None };
        Ok((Box::new(bulk), parsed))
    }

    /// The float that a long text writes.
    fn parse_long_float(&mut self, text: u64, length: usize) -> Result<(Box<Bulk>, Option<f64>), Stop> {
        let mut bulk = self.resume();
        if !bulk.was_put_off {
            bulk.state = State::Decimal(Box::default());
        }
        let mut bulk = self.in_pieces_of(SLOW_PIECE_BYTES, bulk, length, |cx, bulk, piece| {
            let State::Decimal(decimal) = &mut bulk.state else { return false };
            let goes_on = decimal.read(&cx.bytes(text)[piece]);
            decimal.has_digits &= goes_on;
            goes_on
        })?;
        self.charge(length - bulk.done);
        bulk.done = length;
        let parsed = if let State::Decimal(decimal) = &bulk.state { decimal.value() } else { None };
        Ok((Box::new(bulk), parsed))
    }
}

/// `a` := the integer that the text `b` writes, or null.
pub(crate) fn parse_int(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = cx.b();
    let length = cx.bytes(text).len();
    let (bulk, parsed) = if length > SLOW_PIECE_BYTES {
        let (bulk, parsed) = cx.parse_long_int(text, length)?;
        (Some(bulk), parsed)
    } else {
        cx.charge(length);
        (None, cx.text(text).parse().ok())
    };
    let word = parsed.map_or(Ok(NULL), |value| cx.int_word(value));
    let word = cx.or_keep(word, bulk)?;
    cx.set_a(word);
    Ok(())
}

/// `a` := the float that the text `b` writes in decimal, or null.
pub(crate) fn parse_float(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = cx.b();
    let length = cx.bytes(text).len();
    let (bulk, parsed) = if length > SLOW_PIECE_BYTES {
        let (bulk, parsed) = cx.parse_long_float(text, length)?;
        (Some(bulk), parsed)
    } else {
        cx.charge(length);
        (None, short_float(cx.text(text)))
    };
    let word = parsed.map_or(Ok(NULL), |value| cx.float_word(value));
    let word = cx.or_keep(word, bulk)?;
    cx.set_a(word);
    Ok(())
}

fn short_float(text: &str) -> Option<f64> {
    let is_decimal =
        text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().all(|byte| b"+-.0123456789eE".contains(&byte));
    if is_decimal { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Decimal, short_float};

    #[track_caller]
    fn check(text: &str) {
        let mut decimal = Decimal::default();
        let parsed = if decimal.read(text.as_bytes()) { decimal.value() } else { None };
        assert_eq!(parsed.map(f64::to_bits), short_float(text).map(f64::to_bits), "{text}");
    }

    #[test]
    fn decimals_are_read_as_the_short_way_reads_them() {
        for text in ["", ".", "+", "-", "e5", ".e5", "1e", "1e+", "1e5.", "1.2.3", "--1", "1-", "nan", "inf", "1_0", "0x1"] {
            check(text);
        }
        for text in ["0", "-0", "+1", "5.", ".5", "-.5e-3", "00.00100", "1e400", "-1e400", "1e-400", "0e999999", "1.e5"] {
            check(text);
        }
        for text in ["123456789012345678901234567890", "4.9e-324", "2.4e-324", "1.7976931348623157e308", "17.25E2"] {
            check(text);
        }
    }

    /// Half way between 1 and the next float, and a digit far behind that says which it is.
    #[test]
    fn digits_far_behind_decide() {
        let half = "1.00000000000000011102230246251565404236316680908203125";
        for last in ["", "0", "1"] {
            for zeros in [0, 700, 760, 2_000] {
                check(&format!("{half}{}{last}", "0".repeat(zeros)));
                check(&format!("{}{}{last}e-{}", half.replace('.', ""), "0".repeat(zeros), 53 + zeros + last.len()));
            }
        }
        check(&format!("0.{}25e2001", "0".repeat(2_000)));
        check(&format!("{}e-2000", "7".repeat(2_000)));
    }
}
