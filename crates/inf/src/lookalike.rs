//! Characters that word processors and web pages put in the place of those an INF has.

use crate::ErrorKind;

const QUOTE: (Option<char>, &str) = (Some('"'), "write `\"`");
const APOSTROPHE: (Option<char>, &str) = (Some('\''), "write `'`");
const HYPHEN: (Option<char>, &str) = (Some('-'), "write `-`");
const SPACE: (Option<char>, &str) = (Some(' '), "write a plain blank");
const NOTHING: (Option<char>, &str) = (None, "remove it, it is invisible");

/// Says what belongs in the place of a character that should not be in an INF.
pub(crate) const fn lookalike(found: char) -> Option<ErrorKind> {
    let (name, (instead, remedy)) = match found {
        '\u{201c}' => ("left double quotation mark", QUOTE),
        '\u{201d}' => ("right double quotation mark", QUOTE),
        '\u{201e}' => ("low double quotation mark", QUOTE),
        '\u{201f}' => ("reversed double quotation mark", QUOTE),
        '\u{00ab}' | '\u{00bb}' => ("angle quotation mark", QUOTE),
        '\u{2033}' => ("double prime", QUOTE),
        '\u{ff02}' => ("full-width quotation mark", QUOTE),
        '\u{2018}' => ("left single quotation mark", APOSTROPHE),
        '\u{2019}' => ("right single quotation mark", APOSTROPHE),
        '\u{201a}' => ("low single quotation mark", APOSTROPHE),
        '\u{201b}' => ("reversed single quotation mark", APOSTROPHE),
        '\u{2032}' => ("prime", APOSTROPHE),
        '\u{2010}' => ("hyphen", HYPHEN),
        '\u{2011}' => ("non-breaking hyphen", HYPHEN),
        '\u{2012}' => ("figure dash", HYPHEN),
        '\u{2013}' => ("en dash", HYPHEN),
        '\u{2014}' => ("em dash", HYPHEN),
        '\u{2015}' => ("horizontal bar", HYPHEN),
        '\u{2212}' => ("minus sign", HYPHEN),
        '\u{ff1d}' => ("full-width equals sign", (Some('='), "write `=`")),
        '\u{ff0c}' => ("full-width comma", (Some(','), "write `,`")),
        '\u{ff1b}' => ("full-width semicolon", (Some(';'), "write `;`")),
        '\u{00a0}' => ("no-break space", SPACE),
        '\u{2000}'..='\u{200a}' | '\u{205f}' => ("typographic space", SPACE),
        '\u{202f}' => ("narrow no-break space", SPACE),
        '\u{3000}' => ("ideographic space", SPACE),
        '\u{00ad}' => ("soft hyphen", NOTHING),
        '\u{200b}' => ("zero-width space", NOTHING),
        '\u{200e}' | '\u{200f}' => ("text-direction mark", NOTHING),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ("text-direction mark", NOTHING),
        '\u{2060}' => ("word joiner", NOTHING),
        '\u{feff}' => ("byte-order mark", NOTHING),
        '\u{2028}' | '\u{2029}' => ("line separator", (Some('\n'), "begin a new line")),
        _ => return None,
    };
    Some(ErrorKind::Typographic { found, name, instead, remedy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_an_inf_or_of_a_language_is_a_lookalike() {
        let plain = (' '..='~').chain("äéñßøłŠжΩ中文字あ한€№".chars());
        for c in plain {
            assert_eq!(lookalike(c), None, "{c:?}");
        }
    }

    #[test]
    fn what_should_be_there_is_no_lookalike_itself() {
        for c in '\0'..='\u{ffff}' {
            if let Some(ErrorKind::Typographic { instead: Some(instead), .. }) = lookalike(c) {
                assert!(instead.is_ascii() && lookalike(instead).is_none(), "{c:?}");
            }
        }
    }
}
