//! docs/protocol-quirks.md names tests and files; they exist. The code names the rules of docs/bundle-format.md; all of them.

use std::fs;
use std::path::Path;

use crate::support::tools;

/// Every Rust file below `folder`, one after the other.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of ours").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, all);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(&entry).expect("a source in UTF-8"));
        }
    }
}

#[test]
fn every_test_and_file_that_the_document_names_exists() {
    let mut code = String::new();
    for folder in ["src", "tests"] {
        sources(&tools::repository().join(folder), &mut code);
    }
    let document = fs::read_to_string(tools::repository().join("docs/protocol-quirks.md")).expect("the document");
    let rows: Vec<&str> =
        document.lines().filter_map(|line| line.trim_end_matches(" |").rsplit_once("| ")).map(|row| row.1).collect();
    let mut named = 0;
    for name in rows.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let exists =
            if name.contains('/') { tools::repository().join(name).exists() } else { code.contains(&format!("fn {name}(")) };
        assert!(exists, "{name} is named in the document and is not there");
        named += 1;
    }
    assert!(named > 60, "the document names its tests: {named}");
}

#[test]
fn every_rule_of_the_format_is_cited_where_it_is_kept() {
    let mut code = String::new();
    sources(&tools::repository().join("src"), &mut code);
    let document = fs::read_to_string(tools::repository().join("docs/bundle-format.md")).expect("the document");
    let numbers = document.lines().filter_map(|line| line.strip_prefix("**")?.split('.').next());
    let rules: Vec<&str> =
        numbers.filter(|number| number.len() <= 3 && number.ends_with(|end: char| end.is_ascii_digit())).collect();
    assert!(rules.len() > 40, "the document numbers its rules: {rules:?}");
    let cited = |rule: &str| {
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_digit());
        code.lines()
            .filter(|line| line.contains("ule"))
            .any(|line| line.match_indices(rule).any(|(at, _)| line[..at].contains("ule") && ends(&line[at + rule.len()..])))
    };
    for rule in rules {
        assert!(cited(rule), "no file says that it keeps rule {rule}");
    }
}
