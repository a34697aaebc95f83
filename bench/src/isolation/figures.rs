//! Figures, and how they are written.

/// Delays in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delays {
    sorted: Vec<u64>,
}

impl Delays {
    pub(crate) fn of(mut nanos: Vec<u64>) -> Delays {
        nanos.sort_unstable();
        Delays { sorted: nanos }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The delay that so many of a thousand do not exceed; 0 of none.
    pub(crate) fn per_mille(&self, part: usize) -> u64 {
        let at = (self.sorted.len() * part).div_ceil(1000).max(1) - 1;
        self.sorted.get(at).copied().unwrap_or(0)
    }

    pub(crate) fn max(&self) -> u64 {
        self.sorted.last().copied().unwrap_or(0)
    }
}

/// Nanoseconds as milliseconds.
pub(crate) fn millis(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e6)
}

/// Bytes as mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let delays = Delays::of((1..=200).rev().collect());
        assert_eq!([0, 500, 990, 1000].map(|part| delays.per_mille(part)), [1, 100, 198, 200]);
        assert_eq!(Delays::default().per_mille(990), 0);
    }
}
