//! Which known name was probably meant by an unknown one.

/// Names longer than this are not compared; nobody mistypes them by a letter.
const COMPARED_BYTES_MAX: usize = 40;
/// Names that are compared with an unknown one at most.
const COMPARED_MAX: usize = 4_000;

/// The known name that is nearest to `unknown`, when it is near enough to be meant.
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let allowed = (unknown.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for name in known.take(COMPARED_MAX).filter(|name| name.len().abs_diff(unknown.len()) <= allowed) {
        let distance = distance(unknown.as_bytes(), name.as_bytes(), allowed);
        let better = best.is_none_or(|(least, held)| (distance, name) < (least, held));
        if distance <= allowed && distance < name.len().max(unknown.len()) && better {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// A hint that names the nearest known name.
pub fn suggestion<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(unknown, known).map(|name| format!("did you mean `{name}`?"))
}

/// How many letters must be added, dropped, changed or exchanged with their neighbour, case aside; anything over
/// `allowed` where it is more than that.
fn distance(a: &[u8], b: &[u8], allowed: usize) -> usize {
    const COLUMNS: usize = COMPARED_BYTES_MAX + 5;
    let far = allowed + 1;
    if b.len() + 1 > COLUMNS {
        return far;
    }
    let same = |i: usize, j: usize| a[i - 1].eq_ignore_ascii_case(&b[j - 1]);
    // The row before last, the last and the current one; only a band along the diagonal can stay within `allowed`.
    let mut rows = [[far; COLUMNS]; 3];
    rows[1].iter_mut().zip(0..=allowed).for_each(|(slot, at)| *slot = at);
    for i in 1..=a.len() {
        rows[2] = [far; COLUMNS];
        rows[2][0] = i.min(far);
        for j in i.saturating_sub(allowed).max(1)..=(i + allowed).min(b.len()) {
            let changed = rows[1][j - 1] + usize::from(!same(i, j));
            let mut least = changed.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j) {
                least = least.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = least.min(far);
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near_enough() {
        let known = ["push", "store", "list_push", "jmp"];
        assert_eq!(nearest("psuh", known.into_iter()), Some("push"));
        assert_eq!(nearest("list_psh", known.into_iter()), Some("list_push"));
        assert_eq!(nearest("Store", known.into_iter()), Some("store"));
        assert_eq!(nearest("abcdef", known.into_iter()), None);
        assert_eq!(nearest("x", known.into_iter()), None);
    }
}
