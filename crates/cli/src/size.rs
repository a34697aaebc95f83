//! Sizes as people write them.

/// Bytes from a number with a unit: `4096`, `4096B`, `64KiB`, `64MiB`, `2GiB`.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("wanted a number of bytes, or one with KiB, MiB or GiB, such as 64MiB".into()),
    };
    let number: u64 =
        number.parse().map_err(|_| "wanted a number before the unit, such as 64MiB, below 2^64".to_string())?;
    number.checked_mul(1 << shift).ok_or("wanted fewer than 2^64 bytes".into())
}

/// Bytes as people read them: `4.5 KiB`.
pub(crate) fn show(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => {
            // Tenths, rounded down.
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Result<u64, &str>) {
        assert_eq!(parse(text), wanted.map_err(String::from));
    }

    #[test]
    fn takes_binary_units() {
        check("0", Ok(0));
        check("4096", Ok(4096));
        check("4096B", Ok(4096));
        check("3KiB", Ok(3072));
        check("64MiB", Ok(64 << 20));
        check("2GiB", Ok(2 << 30));
    }

    #[test]
    fn refuses_the_rest() {
        let unit = Err("wanted a number of bytes, or one with KiB, MiB or GiB, such as 64MiB");
        let number = Err("wanted a number before the unit, such as 64MiB, below 2^64");
        check("64MB", unit);
        check("-1", unit);
        check("1.5GiB", unit);
        check("", number);
        check("GiB", number);
        check("99999999999999999999", number);
        check("17179869184GiB", Err("wanted fewer than 2^64 bytes"));
    }

    #[test]
    fn shows_binary_units() {
        for (bytes, text) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB")] {
            assert_eq!(show(bytes), text);
        }
        assert_eq!(show(u64::MAX), "17179869183.9 GiB");
    }
}
