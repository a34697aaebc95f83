//! Numbers: their form and their value.
//!
//! **Invariant:** what [`kind`] takes for a number of a kind has a value of that kind, unless it is too large.

use crate::kind::Kind;

/// Units of durations with their nanoseconds.
pub(crate) const UNITS: &[(&str, i64)] =
    &[("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000)];

/// Int, Float or Duration, or none of them.
pub(crate) fn kind(text: &str) -> Kind {
    if let Some((digits, radix)) = based(text) {
        let is_good = digits.chars().all(|digit| digit == '_' || digit.is_digit(radix)) && digits.contains(|c| c != '_');
        return if is_good { Kind::Int } else { Kind::BadNumber };
    }
    let (whole, unit) = split(text);
    if unit.is_empty() && !whole.is_empty() {
        return Kind::Int;
    }
    if UNITS.iter().any(|(name, _)| *name == unit) {
        return Kind::Duration;
    }
    if unit.strip_prefix('.').is_some_and(is_fraction) { Kind::Float } else { Kind::BadNumber }
}

fn based(text: &str) -> Option<(&str, u32)> {
    let radix = match text.get(..2)? {
        "0x" => 16,
        "0b" => 2,
        "0o" => 8,
        _ => return None,
    };
    Some((text.get(2..)?, radix))
}

/// The leading digits, and what follows.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Whether these are digits and perhaps an exponent.
fn is_fraction(text: &str) -> bool {
    let (digits, exponent) = split(text);
    let Some(exponent) = exponent.strip_prefix(['e', 'E']) else { return exponent.is_empty() && !digits.is_empty() };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    exponent.starts_with(|c: char| c.is_ascii_digit()) && split(exponent).1.is_empty()
}

/// The value of an integer; nothing when it needs more than 64 bits.
pub(crate) fn int(text: &str) -> Option<u64> {
    let (digits, radix) = based(text).unwrap_or((text, 10));
    let mut value: u64 = 0;
    for digit in digits.chars().filter(|digit| *digit != '_') {
        value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit.to_digit(radix)?))?;
    }
    Some(value)
}

/// The value of a float; nothing when it is beyond the largest.
pub(crate) fn float(text: &str) -> Option<f64> {
    let value: f64 = if text.contains('_') { text.replace('_', "").parse() } else { text.parse() }.ok()?;
    value.is_finite().then_some(value)
}

/// The nanoseconds of a duration; nothing when they do not fit.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let (digits, unit) = split(text);
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    i64::try_from(int(digits)?).ok()?.checked_mul(*nanos)
}

/// What is wrong with what is no number.
pub(crate) fn fault(text: &str) -> &'static str {
    if based(text).is_some() {
        "a digit that its base does not have, or none"
    } else if text.contains('.') {
        "no fraction, or letters behind it"
    } else {
        "letters that are no unit"
    }
}

/// How such a number is written.
pub(crate) fn proposal(text: &str) -> String {
    let (whole, rest) = split(text);
    if based(text).is_none() && rest.starts_with(['e', 'E']) && is_fraction(&format!("0{rest}")) {
        return format!("a float has digits on both sides of its dot: `{whole}.0{rest}`");
    }
    if based(text).is_none() && !rest.contains('.') {
        let near = match rest {
            "m" | "mins" | "minutes" | "minute" => Some("min"),
            "sec" | "secs" | "seconds" | "second" => Some("s"),
            "hr" | "hours" | "hour" => Some("h"),
            "millis" => Some("ms"),
            _ => None,
        };
        if let Some(unit) = near {
            return format!("write `{whole}{unit}`");
        }
        return "units of durations are `ns`, `us`, `ms`, `s`, `min` and `h`".to_owned();
    }
    "numbers are written `42`, `1_000`, `0xff`, `0b101`, `0o17`, `1.5`, `2.5e-3`".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Kind) {
        assert_eq!(kind(text), wanted, "{text}");
    }

    #[test]
    fn forms() {
        for text in ["0", "42", "1_000", "0xff", "0b101", "0o17", "007"] {
            check(text, Kind::Int);
        }
        for text in ["1.0", "2.5e-3", "1_0.0_1E+9", "0.5e10"] {
            check(text, Kind::Float);
        }
        for text in ["7ns", "5us", "20ms", "5s", "2min", "1h"] {
            check(text, Kind::Duration);
        }
        for text in ["1e5", "0x", "0b2", "0o8", "1x", "5sec", "1.5s", "1.0e"] {
            check(text, Kind::BadNumber);
        }
    }

    #[test]
    fn values() {
        assert_eq!(int("18446744073709551615"), Some(u64::MAX));
        assert_eq!(int("18446744073709551616"), None);
        assert_eq!(int("0xffff_ffff_ffff_ffff"), Some(u64::MAX));
        assert_eq!(float("1_0.5e1"), Some(105.0));
        assert_eq!(float(&format!("1.0e{}", 400)), None);
        assert_eq!(duration("2min"), Some(120_000_000_000));
        assert_eq!(duration("9999999h"), None);
        assert_eq!(proposal("1e5"), "a float has digits on both sides of its dot: `1.0e5`");
    }
}
