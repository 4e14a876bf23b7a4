//! Judges that nobody of this project wrote: what they accept is published well, what they refuse is not.

use std::path::Path;
use std::process::{Command, Output};

use super::{process, tools};

/// python-tuf refreshes from a mirror's public URL and downloads every file of the bundles (all, if none is named) into
/// `into`.
pub fn tuf(public_url: &str, root: &Path, into: &Path, bundles: &[&str]) -> Output {
    let script = tools::repository().join("tests/judges/tuf_reader.py");
    process::output(Command::new(tools::from_venv("python")).arg(script).arg(public_url).arg(root).arg(into).args(bundles))
}

/// `minisign -V`: `signature` is over `file`, by the key of the public-key line `key` (`RW...`).
pub fn minisign(file: &Path, signature: &Path, key: &str) -> Output {
    process::output(Command::new(tools::program("minisign")).args(["-V", "-P", key, "-x"]).arg(signature).arg("-m").arg(file))
}

/// `ssh-keygen -Y verify`: `signature` is over `file`, by `identity` as `allowed_signers` has it, in `namespace`.
pub fn sshsig(file: &Path, signature: &Path, allowed_signers: &Path, identity: &str, namespace: &str) -> Output {
    let mut command = Command::new(tools::program("ssh-keygen"));
    command.args(["-Y", "verify", "-I", identity, "-n", namespace, "-f"]).arg(allowed_signers).arg("-s").arg(signature);
    // The signed file comes by standard input.
    command.stdin(std::fs::File::open(file).expect("the signed file is there"));
    command.output().expect("ssh-keygen starts")
}

/// `sha256sum -c --strict` within `folder`.
pub fn sha256sum(folder: &Path, sums: &str) -> Output {
    process::output(Command::new(tools::program("sha256sum")).current_dir(folder).args(["-c", "--strict", "--quiet", sums]))
}
