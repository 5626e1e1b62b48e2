//! `docs/compat-*.md` are the tables by which command lines are read.

use std::fs;
use std::path::Path;

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
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("docs/compat-{}.md", tool.replace('_', "-")));
        if std::env::var("CHANCERY_BLESS").is_ok_and(|value| value == "1") {
            fs::write(&path, &page).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(written == page, "{} is not the help; CHANCERY_BLESS=1 writes it", path.display());
    }
}
