//! The text of an article: what is typed at its prompts, and what it shows.

use super::shown::folded;

/// Finds what is typed at the prompts of an article, line by line; what follows on the same line is still behind it.
pub(super) fn typed_lines(article: &str) -> Vec<String> {
    article.lines().flat_map(prompts_in).map(|typed| folded(&typed)).collect()
}

/// Finds the prompts of one line: `Command:`, `PS C:\`, or a folder and `>`, wherever in the line it is.
fn prompts_in(line: &str) -> Vec<String> {
    let line = line.trim();
    if let Some(typed) = line.strip_prefix("Command: ") {
        return vec![typed.to_owned()];
    }
    // One article has lost the > of a prompt.
    if let Some(typed) = line.strip_prefix("PS C:\\").filter(|rest| !rest.starts_with('>')) {
        return vec![typed.to_owned()];
    }
    let prompt = |(start, _): (usize, &str)| {
        let (folder, typed) = line[start..].split_once('>')?;
        // A placeholder has the same sign, and a prompt with nothing behind it waits.
        (!folder.contains('<') && !typed.trim().is_empty()).then(|| typed.to_owned())
    };
    line.match_indices("C:\\").filter_map(prompt).collect()
}

/// An article that is read from its beginning to its end.
pub(super) struct Reader {
    text: String,
    at: usize,
}

impl Reader {
    pub(super) fn new(article: &str) -> Self {
        Self { text: one_word_a_placeholder(&folded(article)), at: 0 }
    }

    /// Goes behind a line at the next prompt that has it; in its sentences an article has it too.
    pub(super) fn skip_line(&mut self, typed: &str) {
        let found = ["Command: ", ">", "PS C:\\"]
            .map(|prompt| self.end_of(&format!("{prompt}{typed}")))
            .into_iter()
            .flatten()
            .min();
        self.at = found.unwrap_or_else(|| panic!("the article has no more `{typed}`"));
    }

    /// Goes behind the next occurrence of a text.
    pub(super) fn skip(&mut self, text: &str) {
        let found = self.end_of(text);
        self.at = found.unwrap_or_else(|| panic!("the article has no more `{text}`"));
    }

    fn end_of(&self, text: &str) -> Option<usize> {
        let text = one_word_a_placeholder(text);
        Some(self.at + self.text[self.at..].find(&text)? + text.len())
    }

    /// Reads up to a text, which comes next.
    pub(super) fn read_to(&self, end: &str) -> &str {
        let rest = &self.text[self.at..];
        let end = one_word_a_placeholder(end);
        let end = rest.find(&end).unwrap_or_else(|| panic!("the article has no `{end}` behind"));
        rest[..end].trim()
    }
}

/// Puts placeholders of several words, as `<my root certificate>`, into one.
fn one_word_a_placeholder(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|c| {
            inside = (inside || c == '<') && c != '>';
            if inside && c == ' ' { '-' } else { c }
        })
        .collect()
}

#[test]
fn prompts_are_told_from_folders_and_placeholders() {
    for (line, typed) in [
        ("C:\\Users\\me>certutil -store my my \"Personal\"", "certutil -store my my \"Personal\""),
        ("typed before C:\\Users\\me>certutil -key", "certutil -key"),
        ("PS C:\\>.\\tool.exe C:\\Users\\<test.exe>", ".\\tool.exe C:\\Users\\<test.exe>"),
        ("PS C:\\certreq -accept <a.cer>", "certreq -accept <a.cer>"),
        ("    Command: findKey -c 2", "findKey -c 2"),
    ] {
        assert_eq!(prompts_in(line), [typed]);
    }
    for line in
        ["C:\\Program Files\\<SDK version>\\bin\\<version>", "done. C:\\Users\\me>", "C:\\a"]
    {
        assert!(prompts_in(line).is_empty(), "{line}");
    }
}
