//! Words of a line, of response files, and names that stand for several files.

use std::path::Path;

use chancery::{Error, ErrorKind, read_small_file};

/// The most words that response files may add up to.
const MAX_WORDS: usize = 100_000;

/// Splits a line into words: blanks separate, `"` keeps them together, `""` within quotes is one quote. With
/// `escapes`, two backslashes are one, as in the prompts of HSM tools.
pub(in super::super) fn split(line: &str, escapes: bool) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut is_word, mut quoted) = (String::new(), false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                word.push('"');
            }
            '"' => {
                quoted = !quoted;
                is_word = true;
            }
            '\\' if escapes && chars.peek() == Some(&'\\') => {
                chars.next();
                word.push('\\');
                is_word = true;
            }
            c if c.is_whitespace() && !quoted => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                    is_word = false;
                }
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// Puts the words of response files, `@FILE`, in their place. Such a file names no other.
pub(in super::super) fn response_files(args: &[String]) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for arg in args {
        match arg.strip_prefix('@').filter(|name| !name.is_empty()) {
            Some(name) => {
                let path = Path::new(name);
                let text = String::from_utf8(read_small_file(path)?)
                    .map_err(|error| Error::malformed(path, error))?;
                all.extend(split(text.trim_start_matches('\u{feff}'), false));
            }
            None => all.push(arg.clone()),
        }
        if all.len() > MAX_WORDS {
            let message = format!("response files have more than {MAX_WORDS} words");
            return Err(Error::new(ErrorKind::Usage, message));
        }
    }
    Ok(all)
}

/// Puts the files that `*` and `?` in a file's name stand for in its place, sorted, as Windows tools do for themselves. A
/// name that stands for none stays.
pub(in super::super) fn expand_files(names: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for name in names {
        let path = Path::new(name);
        let pattern = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut found = Vec::new();
        if pattern.contains(['*', '?']) && !path.exists() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
            for entry in entries.flatten() {
                let file = entry.file_name();
                if file.to_str().is_some_and(|file| fits(pattern, file)) {
                    let full = folder.map_or_else(|| file.clone().into(), |dir| dir.join(&file));
                    found.extend(full.to_str().map(str::to_owned));
                }
            }
        }
        found.sort();
        if found.is_empty() {
            found.push(name.clone());
        }
        all.extend(found);
    }
    all
}

/// Tells whether a name fits a pattern with `*` and `?`, in time bounded by the product of their lengths.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), name.to_lowercase().chars().collect());
    // Which prefixes of the name the pattern so far fits.
    let mut row = vec![false; name.len().saturating_add(1)];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; row.len()];
        for index in 0..next.len() {
            let before = index.checked_sub(1);
            let same = before.and_then(|before| name.get(before)).is_some_and(|c| *c == wanted);
            let so_far = before.and_then(|before| row.get(before)) == Some(&true);
            let fits = if wanted == '*' {
                row.get(index) == Some(&true) || before.and_then(|b| next.get(b)) == Some(&true)
            } else {
                so_far && (wanted == '?' || same)
            };
            if let Some(place) = next.get_mut(index) {
                *place = fits;
            }
        }
        row = next;
    }
    row.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_command_prompt_does() {
        assert_eq!(
            split(r#"sign /d "My ""best"" program" a.exe"#, false),
            ["sign", "/d", "My \"best\" program", "a.exe"]
        );
        assert_eq!(split("  a\t\"\"  \r\n b ", false), ["a", "", "b"]);
        let path = r"findKey -m C:\\Users\\me\\modulus.txt";
        assert_eq!(split(path, true).last().unwrap(), r"C:\Users\me\modulus.txt");
        assert_eq!(split(r"\\server\share", false), [r"\\server\share"]);
    }

    #[test]
    fn stars_and_question_marks_stand_for_what_they_do_in_a_command_prompt() {
        for (pattern, name) in
            [("*.exe", "A.EXE"), ("*", "x"), ("a?c*", "abcdef"), ("**b", "b"), ("", "")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.exe", "a.dll"), ("?", ""), ("a*b", "abc"), ("", "a")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        let slow = "*a".repeat(200);
        assert!(!fits(&slow, &"a".repeat(199)));
    }
}
