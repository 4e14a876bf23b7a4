//! Folders of files.

use std::fs;
use std::path::Path;

/// The paths of all files below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).expect("a folder of the test's own") {
            let path = entry.expect("a folder of the test's own").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("it is below").to_str().expect("a UTF-8 name").to_owned());
            }
        }
    }
    found.sort();
    found
}
