//! Chromium, driven by `tests/web/drive.mjs`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::tools;

/// Does a task of the driver's at the server at `base`, and gives what was seen.
pub fn drive(task: &str, base: &str, more: &Value) -> Value {
    let mut order = json!({ "task": task, "base": base, "program": tools::program("chromium") });
    order.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let mut child = Command::new(tools::program("node"))
        .arg(script("drive.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    child.stdin.take().expect("its input is a pipe").write_all(order.to_string().as_bytes()).expect("node reads");
    let output = child.wait_with_output().expect("node ends");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser could not do {task}:\n{complaint}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {task} told no JSON\n{complaint}"))
}

/// Runs the script's own tests.
pub fn own_tests() {
    let output = Command::new(tools::program("node"))
        .args(["--test", "--test-reporter=spec"])
        .arg(script("form.test.mjs"))
        .output()
        .expect("node starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let has_passed =
        |line: &str| line.split_once("pass ").is_some_and(|(_, count)| count.trim().parse().is_ok_and(|count: u32| count > 5));
    assert!(told.lines().any(has_passed), "no test was run:\n{told}");
}

/// A script beside this folder, with what it needs.
fn script(name: &str) -> std::path::PathBuf {
    for made in ["target/web/register.js", "target/web-build/node_modules"] {
        let made = tools::repository().join(made);
        assert!(made.exists(), "{} is not there: run scripts/test-tools and `make web`", made.display());
    }
    tools::repository().join("tests/web").join(name)
}

/// Where pictures go, when they are wanted.
pub fn pictures() -> Option<std::path::PathBuf> {
    std::env::var_os("SPARTACUS_SCREENSHOTS").map(|_| tools::repository().join("docs"))
}

/// What a folder and everything below it holds, hidden files too.
pub fn everything_in(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                // Files of a running database come and go.
                found.extend(std::fs::read(&path).map(|bytes| (path.clone(), bytes)));
            }
        }
    }
    found
}
