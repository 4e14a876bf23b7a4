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

/// The file of a secret, relative to the project. It is called by the ticket: another offer never has the same.
#[must_use]
pub fn file(folder: &str, ticket: &str, name: SecretName) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{folder}/{ticket}.{}.age", name.word()))
}

/// The reference to it, as it stands in the configuration.
#[must_use]
pub fn reference(folder: &str, ticket: &str, name: SecretName) -> SecretRef {
    SecretRef::Sealed { file: file(folder, ticket, name), identity: Utf8PathBuf::new() }
}

/// Seals every secret of an offer to the project's own identity. Files that are there are replaced whole.
pub fn keep(session: &Session, sealed: &Sealed, folder: &str, ticket: &str) -> Result<(), Failure> {
    let identities = own_identities(&session.project.age_identity())?;
    let recipients: Vec<String> = identities.iter().map(|identity| identity.to_public().to_string()).collect();
    for (name, secret) in &sealed.secrets {
        let armor = seal(secret.expose().as_bytes(), &recipients).map_err(|error| hinted(exit::USAGE, error))?;
        write(&session.project.folder().join(file(folder, ticket, *name)), &armor)?;
    }
    // What the offer had before, and has no longer.
    for name in NAMES.into_iter().filter(|name| !sealed.secrets.contains_key(name)) {
        remove(session, folder, ticket, name)?;
    }
    Ok(())
}

/// Removes them; what is not there is fine. Tells whether there was any.
pub fn forget(session: &Session, folder: &str, ticket: &str) -> Result<bool, Failure> {
    let mut any = false;
    for name in NAMES {
        any |= remove(session, folder, ticket, name)?;
    }
    Ok(any)
}

fn remove(session: &Session, folder: &str, ticket: &str, name: SecretName) -> Result<bool, Failure> {
    let path = session.project.folder().join(file(folder, ticket, name));
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file_failure("remove", &path, error)),
    }
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
