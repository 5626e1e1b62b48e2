//! What somebody who mistyped a name may have meant.

/// The most letters by which a mistyped name differs.
const MAX_DISTANCE: usize = 2;

/// The longest name that is compared.
const MAX_LEN: usize = 32;

/// Returns the one name that a mistyped one is nearest to, if it is near; of several as near none.
pub(super) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = typed.chars().count();
    if length > MAX_LEN {
        return None;
    }
    // With one letter of three or two of four changed a name is another.
    let limit = MAX_DISTANCE.min(length.saturating_sub(1) / 2).max(usize::from(length > 1));
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (distance(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(_, only)] => Some(only),
        [(first, name), (second, _), ..] if first < second => Some(name),
        _ => None,
    }
}

/// Counts the letters to insert, leave out, change, or swap with the next.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(MAX_LEN.saturating_mul(2)).collect();
    // The rows before the last two, and the letter before.
    let mut earlier: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut before = None;
    for (index, a) in one.chars().enumerate() {
        let mut next = vec![index.saturating_add(1)];
        let mut b_before = None;
        for (place, b) in other.iter().copied().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
            let after = place.saturating_add(1);
            let changed = at(&row, place).saturating_add(usize::from(a != b));
            let shorter = at(&row, after).min(at(&next, place)).saturating_add(1);
            let swapped = match place.checked_sub(1) {
                Some(two_before) if before == Some(b) && b_before == Some(a) => {
                    at(&earlier, two_before).saturating_add(1)
                }
                _ => usize::MAX,
            };
            next.push(changed.min(shorter).min(swapped));
            b_before = Some(b);
        }
        earlier = std::mem::replace(&mut row, next);
        before = Some(a);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_too_many_too_few_or_another_is_understood() {
        let names = ["sign", "verify", "timestamp", "fd", "tr", "td", "p7co", "p7ce"];
        for (typed, meant) in [
            ("singn", Some("sign")),
            ("SIGNN", Some("sign")),
            ("sing", Some("sign")),
            ("df", Some("fd")),
            ("verfy", Some("verify")),
            ("timestmap", Some("timestamp")),
            ("fdd", Some("fd")),
            ("p7cx", None),
            ("t", None),
            ("xyz", None),
            ("remove", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), names), None);
        for (one, other, count) in
            [("kitten", "sitting", 3), ("ab", "ba", 1), ("", "ab", 2), ("ab", "", 2)]
        {
            assert_eq!(distance(one, other), count);
        }
    }
}
