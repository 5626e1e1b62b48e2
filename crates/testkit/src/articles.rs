//! The articles whose ways of working are replayed: texts of web pages.
//!
//! They are not part of this repository. Their place is `CHANCERY_ARTICLES`, else `../shared/seeds` beside the
//! workspace; where it is not there, tests that compare with them say so and go on without.

use std::path::PathBuf;
use std::{env, fs};

use crate::workspace;

/// Finds the article that has a phrase; without the articles, prints that nothing is compared with them.
///
/// # Panics
/// Where the directory is there, and cannot be read or has not exactly one such text.
#[must_use]
pub fn article_with(phrase: &str) -> Option<String> {
    let named = env::var_os("CHANCERY_ARTICLES").map(PathBuf::from);
    let dir = named.clone().unwrap_or_else(|| workspace::root().join("../shared/seeds"));
    if named.is_none() && !dir.is_dir() {
        println!("skipped: no articles; CHANCERY_ARTICLES can name their directory");
        return None;
    }
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries.flatten(),
        Err(error) => panic!("cannot read {}: {error}", dir.display()),
    };
    let mut found: Vec<String> = entries
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .filter(|text| text.contains(phrase))
        .collect();
    assert_eq!(found.len(), 1, "{} has not one text with `{phrase}`", dir.display());
    found.pop()
}
