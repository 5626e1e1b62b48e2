//! `[Strings]`, and the replacement of `%name%` by what it says.

use std::collections::HashMap;

use crate::field::{Part, RawField};
use crate::{Error, ErrorKind};

/// The most text, in bytes, that `%name%` puts into one document: with every definition as long as the file and used on
/// every line, replacing would cost the square of its size.
pub const MAX_SUBSTITUTED_LEN: usize = 1024 * 1024;

/// The section that defines names.
pub(crate) const SECTION: &str = "strings";

/// Brings a name into the form names are compared in.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// The definitions, and how much may still be put in.
#[derive(Debug)]
pub(crate) struct Strings {
    definitions: HashMap<String, String>,
    budget: usize,
}

impl Strings {
    pub(crate) fn new() -> Self {
        Self { definitions: HashMap::new(), budget: MAX_SUBSTITUTED_LEN }
    }

    /// Adds a definition. Tells whether the name was free.
    pub(crate) fn define(&mut self, name: &str, value: String) -> bool {
        self.definitions.insert(fold(name), value).is_none()
    }

    /// Puts a field together.
    pub(crate) fn replace_in(&mut self, field: RawField) -> Result<String, Error> {
        let mut text = String::new();
        for part in field.parts {
            match part {
                Part::Text(part) => text.push_str(&part),
                Part::Reference(name, position) => {
                    let Some(value) = self.definitions.get(&fold(&name)) else {
                        return Err(Error::new(position, ErrorKind::UndefinedString(name)));
                    };
                    self.budget = self.budget.checked_sub(value.len()).ok_or_else(|| {
                        let what = "bytes put in by %name%";
                        let kind = ErrorKind::Limit { what, limit: MAX_SUBSTITUTED_LEN };
                        Error::new(position, kind)
                    })?;
                    text.push_str(value);
                }
            }
        }
        Ok(text)
    }
}
