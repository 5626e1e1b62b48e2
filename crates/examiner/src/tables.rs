//! What the examiner found, as tables for a person.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use chancery_authenticode::{TrustAnchors, Verifier};
use chancery_examiner::corpus::{Comparison, Examined, MAX_MEMORY_KIB, examine};
use chancery_examiner::growth::{self, Cost};
use chancery_examiner::opinion::{Agreement, FIELDS};
use chancery_examiner::pitfalls::{AT, Course, judge};
use chancery_examiner::wine::{Action, Compared};
use chancery_examiner::{explanations, judge_file, memory, mutations, tools, wine};
use chancery_x509::{Time, read_certificates};

/// Examines a corpus and prints what came out.
pub(crate) fn corpus(dir: &Path) -> Result<(), String> {
    let roots = tools::microsoft_roots()?;
    let examined = examine(dir, &roots)?;
    verdicts(&examined);
    strictness(&examined);
    let mut open = agreement("windows", &Comparison::new(&examined, &roots, |one| &one.windows)?);
    open += agreement("strict", &Comparison::new(&examined, &roots, |one| &one.strict)?);
    open += disagreements_among_tools(&examined);
    costs(&examined)?;
    match open {
        0 => Ok(()),
        _ => Err(format!("{open} disagreements that nobody has explained")),
    }
}

fn verdicts(examined: &[Examined]) {
    let mut counts: BTreeMap<(String, &str, &str), usize> = BTreeMap::new();
    for one in examined {
        let key = (
            one.file.expected.join(";"),
            Examined::verdict(&one.windows),
            Examined::verdict(&one.strict),
        );
        *counts.entry(key).or_default() += 1;
    }
    println!("{} executables, by what the manifest expects and what we say", examined.len());
    println!("{:<28} {:<12} {:<12} {:>5}", "expected", "windows", "strict", "files");
    for ((expected, windows, strict), count) in counts {
        println!("{expected:<28} {windows:<12} {strict:<12} {count:>5}");
    }
}

fn strictness(examined: &[Examined]) {
    let mut added: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in examined {
        if Examined::verdict(&one.windows) == "valid" {
            for name in one.strict_reasons() {
                added.entry(name).or_default().push(&one.file.name);
            }
        }
    }
    println!("\nwhat strict refuses of what is valid by the policy of Windows, by reason");
    for (reason, files) in added {
        println!("{:>3} {reason:<28} {}", files.len(), files.first().copied().unwrap_or_default());
    }
}

/// Prints a comparison and returns how much of it wants an explanation.
fn agreement(policy: &str, comparison: &Comparison) -> usize {
    println!("\nsignature by signature, ours by {policy}");
    print!("{:<14} {:<10}", "tool", "field");
    for agreement in Agreement::ALL {
        print!(" {:>9}", agreement.name());
    }
    println!();
    for tool in ["osslsigncode", "signify", "lief"] {
        for field in FIELDS {
            print!("{tool:<14} {field:<10}");
            for agreement in Agreement::ALL {
                let count = comparison.counts.get(&(tool, field, agreement));
                print!(" {:>9}", count.copied().unwrap_or_default());
            }
            println!();
        }
    }
    for one in &comparison.differences {
        let how = match one.agreement {
            Agreement::Refuted => "refuted",
            Agreement::Elsewhere => "elsewhere",
            Agreement::Weaker => "weaker than",
            _ => "stricter than",
        };
        let why = if one.is_unexplained() { "NOT EXPLAINED" } else { &one.because };
        println!("  {how} {}: {}[{}] {}: {why}", one.tool, one.file, one.index, one.field);
    }
    for (file, tool, ours, theirs) in &comparison.counted_otherwise {
        println!("  {file}: {tool} sees {theirs} signatures, we see {ours}");
    }
    comparison.unexplained()
}

/// Prints what the manifest's tools disagree about, and our answer; returns how many lack an explanation.
fn disagreements_among_tools(examined: &[Examined]) -> usize {
    println!("\nwhere the tools of the manifest disagree");
    let mut open = 0;
    for one in examined {
        let Some(disagreement) = one.file.column("disagreements") else { continue };
        let verdict = Examined::verdict(&one.strict);
        println!("{}: {verdict} ({})", one.file.name, one.strict_reasons().join(", "));
        for part in disagreement.split(';').map(str::trim) {
            let why = explanations::of_disagreement(part);
            open += usize::from(why.is_none());
            println!("  {part}: {}", why.unwrap_or("NOT EXPLAINED"));
        }
    }
    open
}

fn costs(examined: &[Examined]) -> Result<(), String> {
    let slowest = examined.iter().max_by_key(|one| one.took);
    if let Some(one) = slowest {
        println!("\nslowest: {} in {:.1} ms", one.file.name, one.took.as_secs_f64() * 1e3);
    }
    let Some(largest) = examined.iter().max_by_key(|one| one.peak) else { return Ok(()) };
    match largest.peak {
        None => println!("largest: not measured on this system"),
        Some(peak) => {
            println!("largest: {} with {:.1} MiB", largest.file.name, peak as f64 / 1024.0);
            if peak > MAX_MEMORY_KIB {
                return Err(format!("{} costs more than 32 MiB", largest.file.name));
            }
        }
    }
    Ok(())
}

