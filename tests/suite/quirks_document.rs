//! docs/protocol-quirks.md names tests and files; they exist.

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
