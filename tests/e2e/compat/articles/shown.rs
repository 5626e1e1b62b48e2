//! What is shown for a line, and whether a text is that.

/// Folds white space: line breaks of a web page are not those of a terminal.
pub(crate) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Insists that a text is what is shown, word by word; `<...>` in a word stands for a value of any kind, `<date>` for
/// the three words of a date and its time, and `<words>` for any number of words.
///
/// # Errors
/// The first word that is another.
pub(super) fn compare(text: &str, shown: &str) -> Result<(), String> {
    let (text, shown) = (folded(text), folded(shown));
    let mut words = text.split_whitespace().peekable();
    let mut wanted = shown.split_whitespace().peekable();
    while let Some(want) = wanted.next() {
        if want == "<words>" {
            let next = wanted.peek().copied();
            while words.peek().is_some_and(|word| next.is_none_or(|next| !fits(word, next))) {
                words.next();
            }
            continue;
        }
        let count = if want == "<date>" { 3 } else { 1 };
        let found: Vec<&str> = words.by_ref().take(count).collect();
        let fits = match count {
            1 => found.first().is_some_and(|word| fits(word, want)),
            _ => found.len() == 3 && found[0].contains('/') && ["AM", "PM"].contains(&found[2]),
        };
        if !fits {
            return Err(format!("`{}` where `{want}` is shown\n{text}\n{shown}", found.join(" ")));
        }
    }
    match words.next() {
        None => Ok(()),
        Some(word) => Err(format!("`{word}` and more than is shown\n{text}\n{shown}")),
    }
}

fn fits(word: &str, want: &str) -> bool {
    match want.split_once('<') {
        Some((before, value)) => {
            let after = value.split_once('>').map_or("", |(_, after)| after);
            word.len() > before.len() && word.starts_with(before) && word.ends_with(after)
        }
        None => word == want,
    }
}

#[test]
fn values_dates_and_runs_of_words_are_told_from_other_words() {
    for (text, shown) in [
        ("a  b\nc", "a b c"),
        ("Length = 12", "Length = <number>"),
        ("Modulus=9D end", "Modulus=<hex> end"),
        (" NotBefore: 2/5/2020 1:38 PM x", "NotBefore: <date> x"),
        ("BEGIN x y z END", "BEGIN <words> END"),
        ("at the start: Done", "<words> Done"),
        ("Done and more", "Done <words>"),
    ] {
        compare(text, shown).unwrap();
    }
    for (text, shown) in [
        ("a b", "a"),
        ("a", "a b"),
        ("Length = x y", "Length = <number>"),
        ("Modulus= end", "Modulus=<hex> end"),
        ("NotBefore: 2/5/2020 1:38", "NotBefore: <date>"),
        ("NotBefore: a b c", "NotBefore: <date>"),
        ("BEGIN x y", "BEGIN <words> END"),
        ("", "a"),
    ] {
        assert!(compare(text, shown).is_err(), "{text} {shown}");
    }
}