/// Prints how the answers of wine, in a file as `trust verify` prints them, stand to ours.
pub(crate) fn wine(dir: &Path, answers: &Path) -> Result<(), String> {
    let answers = std::fs::read_to_string(answers)
        .map_err(|error| format!("{}: {error}", answers.display()))?;
    let asked = wine::ask(dir, &tools::microsoft_roots()?, &answers)?;
    let mut unnamed = 0_usize;
    for action in Action::ALL {
        let mut gaps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut same = 0_usize;
        let mut strange = Vec::new();
        for one in &asked {
            match one.compare(action) {
                Compared::Same => same += 1,
                Compared::Gap(gap) => gaps.entry(gap.says).or_default().push(&one.file),
                Compared::Unnamed => strange.push(one),
            }
        }
        println!("\n{}: same {same} of {}", action.name(), asked.len());
        for (says, files) in gaps {
            println!("{:>3} {says}", files.len());
            println!("    {}", files.join(" "));
        }
        for one in &strange {
            let verdict = one.ours.as_ref().map_or("malformed", |report| report.verdict.name());
            let [v2, chain] = one.codes;
            println!(
                "  NOT EXPLAINED: {} {v2:08x} {chain:08x}, ours {verdict} {}",
                one.file,
                one.facts()
            );
        }
        unnamed += strange.len();
    }
    if unnamed == 0 { Ok(()) } else { Err(format!("{unnamed} differences that nobody has named")) }
}

/// Writes the pitfalls and prints what we and osslsigncode say of each.
pub(crate) fn pitfalls(dir: &Path) -> Result<(), String> {
    let course = Course::make();
    course.write(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let verifier = course.verifier();
    let mut wrong = 0_usize;
    println!("{:<36} {:<12} {:<12} osslsigncode", "pitfall", "expected", "ours");
    for pitfall in &course.pitfalls {
        let (verdict, reasons) = judge(&pitfall.file, &verifier);
        let named = pitfall.reason.is_none_or(|reason| reasons.contains(&reason));
        wrong += usize::from(verdict != pitfall.verdict || !named);
        let path = dir.join(pitfall.name).with_extension("exe");
        let other = tools::osslsigncode_accepts(&path, &dir.join("roots.pem"), AT)?;
        let other = if other { "accepts" } else { "refuses" };
        println!("{:<36} {:<12} {verdict:<12} {other}", pitfall.name, pitfall.verdict);
    }
    println!("{} files in {}", course.pitfalls.len(), dir.display());
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} verdicts are not the expected ones")) }
}

/// Changes signed files at random and prints what was noticed.
pub(crate) fn mutations(count: usize) -> Result<(), String> {
    const SEED: u64 = 1;
    let began = Instant::now();
    let tally = mutations::run(&Course::make(), count, SEED);
    println!(
        "{} changed files, seed {SEED}, in {:.0} s",
        tally.cases,
        began.elapsed().as_secs_f64()
    );
    println!("valid although a protected byte changed: {}", tally.fooled.len());
    println!("panics: {}", tally.panics.len());
    println!("still valid, nothing protected changed: {}", tally.harmless);
    println!("no executables any more: {}", tally.unreadable);
    let (slowest, case) = tally.slowest;
    println!("slowest: case {case}, {:.1} ms", slowest.as_secs_f64() * 1e3);
    println!("largest: {} bytes", tally.largest);
    if let Some(peak) = memory::peak() {
        println!("memory: {:.1} MiB at most", peak as f64 / 1024.0);
    }
    let bad: Vec<&usize> = tally.fooled.iter().chain(&tally.panics).collect();
    if bad.is_empty() { Ok(()) } else { Err(format!("cases {bad:?} should not be")) }
}

/// Counts what hostile files cost at three sizes, and prints it.
pub(crate) fn growth() -> Result<(), String> {
    let all = growth::measure()?;
    println!(
        "{:<30} {:>24} {:>30} {:>26}",
        "much of", "KiB", "million instructions", "KiB at most"
    );
    let mut steep = Vec::new();
    for one in &all {
        let line = |of: &dyn Fn(&Cost) -> f64, width: usize| {
            one.costs.iter().map(|cost| format!("{:>width$.1}", of(cost))).collect::<String>()
        };
        println!(
            "{:<30} {} {} {} {}",
            one.name,
            line(&|cost| cost.len as f64 / 1024.0, 8),
            line(&|cost| cost.instructions as f64 / 1e6, 10),
            line(&|cost| cost.peak as f64 / 1024.0, 9),
            if one.is_linear() { "" } else { "STEEP" }
        );
        if !one.is_linear() {
            steep.push(one.name);
        }
    }
    match steep.as_slice() {
        [] => Ok(()),
        _ => Err(format!("grows faster than the file: {}", steep.join(", "))),
    }
}

/// Prints the strict verdict on one file.
pub(crate) fn verdict(file: &Path, roots: &Path) -> Result<(), String> {
    let pem = std::fs::read(roots).map_err(|error| format!("{}: {error}", roots.display()))?;
    let anchors = read_certificates(&pem).map_err(|error| error.to_string())?;
    let at = Time::parse_rfc3339(AT).ok_or("no time")?;
    let verifier = Verifier::new(TrustAnchors::new(anchors), at);
    let report = judge_file(file, &verifier).map_err(|error| error.to_string())?;
    println!("{}", report.map_or("malformed", |report| report.verdict.name()));
    Ok(())
}
