//! What can be wrong with a text.

use crate::Position;

/// Why a text is no INF, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {kind}")]
pub struct Error {
    position: Position,
    kind: ErrorKind,
}

impl Error {
    pub(crate) const fn new(position: Position, kind: ErrorKind) -> Self {
        Self { position, kind }
    }

    /// Returns where it is wrong.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not in the encoding their byte-order mark names.
    #[error("not {encoding}, which the byte-order mark promises")]
    Encoding {
        /// The encoding, as in `UTF-16LE`.
        encoding: &'static str,
    },
    /// Every other byte is zero, as in UTF-16, but no byte-order mark says so.
    #[error("UTF-16 without a byte-order mark")]
    NoByteOrderMark,
    /// More of something than is read.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A control character other than a tab or the end of a line.
    #[error("control character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// A character that a web page or a word processor put in the place of another.
    #[error("{name} U+{:04X}, as word processors and web pages write it: {remedy}", u32::from(*.found))]
    Typographic {
        /// The character that is there.
        found: char,
        /// Its name.
        name: &'static str,
        /// The character that belongs there; none where it should just go.
        instead: Option<char>,
        /// The same in words.
        remedy: &'static str,
    },
    /// Something other than a comment before the first `[section]`.
    #[error("text before the first section")]
    OutsideSection,
    /// A `[` without its `]` in the line.
    #[error("a section's name ends with `]`")]
    UnclosedSection,
    /// A `[]`.
    #[error("a section without a name")]
    EmptySectionName,
    /// Something other than a comment after a section's `]`.
    #[error("text after a section's name")]
    AfterSectionName,
    /// A `=` with nothing before it.
    #[error("a value without a key")]
    EmptyKey,
    /// A `"` without another in the line.
    #[error("a quotation mark that is not closed in its line")]
    UnclosedQuote,
    /// A `%` without another in the value.
    #[error("a `%` that is not closed; a literal one is written `%%`")]
    UnclosedPercent,
    /// A `%name%` that `[Strings]` does not define.
    #[error("no `{0}` in [Strings]; a literal `%` is written `%%`")]
    UndefinedString(String),
    /// The same name twice in `[Strings]`.
    #[error("`{0}` is defined twice in [Strings]")]
    DuplicateString(String),
    /// A `_continue_` with no key before it in its section.
    #[error("`_continue_` with no value to continue")]
    NothingToContinue,
}
