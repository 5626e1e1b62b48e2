//! Dates as the tools write them. Always in UTC: the machines that sign are rarely where their readers are.

use chancery::x509::Time;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The numbers of a time: year, month, day, hour, minute, second.
fn numbers(time: Time) -> [usize; 6] {
    let text = time.to_string();
    let mut all = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

/// Writes `2/5/2020 1:38 PM`, as certutil does.
pub(super) fn certutil(time: Time) -> String {
    let [year, month, day, hour, minute, _] = numbers(time);
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    format!("{month}/{day}/{year} {hour}:{minute:02} {half}")
}

/// Writes `Wed May 06 19:24:54 2027`, as SignTool does.
pub(super) fn signtool(time: Time) -> String {
    let [year, month, day, hour, minute, second] = numbers(time);
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((time.unix() / 86_400 + 4) % 7).unwrap_or_default();
    let weekday = DAYS.get(weekday).copied().unwrap_or_default();
    let month = MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or_default();
    format!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_the_tools_write_them() {
        for (text, of_certutil, of_signtool) in [
            ("2020-02-05T13:38:00Z", "2/5/2020 1:38 PM", "Wed Feb 05 13:38:00 2020"),
            ("2027-05-06T19:24:54Z", "5/6/2027 7:24 PM", "Thu May 06 19:24:54 2027"),
            ("1970-01-01T00:00:00Z", "1/1/1970 12:00 AM", "Thu Jan 01 00:00:00 1970"),
            ("2024-02-29T12:05:09Z", "2/29/2024 12:05 PM", "Thu Feb 29 12:05:09 2024"),
        ] {
            let time = Time::parse_rfc3339(text).unwrap();
            assert_eq!(certutil(time), of_certutil);
            assert_eq!(signtool(time), of_signtool);
        }
    }
}
