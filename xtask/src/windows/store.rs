//! The store that is written on this system where the second article is replayed, read by crypt32.

use std::fs;

use super::trust::Trust;
use crate::shell::{self, Result, capture, cargo, target_dir};

/// The test that replays the article and leaves the store.
const REPLAY: &str = "compat::articles::every_line_of_both_articles_does_what_they_show";

/// The certificate of the article, and the provider its key is bound to.
const SUBJECT: &str = "CN=www.mydomain.com, OU=Certificate Management, O=Information Technology, \
                       L=Houston, S=Texas, C=US";
const PROVIDER: &str = "Cavium Key Storage Provider";

/// Replays the article, has crypt32 open the store it leaves, and insists on what crypt32 says is in it.
pub(super) fn reads_the_articles_store(trust: &Trust<'_>) -> Result<()> {
    let test = ["test", "--package", "chancery-cli", "--test", "e2e", "--", "--exact", REPLAY];
    shell::run(cargo(&test))?;
    let folder = target_dir().join("tmp/second-article");
    let store = folder.join("My.sst");
    let container = fs::read_to_string(folder.join("container.txt"))
        .map_err(|error| format!("the replay left no {}: {error}", folder.display()))?;
    let said = capture(trust.ask("store", &store))?.replace("\r\n", "\n");
    println!("{said}");
    let (_, said) = said.split_once('\n').unwrap_or_default();
    // The article sets an empty friendly name, a legacy key specification with a key storage provider, and no flags
    // in a store of the machine.
    let expected = format!(
        "certificate={SUBJECT}\nfriendly name=\ncontainer={container}\nprovider={PROVIDER}\n\
         type=0\nflags=0\nkey spec=2"
    );
    if said == expected { Ok(()) } else { Err(format!("crypt32 says\n{said}\nnot\n{expected}")) }
}
