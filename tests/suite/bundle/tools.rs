//! The tools that readers already have accept what we publish, and refuse it after one flipped byte.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use camino::Utf8Path;
use spartacus::bundle::Content;

use super::Workshop;

fn succeeds(folder: &Utf8Path, program: &str, arguments: &[&str], input: Option<&str>) -> bool {
    let input = input.map_or_else(Stdio::null, |name| File::open(folder.join(name)).expect("the input").into());
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(input).output();
    output.unwrap_or_else(|error| panic!("{program} must be installed: {error}")).status.success()
}

#[tokio::test]
async fn readers_tools_accept_the_bundle_and_refuse_a_flipped_byte() {
    let workshop = Workshop::of(1);
    let release = workshop.publish(&workshop.tree("one", 1), "v1").await;
    let folder = workshop.place("download");
    for file in release.bundles[0].files.iter() {
        let name = file.path.as_str().strip_prefix("releases/v1/").expect("below the bundle");
        match &file.content {
            Content::Inline(bytes) => super::write(&folder.join(name), bytes),
            Content::Object(path) => super::write(&folder.join(name), &fs::read(path).expect("the object")),
        }
    }
    let key = workshop.people[0].public();
    fs::write(folder.join("allowed_signers"), format!("alice {}\n", key.to_openssh(""))).expect("written");
    let line = key.to_minisign();
    let sums = || succeeds(&folder, "sha256sum", &["-c", "--strict", "--quiet", "SHA256SUMS"], None);
    let minisign =
        || succeeds(&folder, "minisign", &["-V", "-P", &line, "-m", "SHA256SUMS", "-x", "SHA256SUMS.alice.minisig"], None);
    let openssh = || {
        let arguments = ["-Y", "verify", "-f", "allowed_signers", "-I", "alice", "-n", "file", "-s", "SHA256SUMS.alice.sshsig"];
        succeeds(&folder, "ssh-keygen", &arguments, Some("SHA256SUMS"))
    };
    assert!(sums() && minisign() && openssh());

    let flip = |name: &str| {
        let mut bytes = fs::read(folder.join(name)).expect("the file");
        bytes[3] ^= 1;
        fs::write(folder.join(name), bytes).expect("written");
    };
    flip("README");
    assert!(!sums());
    flip("README");
    assert!(sums());
    flip("SHA256SUMS");
    assert!(!minisign() && !openssh() && !sums());
}
