//! `docs/verification.md` says what the code does.

use chancery_examiner::checks_table;
use chancery_testkit::workspace;

#[test]
fn the_table_in_the_documentation_is_the_one_in_the_code() {
    let path = workspace::root().join("docs/verification.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let table = checks_table::render();
    assert!(
        text.contains(&table),
        "put the output of `cargo run -p chancery-examiner -- checks` into docs/verification.md"
    );
}
