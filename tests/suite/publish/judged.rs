//! What is published, in the hands of a reader with the tools that Debian has, and of python-tuf.

use std::fs;
use std::path::{Path, PathBuf};

use super::trees;
use crate::support::mirror::Mirror;
use crate::support::project::Project;
use crate::support::tree::files_below;
use crate::support::{http, judges, process};

/// The maintainer that `init` makes.
const MAINTAINER: &str = "maintainer";

/// What a reader knows of the maintainer, from another source than the mirrors.
pub struct Reader {
    minisign_key: String,
    allowed_signers: PathBuf,
    folder: PathBuf,
}

impl Reader {
    /// A reader who was told the maintainer's keys as `key show` prints them.
    pub fn of(project: &Project) -> Self {
        let shown = project.run(&["key", "show", MAINTAINER]).ends_with(0).stdout();
        let line = |label: &str| {
            shown.lines().find_map(|line| line.strip_prefix(label)).map(str::trim).expect("`key show` names it").to_owned()
        };
        let folder = project.beside("reader");
        let allowed_signers = folder.join("allowed_signers");
        fs::write(&allowed_signers, format!("{MAINTAINER} {}\n", line("ssh "))).expect("a folder of the test's own");
        Self { minisign_key: line("minisign "), allowed_signers, folder }
    }

    /// python-tuf refreshes from the mirror and downloads all that it lists: `count` files.
    pub fn accepts_by_tuf(&self, mirror: &Mirror, pin: &Path, count: usize) {
        let into = self.folder.join(format!("tuf-{}", mirror.kind.name()));
        let output = judges::tuf(&mirror.public_url, pin, &into, &[]);
        assert!(output.status.success(), "{}: python-tuf says:\n{}", mirror.kind.name(), process::text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), count.to_string(), "{}", mirror.kind.name());
    }

    /// Downloads the release that was made from `tree` and verifies it by hand; then one flipped byte, in the file of
    /// digests or in any other, must be refused.
    pub fn accepts_by_hand(&self, mirror: &Mirror, release: &str, tree: &Path) {
        let (name, copy) = (mirror.kind.name(), self.folder.join(mirror.kind.name()));
        for file in files_below(tree).iter().map(String::as_str).chain(Self::own_files().iter().map(String::as_str)) {
            let url = mirror.url_of(&format!("releases/{release}/{file}"));
            let answer = http::get(&url).unwrap_or_else(|| panic!("{name}: no answer for {url}"));
            assert_eq!(answer.status, 200, "{name}: {url}");
            trees::write(&copy, file, &answer.body);
        }
        assert_eq!(self.verdicts(&copy), [true, true, true], "{name}: minisign, ssh-keygen and sha256sum on what was published");
        flip(&copy.join(trees::ORDINARY));
        assert_eq!(self.verdicts(&copy), [true, true, false], "{name}: after a byte of a file changed");
        flip(&copy.join("SHA256SUMS"));
        assert_eq!(self.verdicts(&copy), [false, false, false], "{name}: after a byte of the digests changed");
        fs::remove_dir_all(copy).expect("a folder of the test's own");
    }

    fn own_files() -> [String; 3] {
        let signature = |kind: &str| format!("SHA256SUMS.{MAINTAINER}.{kind}");
        ["SHA256SUMS".to_owned(), signature("minisig"), signature("sshsig")]
    }

    /// What minisign, ssh-keygen and sha256sum say of a downloaded copy.
    fn verdicts(&self, copy: &Path) -> [bool; 3] {
        let [sums, minisig, sshsig] = Self::own_files().map(|name| copy.join(name));
        [
            judges::minisign(&sums, &minisig, &self.minisign_key),
            judges::sshsig(&sums, &sshsig, &self.allowed_signers, MAINTAINER, "file"),
            judges::sha256sum(copy, "SHA256SUMS"),
        ]
        .map(|output| output.status.success())
    }
}

/// Changes one byte; for a file of digests, within the first digest.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("it was downloaded");
    bytes[3] = if bytes[3] == b'0' { b'1' } else { b'0' };
    fs::write(path, bytes).expect("a folder of the test's own");
}
