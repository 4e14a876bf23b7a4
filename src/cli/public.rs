//! Writes the public folder.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::exit::Failure;
use super::invite::beside_pages;
use super::session::file_failure;
use crate::bundle::Project;
use crate::report::{Board, public_files};

/// Writes every public file below `folder`, which is made if it is not there. Each file is replaced as a whole, and those
/// that link to others come last: who reads meanwhile finds no half of a page. Returns how many there are.
pub fn write_public(project: &Project, board: &Board, folder: &Utf8Path) -> Result<usize, Failure> {
    let set = public_files(board);
    let invite: Vec<_> = beside_pages(project, board.fleet.at).into_iter().flatten().collect();
    let places: BTreeSet<Utf8PathBuf> =
        set.files().filter_map(|(path, _)| folder.join(path).parent().map(ToOwned::to_owned)).collect();
    for place in places {
        std::fs::create_dir_all(&place).map_err(|error| file_failure("make", &place, error))?;
    }
    for (path, bytes) in &invite {
        write_whole(&folder.join(path), &String::from_utf8_lossy(bytes))?;
    }
    for (path, text) in set.files() {
        write_whole(&folder.join(path), text)?;
    }
    Ok(invite.len() + set.files().count())
}

/// Writes a file beside its place and renames it: readers and collectors never find half of it. A link is written through, and
/// into a device or a pipe (`/dev/stdout`) it is written as it is: nothing but a file is ever replaced.
pub fn write_whole(path: &Utf8Path, text: &str) -> Result<(), Failure> {
    let found = std::fs::metadata(path).ok();
    if found.as_ref().is_some_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::write(path, text).map_err(|error| file_failure("write", path, error));
    }
    let through = found.and_then(|_| path.canonicalize_utf8().ok());
    let path = through.as_deref().unwrap_or(path);
    let beside = Utf8PathBuf::from(format!("{path}.{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // What is left of it would stay for ever.
        let _ = std::fs::remove_file(&beside);
        file_failure("write", path, error)
    })
}
