//! The page in a real browser: headless Chromium, from files, without network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use spartacus::report::public_files;

use super::example;
use crate::support::{process, tools};

/// Our own page around the one that is looked at. It may look into it, because both are files of this test.
const HARNESS: &str = "<!doctype html><body><iframe id=f width=WIDTH height=800></iframe><pre id=r></pre><script>
const frame = document.getElementById('f');
frame.onload = () => {
  const inside = frame.contentDocument.documentElement, style = getComputedStyle(frame.contentDocument.body);
  document.getElementById('r').textContent = JSON.stringify({
    width: inside.clientWidth, needed: inside.scrollWidth, margin: style.marginTop,
    rows: frame.contentDocument.querySelectorAll('tr').length,
    loads: frame.contentWindow.performance.getEntriesByType('resource').length});
};
frame.src = 'PAGE';
</script>";

/// The example, written where a browser finds it.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in public_files(&example::fleet()).files() {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder above")).expect("folders can be made");
        fs::write(file, text).expect("a new file");
    }
    folder
}

/// Chromium with a profile of its own, silent towards the network.
fn chromium(profile: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(tools::program("chromium"));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]);
    command.args(["--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=4000"]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(arguments);
    process::output(&mut command)
}

/// What the harness saw of `page` in a window of this width, and what the browser complained of.
fn look(folder: &Path, page: &str, width: u32) -> (Value, Vec<String>) {
    let harness = folder.join("harness.html");
    fs::write(&harness, HARNESS.replace("WIDTH", &width.to_string()).replace("PAGE", page)).expect("a new file");
    let profile = tempfile::tempdir().expect("a temporary folder");
    let seen = chromium(profile.path(), &["--dump-dom", &format!("file://{}", harness.display())]);
    let dom = String::from_utf8_lossy(&seen.stdout);
    let told = dom.split("<pre id=\"r\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    let told = serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {}", process::text(&seen)));
    let complaints = String::from_utf8_lossy(&seen.stderr);
    (told, complaints.lines().filter(|line| line.contains("CONSOLE")).map(ToOwned::to_owned).collect())
}

#[test]
fn pages_fit_a_phone_load_nothing_and_a_browser_has_nothing_to_complain_of() {
    let folder = written();
    for page in ["index.html", "mirrors/lima.html", "mirrors/northern-lights-university.html"] {
        for width in [360, 1200] {
            let (told, complaints) = look(folder.path(), page, width);
            assert_eq!(complaints, Vec::<String>::new(), "{page} at {width}");
            assert_eq!(told["needed"], told["width"], "{page} scrolls sideways at {width}: {told}");
            assert_eq!(told["loads"], 0, "{page} loads something: {told}");
            // The style was applied: a browser's own margin is eight pixels.
            assert_eq!(told["margin"], "0px", "{page}: {told}");
            assert!(told["rows"].as_u64() > Some(4), "{page}: {told}");
        }
    }
}

/// The test above can fail: this page does everything that it forbids.
#[test]
fn a_page_that_breaks_the_rules_is_noticed() {
    let folder = written();
    let page = fs::read_to_string(folder.path().join("index.html")).expect("the page");
    let broken = page.replacen(
        "<main>",
        "<main><img src=\"badges/mirrors.svg\"><p style=\"color:red\">x</p><table><tr><td><pre>".to_owned().as_str(),
        1,
    );
    fs::write(folder.path().join("broken.html"), broken.replacen("<pre>", &format!("<pre>{}", "wide ".repeat(100)), 1))
        .expect("a new file");
    let (told, complaints) = look(folder.path(), "broken.html", 360);
    assert!(complaints.len() > 1, "neither the picture nor the style is complained of: {complaints:?}");
    assert!(told["needed"].as_u64() > told["width"].as_u64(), "{told}");
}

/// Pictures of the page, for docs/ and for whoever wants to see what a change did: target/tmp/page-*.png.
#[test]
fn pictures_are_taken_in_light_and_dark_for_desk_and_phone() {
    let folder = written();
    let index = format!("file://{}/index.html", folder.path().display());
    let mirror = format!("file://{}/mirrors/lima.html", folder.path().display());
    for (name, page, size, scheme) in [
        ("light", &index, "1280,1500", 1),
        ("dark", &index, "1280,1500", 0),
        ("phone", &index, "500,1600", 1),
        ("mirror", &mirror, "1280,1500", 1),
    ] {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}.png"));
        let profile = tempfile::tempdir().expect("a temporary folder");
        let picture = format!("--screenshot={}", file.display());
        let (size, scheme) = (format!("--window-size={size}"), format!("--blink-settings=preferredColorScheme={scheme}"));
        let told = chromium(profile.path(), &[&picture, &size, &scheme, page]);
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{error}: {}", process::text(&told)));
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000, "{name} shows nothing: {} bytes", bytes.len());
    }
}
