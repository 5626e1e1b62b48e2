//! `docs/compat-*.md` are the tables by which command lines are read.

use super::page::Page;
use crate::support::chancery;

const TOOLS: [&str; 6] =
    ["signtool", "certreq", "certutil", "import_key", "key_mgmt_util", "openssl"];

#[test]
fn every_page_is_the_help_of_its_tool() {
    for tool in TOOLS {
        let help = chancery([tool, "/?"]).ends_with(0).stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let page = format!(
            "# {tool}, as Chancery understands it\n\nThis is what `chancery {tool} /?` prints. A link of the name \
             `{tool}` to the command does the same\nas `chancery {tool}`.\n\n```text\n{help}```\n"
        );
        Page::open(&format!("docs/compat-{}.md", tool.replace('_', "-"))).is(&page);
    }
}
