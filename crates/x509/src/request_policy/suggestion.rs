//! The known name that is written most like an unknown one.

/// Names longer than this are like nothing.
const MAX_LEN: usize = 64;

/// Finds the nearest of some names, if it is near: at most a third of its letters are other ones.
pub(crate) fn nearest(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    if name.len() > MAX_LEN {
        return None;
    }
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, known)| distance.saturating_mul(3) <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Counts the letters to put in, take out or change between two words (Levenshtein 1965).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (b, above) in other.chars().zip(row.iter_mut().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(a != b));
            diagonal = *above;
            left = changed.min(left.saturating_add(1)).min(above.saturating_add(1));
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (one, other, letters) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(one, other), letters, "{one} {other}");
        }
    }

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = ["KeyLength", "KeyUsage", "Subject"];
        assert_eq!(nearest("keylenght", known), Some("KeyLength"));
        assert_eq!(nearest("Subjct", known), Some("Subject"));
        assert_eq!(nearest("Colour", known), None);
        assert_eq!(nearest(&"KeyLength".repeat(8), known), None);
    }
}
