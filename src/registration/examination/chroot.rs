//! The folders down to a chroot, looked at on the volunteer's own server.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use camino::Utf8Path;

use super::{Check, Finding};

/// Rights to write for the group and for others.
const OTHERS_WRITE: u32 = 0o022;

/// Looks whether sshd takes `path` as a chroot: it and every folder above must belong to root and be writable by nobody else
/// (`ChrootDirectory` in `sshd_config(5)`).
///
/// One finding for each folder that is not so, from the top down; a single one that all is well, otherwise.
#[must_use]
pub fn examine_chroot(path: &Utf8Path) -> Vec<Finding> {
    if !path.is_absolute() {
        let what = format!("{path} is no absolute path");
        return vec![Finding::failed(Check::Chroot, what, "name the folder from the top, such as /srv/mirror")];
    }
    let mut folders: Vec<&Utf8Path> = path.ancestors().collect();
    folders.reverse();
    let mut found = Vec::new();
    for folder in folders {
        // Links are followed, as sshd does.
        let problem = match std::fs::metadata(folder) {
            Ok(metadata) => problem(folder, &metadata),
            Err(error) => {
                found.push(unseen(folder, &error));
                break;
            }
        };
        found.extend(problem);
    }
    if found.is_empty() {
        found.push(Finding::passed(Check::Chroot, format!("{path} and all above it belong to root and to nobody else")));
    }
    found
}

fn problem(folder: &Utf8Path, metadata: &Metadata) -> Option<Finding> {
    if !metadata.is_dir() {
        return Some(Finding::failed(Check::Chroot, format!("{folder} is no folder"), "name a folder"));
    }
    let (owner, mode) = (metadata.uid(), metadata.permissions().mode() & 0o7777);
    let (alien, open) = (owner != 0, mode & OTHERS_WRITE != 0);
    let what = match (alien, open) {
        (false, false) => return None,
        (true, false) => format!("{folder} belongs to user {owner} and not to root"),
        (false, true) => format!("{folder} is writable by others than root (mode {mode:04o})"),
        (true, true) => format!("{folder} belongs to user {owner} and is writable by others (mode {mode:04o})"),
    };
    let place = quoted(folder);
    let mut commands = Vec::new();
    if alien {
        commands.push(format!("chown root:root {place}"));
    }
    if open {
        commands.push(format!("chmod go-w {place}"));
    }
    // Whoever puts a chroot below /tmp or a home breaks something else with these commands.
    let fix = if mode & 0o1000 != 0 {
        format!("put the chroot elsewhere, such as below /srv: {folder} has to stay as it is")
    } else {
        commands.join(" && ")
    };
    Some(Finding::failed(Check::Chroot, what, fix))
}

fn unseen(folder: &Utf8Path, error: &io::Error) -> Finding {
    let what = format!("{folder}: {error}");
    if error.kind() == io::ErrorKind::NotFound {
        return Finding::failed(Check::Chroot, what, format!("mkdir -m 755 {}", quoted(folder)));
    }
    Finding::failed(Check::Chroot, what, "look as root")
}

/// As one word for a shell.
fn quoted(path: &Utf8Path) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if path.as_str().chars().all(plain) { path.to_string() } else { format!("'{}'", path.as_str().replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(quoted("/srv/mirror".into()), "/srv/mirror");
        assert_eq!(quoted("/srv/it's ours".into()), r"'/srv/it'\''s ours'");
    }

    #[test]
    fn a_relative_path_is_no_chroot() {
        let found = examine_chroot("srv/mirror".into());
        assert!(found[0].what.contains("no absolute path"), "{found:?}");
    }
}
