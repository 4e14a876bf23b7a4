//! The volunteer's folder: what lies in it, and how it is made.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::Secret;
use crate::cli::exit::{self, Failure};
use crate::cli::key::save_pair;
use crate::cli::session::{file_failure, hinted};
use crate::trust::{LoginKey, SigningKey};

/// The target, as a maintainer would write it.
pub const CONFIG: &str = "targets.yaml";
/// The invite, verified when it was put there.
pub const INVITE: &str = "invite.json";
/// The volunteer's own key: it signs offers.
pub const VOLUNTEER_KEY: &str = "volunteer.key";
/// The key that `offer doctor` logs in with.
pub const DOCTOR_KEY: &str = "doctor_ed25519";
/// What was chosen, for `offer setup`.
pub const CHOICES: &str = "setup.json";
/// What to do on the server.
pub const PAGE: &str = "setup.md";

const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// A folder that is being made. Unless it is kept, what was written goes away again.
pub struct Making {
    folder: Utf8PathBuf,
    written: Vec<Utf8PathBuf>,
    is_new: bool,
    kept: bool,
}

/// Refuses a folder that something lies in: nothing of it would be overwritten, but nobody could tell afterwards what is whose.
pub fn refuse_taken(folder: &Utf8Path) -> Result<(), Failure> {
    match folder.read_dir_utf8() {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Failure::told(exit::USAGE, format!("{folder} is not empty; nothing was changed"))
                .hint("name another folder: spartacus offer new DIR")
                .hint(format!("if it is an offer already: spartacus offer setup {folder}"))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_failure("look into", folder, error)),
    }
}

impl Making {
    /// Makes the folder, for nobody else's eyes, or takes an empty one.
    pub fn begin(folder: &Utf8Path) -> Result<Self, Failure> {
        refuse_taken(folder)?;
        let is_new = !folder.exists();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| file_failure("make", folder, error))?;
        Ok(Self { folder: folder.to_owned(), written: Vec::new(), is_new, kept: false })
    }

    /// A file that anybody may read who gets into the folder.
    pub fn public(&mut self, name: &str, content: &[u8]) -> Result<(), Failure> {
        self.write(name, content, PUBLIC)
    }

    /// A file for nobody else.
    pub fn secret(&mut self, name: &str, secret: &Secret) -> Result<(), Failure> {
        self.write(name, secret.expose().as_bytes(), PRIVATE)
    }

    /// The volunteer's own key, both halves.
    pub fn volunteer_key(&mut self, name: &str) -> Result<(), Failure> {
        let key = SigningKey::generate(name).map_err(|error| hinted(exit::UNEXPECTED, error))?;
        let (secret, public) = (self.folder.join(VOLUNTEER_KEY), self.folder.join(VOLUNTEER_KEY).with_extension("pub"));
        save_pair(&key, name, &secret, &public, None)?;
        self.written.extend([secret, public]);
        Ok(())
    }

    /// The key that the place is tried with, both halves.
    pub fn doctor_key(&mut self, key: &LoginKey) -> Result<(), Failure> {
        self.write(DOCTOR_KEY, key.secret.as_bytes(), PRIVATE)?;
        self.write(&format!("{DOCTOR_KEY}.pub"), format!("{}\n", key.public).as_bytes(), PUBLIC)
    }

    /// Everything is there: it stays. Gives the names of the files.
    pub fn keep(mut self) -> Vec<String> {
        self.kept = true;
        let mut names: Vec<String> = self.written.iter().filter_map(|path| path.file_name().map(str::to_owned)).collect();
        names.sort();
        names
    }

    fn write(&mut self, name: &str, content: &[u8], mode: u32) -> Result<(), Failure> {
        let path = self.folder.join(name);
        let fail = |error| file_failure("write", &path, error);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).map_err(fail)?;
        self.written.push(path.clone());
        file.write_all(content).and_then(|()| file.sync_all()).map_err(fail)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Best effort: what failed before is what is told.
        for path in &self.written {
            let _ = std::fs::remove_file(path);
        }
        if self.is_new {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}
