//! Words of command lines that are shown to people.

/// Writes a word so that a shell takes it for one: as it is, or in quotes where something in it means more to a shell.
///
/// In the Windows shell an apostrophe is a letter: there the quotes are double ones. Elsewhere, control characters are
/// written as `$'...'` with escapes, which bash, zsh and ksh read, and no terminal obeys.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(|c| plain(c) || (cfg!(windows) && c == '\\')) {
        return text.to_owned();
    }
    if cfg!(windows) {
        return format!("\"{}\"", text.escape_debug().to_string().replace("\\\\", "\\"));
    }
    if text.chars().any(char::is_control) {
        let escaped = text.chars().map(|c| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        });
        return format!("$'{}'", escaped.collect::<String>());
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for text in ["", "a", "my setup.exe", "it's", "$HOME", "a;b", "`x`", "*", "~", "a\\b", "ü"]
        {
            let line = format!("printf %s {}", shell_word(text));
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "{line}");
        }
        assert_eq!(shell_word("/a/b-1.exe"), "/a/b-1.exe");
        assert_eq!(shell_word("a\u{1b}[1m'\nb"), r"$'a\u001b[1m\'\u000ab'");
    }
}
