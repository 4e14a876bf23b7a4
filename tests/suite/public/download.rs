//! A Metalink in use: `aria2c` downloads a release from several mirrors at once.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli_desk::Desk;
use crate::support::face::Face;
use crate::support::{process, tools};

/// A release of a large and a small file on three mirrors that readers reach.
fn published() -> (Desk, Vec<Face>) {
    let desk = Desk::with_targets(&["paris", "lyon", "nice"]);
    let large: Vec<u8> = (0..9_u32 << 18).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(desk.path("docs/large.bin"), large).expect("a new file");
    let faces: Vec<Face> = ["paris", "lyon", "nice"]
        .map(|mirror| {
            let face = Face::over(&desk.path(mirror));
            let entry = format!("name: {mirror}\n");
            desk.edit("targets.yaml", &entry, &format!("{entry}    country: FR\n    public_url: {}\n", face.url()));
            face
        })
        .into();
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    (desk, faces)
}

fn aria2c(desk: &Desk, into: &Path) -> Output {
    let mut command = Command::new(tools::program("aria2c"));
    command.args([
        "--no-conf",
        "--quiet",
        "--disable-ipv6",
        "--max-tries=2",
        "--retry-wait=0",
        "--split=3",
        "--min-split-size=1M",
    ]);
    command.args(["--check-integrity=true", "--follow-metalink=mem", "--metalink-enable-unique-protocol=false"]);
    command.arg(format!("--dir={}", into.display())).arg(desk.path("public/metalink/v1/v1.meta4"));
    process::output(&mut command)
}

#[test]
fn a_release_is_downloaded_from_verified_mirrors_and_a_wrong_one_does_not_win() {
    let (desk, _faces) = published();
    // Nobody has verified anything yet.
    desk.run(&["check", "--html", "public"]).ends_with(0);
    assert!(!desk.path("public/metalink").exists(), "a mirror is named that nobody verified");

    desk.run(&["check", "--full", "--html", "public"]).ends_with(0);
    let all = desk.read("public/metalink/v1/v1.meta4");
    assert_eq!(all.matches("/releases/v1/large.bin</url>").count(), 3, "{all}");

    // A mirror that turns bad after it was verified: its pieces are refused, the others' are taken.
    let altered = desk.path("nice/releases/v1/large.bin");
    let mut bytes = fs::read(&altered).expect("a file of the mirror");
    for byte in bytes.iter_mut().step_by(1 << 20) {
        *byte ^= 1;
    }
    fs::write(&altered, bytes).expect("a file of the mirror");
    let into = desk.path("download");
    let told = aria2c(&desk, &into);
    assert!(told.status.success(), "{}", process::text(&told));
    for name in ["large.bin", "README", "guide/one.txt"] {
        let (got, meant) = (fs::read(into.join(name)), fs::read(desk.path("docs").join(name)));
        assert!(got.expect("it was downloaded") == meant.expect("it is ours"), "{name} differs");
    }

    // Once it is caught it is not even named.
    desk.run(&["check", "--full", "--html", "public"]).ends_with(6);
    let good = desk.read("public/metalink/v1/v1.meta4");
    assert_eq!(good.matches("/releases/v1/large.bin</url>").count(), 2, "{good}");
    let page = desk.read("public/index.html");
    assert!(page.contains("2 of 3 mirrors serve release v1: 1 quarantined.") || page.contains("Only 2 of 3 mirrors"), "{page}");
    assert!(!page.contains(&desk.path("nice").display().to_string()), "the page names a folder of ours");
    // Written beside and renamed: nothing else is left, and without network the page is the same but for its moment.
    let left = fs::read_dir(desk.path("public"))
        .expect("the folder")
        .filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().contains("tmp"));
    assert_eq!(left.count(), 0);
    let again = desk.run(&["status", "--html", "again"]).ends_with(0);
    assert!(again.headline().ends_with(" files in again"), "{}", again.out);
    assert_eq!(desk.read("again/metalink/v1/v1.meta4"), good);
}
