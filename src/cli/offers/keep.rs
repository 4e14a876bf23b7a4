//! Secrets of volunteers, sealed to the project's own identity: pushes open them in memory, and they lie nowhere in clear.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::own_identities;
use crate::cli::exit::{self, Failure};
use crate::cli::session::{Session, file_failure, hinted};
use crate::config::SecretRef;
use crate::config::sealed::seal;
use crate::registration::{Sealed, SecretName};

/// All that a secret may be for.
const NAMES: [SecretName; 3] = [SecretName::AccessKey, SecretName::SecretKey, SecretName::Password];

/// Where the secrets of accepted offers lie, relative to the project.
pub const KEPT: &str = "sealed";
/// Where those of offers lie that are tried out.
pub const TRIED: &str = ".spartacus/offers";

/// The file of a secret, relative to the project; `of` is a target's name or a ticket.
#[must_use]
pub fn file(folder: &str, of: &str, name: SecretName) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{folder}/{of}.{}.age", name.word()))
}

/// The reference to it, as it stands in the configuration.
#[must_use]
pub fn reference(folder: &str, of: &str, name: SecretName) -> SecretRef {
    SecretRef::Sealed { file: file(folder, of, name), identity: Utf8PathBuf::new() }
}

/// Seals every secret of an offer to the project's own identity. Files that are there are replaced whole.
pub fn keep(session: &Session, sealed: &Sealed, folder: &str, of: &str) -> Result<(), Failure> {
    let identities = own_identities(&session.project.age_identity())?;
    let recipients: Vec<String> = identities.iter().map(|identity| identity.to_public().to_string()).collect();
    for (name, secret) in &sealed.secrets {
        let armor = seal(secret.expose().as_bytes(), &recipients).map_err(|error| hinted(exit::USAGE, error))?;
        write(&session.project.folder().join(file(folder, of, *name)), &armor)?;
    }
    Ok(())
}

/// Removes them; what is not there is fine. Tells whether there was any.
pub fn forget(session: &Session, folder: &str, of: &str) -> Result<bool, Failure> {
    let mut any = false;
    for name in NAMES {
        let path = session.project.folder().join(file(folder, of, name));
        match std::fs::remove_file(&path) {
            Ok(()) => any = true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_failure("remove", &path, error)),
        }
    }
    Ok(any)
}

/// Beside its place, synced, and renamed: after a crash the old file or the new one is there.
fn write(path: &Utf8Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let fail = |error| file_failure("write", path, error);
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
    }
    let beside = Utf8PathBuf::from(format!("{path}.{}.tmp", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // What is left of it would stay for ever.
        let _ = std::fs::remove_file(&beside);
        fail(error)
    })
}
