//! Changes that should be noticed.

use chancery_examiner::mutations;
use chancery_examiner::pitfalls::{Course, judge};
use chancery_testkit::corpus::corpus;

#[test]
fn no_change_of_a_protected_byte_goes_unnoticed() {
    let tally = mutations::run(&Course::make(), 2_000, 20_261_101);
    println!("{tally:?}");
    assert_eq!((tally.cases, &tally.fooled, &tally.panics), (2_000, &vec![], &vec![]));
    // Some changes hit what nobody signed; were it most of them, this would test nothing.
    assert!(tally.harmless > 0 && tally.harmless < 600, "{tally:?}");
}

#[test]
fn no_prefix_of_a_signed_file_is_valid() {
    let course = Course::make();
    let verifier = course.verifier();
    for name in ["T0-honest", "T11-page-hashes", "T18-expired-and-stamped"] {
        let file = &course.pitfalls.iter().find(|one| one.name == name).unwrap().file;
        for len in 0..file.len() {
            assert_ne!(judge(&file[..len], &verifier).0, "valid", "{name} up to {len}");
        }
    }
}

#[test]
fn no_prefix_of_a_small_corpus_file_is_taken_for_the_file() {
    let Some(corpus) = corpus() else { return };
    let verifier = Course::make().verifier();
    let mut prefixes = 0_usize;
    for file in corpus.of_kind("pe") {
        let bytes = std::fs::read(&file.path).unwrap();
        if bytes.len() > 12 << 10 || !file.has_feature("signed") {
            continue;
        }
        for len in 0..bytes.len() {
            let verdict = judge(&bytes[..len], &verifier).0;
            assert!(
                !matches!(verdict, "valid" | "untrusted"),
                "{} up to {len}: {verdict}",
                file.name
            );
        }
        prefixes += bytes.len();
    }
    println!("{prefixes} prefixes");
}
