//! The dependencies between our crates are those of the table in ARCHITECTURE.md, and no others.

#![allow(clippy::unwrap_used, reason = "the parts of a test fail as the test does")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

type Names = BTreeSet<String>;

/// A member of the workspace; names are without `chancery-`.
struct Member {
    name: String,
    published: bool,
    /// The members it depends on, other than for its tests.
    uses: Names,
}

/// What each crate may use, by the table.
struct Edges {
    rows: Vec<(String, Allowed)>,
}

enum Allowed {
    All,
    Only(Names),
}

impl Edges {
    /// Reads the first table under `## Edges`.
    fn parse(text: &str) -> Result<Self, String> {
        let section = text.split("\n## ").find_map(|section| section.strip_prefix("Edges\n"));
        let table = section.ok_or("no section `## Edges`")?;
        let mut lines = table.lines().skip_while(|line| !line.starts_with('|'));
        if lines.next().map(cells) != Some(vec!["crate", "may use"]) {
            return Err("the table under `## Edges` has the columns `crate` and `may use`".into());
        }
        let mut rows = Vec::new();
        for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
            let [crates, uses] = cells(line)[..] else {
                return Err(format!("two cells are wanted: {line}"));
            };
            for name in names(crates) {
                let allowed = match uses {
                    "all of them" => Allowed::All,
                    "-" => Allowed::Only(Names::new()),
                    _ => Allowed::Only(names(uses).collect()),
                };
                rows.push((name, allowed));
            }
        }
        if rows.is_empty() { Err("the table has no rows".into()) } else { Ok(Self { rows }) }
    }

    /// Lists every sentence that is true of these members and should not be.
    fn violations(&self, members: &[Member]) -> Vec<String> {
        let published: BTreeMap<&str, &Member> = members
            .iter()
            .filter(|member| member.published)
            .map(|member| (member.name.as_str(), member))
            .collect();
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for (name, allowed) in &self.rows {
            if !seen.insert(name.as_str()) {
                found.push(format!("{name} has two rows"));
            }
            let Some(member) = published.get(name.as_str()) else {
                found.push(format!("there is a row for {name}, and no such crate"));
                continue;
            };
            if let Allowed::Only(allowed) = allowed {
                for used in allowed.iter().filter(|used| !published.contains_key(used.as_str())) {
                    found.push(format!("{name} may use {used}, and there is no such crate"));
                }
                for used in member.uses.difference(allowed) {
                    found.push(format!("{name} uses {used}, which the table does not allow"));
                }
            } else {
                for used in member.uses.iter().filter(|used| !published.contains_key(used.as_str()))
                {
                    found.push(format!("{name} uses {used}, which is not published"));
                }
            }
        }
        for name in published.keys().filter(|name| !seen.contains(**name)) {
            found.push(format!("{name} has no row"));
        }
        found
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split(',').map(|name| name.trim().to_owned())
}

fn short(package: &str) -> String {
    package.strip_prefix("chancery-").unwrap_or(package).to_owned()
}

/// Reads what `cargo metadata --no-deps` says.
fn members(metadata: &Value) -> Vec<Member> {
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| short(value["name"].as_str().unwrap());
    let ours: Names = packages.iter().map(name).collect();
    let member = |package: &Value| Member {
        name: name(package),
        // `publish = false` comes as an empty list of registries.
        published: package["publish"].as_array().is_none_or(|list| !list.is_empty()),
        uses: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            // A normal dependency has no kind.
            .filter(|edge| edge["kind"] != "dev" && edge["path"].is_string())
            .map(name)
            .filter(|used| ours.contains(used))
            .collect(),
    };
    packages.iter().map(member).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn edges_of_this_workspace() -> Edges {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    Edges::parse(&text).unwrap()
}

fn members_of_this_workspace() -> Vec<Member> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    members(&serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_workspace_has_the_edges_of_the_table() {
    let found = edges_of_this_workspace().violations(&members_of_this_workspace());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_made_up_edge_is_found() {
    let mut members = members_of_this_workspace();
    let pe = members.iter_mut().find(|member| member.name == "pe").unwrap();
    pe.uses.insert("pkcs11".into());
    let found = edges_of_this_workspace().violations(&members);
    assert_eq!(found, ["pe uses pkcs11, which the table does not allow"]);
}

#[test]
fn testkit_is_for_tests_only() {
    for name in ["authenticode", "chancery"] {
        let mut members = members_of_this_workspace();
        members
            .iter_mut()
            .find(|member| member.name == name)
            .unwrap()
            .uses
            .insert("testkit".into());
        let found = edges_of_this_workspace().violations(&members);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&format!("{name} uses testkit")), "{found:?}");
    }
}

#[test]
fn rows_and_crates_belong_together() {
    let member = |name: &str| Member { name: name.into(), published: true, uses: Names::new() };
    let table =
        "# A\n\n## Edges\n\n| crate | may use |\n|---|---|\n| key, pe | - |\n| old | gone |\n";
    let edges = Edges::parse(table).unwrap();
    assert_eq!(
        edges.violations(&[member("key"), member("pe"), member("new")]),
        ["there is a row for old, and no such crate", "new has no row"],
    );
    assert_eq!(
        edges.violations(&[member("key"), member("pe"), member("old")]),
        ["old may use gone, and there is no such crate"],
    );
}

#[test]
fn only_normal_and_build_dependencies_are_edges() {
    let edge = |name: &str, kind: Value| serde_json::json!({ "name": name, "kind": kind, "path": "somewhere" });
    let package = |name: &str, dependencies: Vec<Value>| serde_json::json!({ "name": name, "publish": null, "dependencies": dependencies });
    let uses = vec![
        edge("chancery-key", Value::Null),
        edge("chancery-x509", "build".into()),
        edge("chancery-testkit", "dev".into()),
    ];
    let packages =
        ["chancery-key", "chancery-x509", "chancery-testkit"].map(|name| package(name, Vec::new()));
    let mut packages = Vec::from(packages);
    packages.push(package("chancery-cms", uses));
    let members = members(&serde_json::json!({ "packages": packages }));
    assert_eq!(members[3].uses, Names::from(["key".to_owned(), "x509".to_owned()]));
}

#[test]
fn refuses_a_text_without_the_table() {
    for text in ["# A\n", "# A\n\n## Edges\n\nnone\n", "# A\n\n## Edges\n\n| a | b |\n|---|---|\n"]
    {
        assert!(Edges::parse(text).is_err(), "{text}");
    }
}
