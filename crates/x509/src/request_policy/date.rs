//! Dates as people write them. Windows reads them by the settings of the user and in local time; here every date means
//! one point in time, in UTC, or is refused.

use super::error::PolicyErrorKind as Kind;
use crate::Time;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads RFC 3339, `2026-01-31`, and dates with the name of the month: `January 31, 2026 12:30 PM`.
pub(crate) fn date(text: &str) -> Result<Time, Kind> {
    let plain = text.trim();
    if let Some(time) = Time::parse_rfc3339(plain) {
        return Ok(time);
    }
    if plain.split(['/', '.']).count() == 3 && plain.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Kind::AmbiguousDate(text.to_owned()));
    }
    with_month_name(plain).ok_or_else(|| Kind::Date(text.to_owned()))
}

fn with_month_name(text: &str) -> Option<Time> {
    let words = text.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    // A date has at most five words.
    let words: Vec<String> = words.take(6).map(str::to_lowercase).collect();
    let [first, second, year, clock @ ..] = &words[..] else { return None };
    let (month, day) = match (month(first), month(second)) {
        (Some(month), None) => (month, second),
        (None, Some(month)) => (month, first),
        _ => return None,
    };
    let day = digits(day, 1..=2)?;
    let year = (year.len() == 4).then(|| digits(year, 4..=4))??;
    let (hour, minute, second) = match clock {
        [] => (0, 0, 0),
        [clock] => time_of_day(clock, None)?,
        [clock, half] => time_of_day(clock, Some(half))?,
        _ => return None,
    };
    Time::parse_rfc3339(&format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

/// Finds a month by its name or the first three letters of it.
fn month(word: &str) -> Option<u32> {
    let named = |name: &str| word == name || name.get(..3) == Some(word);
    (1..).zip(MONTHS).find(|(_, name)| named(name)).map(|(number, _)| number)
}

fn digits(text: &str, len: core::ops::RangeInclusive<usize>) -> Option<u32> {
    let good = len.contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

fn time_of_day(clock: &str, half: Option<&String>) -> Option<(u32, u32, u32)> {
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 1..=2)?;
    let minute = digits(parts.next()?, 2..=2)?;
    let second = parts.next().map_or(Some(0), |second| digits(second, 2..=2))?;
    let hour = match half.map(String::as_str) {
        None => hour,
        Some("am") if (1..=12).contains(&hour) => hour % 12,
        Some("pm") if (1..=12).contains(&hour) => (hour % 12).saturating_add(12),
        Some(_) => return None,
    };
    parts.next().is_none().then_some((hour, minute, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_mean_one_day_are_read() {
        for (text, time) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T12:30:15Z", "2026-01-31T12:30:15Z"),
            ("July 24, 2012 10:31 AM", "2012-07-24T10:31:00Z"),
            ("24 jul 2012,12:05:09 am", "2012-07-24T00:05:09Z"),
            ("May 1,2026 12:00 PM", "2026-05-01T12:00:00Z"),
            ("31 December 2026 23:59", "2026-12-31T23:59:00Z"),
        ] {
            assert_eq!(date(text).unwrap().to_string(), time, "{text}");
        }
    }

    #[test]
    fn dates_that_mean_two_days_are_refused() {
        for text in ["1/2/2026", "01.02.2026", "10/28/2024 3:00 AM"] {
            assert!(matches!(date(text), Err(Kind::AmbiguousDate(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-13-01",
            "30 February 2026",
            "July 2026",
            "July July 2026",
            "24 July 26",
            "24 July 2026 25:00",
            "24 July 2026 13:00 PM",
            "24 July 2026 1:0",
            "24 July 2026 1:00 PM UTC",
            "24 July 2026 1:00:00:00",
            "0 July 2026",
            "24 July 1960",
        ] {
            assert!(matches!(date(text), Err(Kind::Date(_))), "{text}");
        }
    }
}
