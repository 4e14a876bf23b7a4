//! `spartacus check --merge`: files of vantages, taken or refused one by one.

use camino::{Utf8Path, Utf8PathBuf};

use super::elsewhere::glances;
use super::exit::{self, Failure};
use super::session::{Session, bundle_failure, hinted, read_at_most};
use super::surface::{Surface, fail};
use crate::base::{MinisignLine, Sha256};
use crate::config::Target;
use crate::health::{Admission, LONGEST_TESTIMONY, Refusal, Testimony, admit, is_blind};
use crate::history::{LastTestimony, Taken};
use crate::trust::PublicKey;

/// What became of the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merged {
    /// Some are no word of a vantage that counts.
    refused: bool,
    /// Some could not be read.
    unread: bool,
}

impl Merged {
    /// How the command ends that would else have ended with `code`: 6 when a file was refused, 2 when one could not be read and
    /// nothing else is wrong. What stopped the round stays.
    #[must_use]
    pub fn code(self, code: u8) -> u8 {
        match code {
            exit::INTERRUPTED | exit::TERMINATED => code,
            _ if self.refused => exit::FORGED,
            exit::OK if self.unread => exit::USAGE,
            _ => code,
        }
    }
}

/// Takes what these files say. One that is refused is told on stderr with the reason, and hinders none of the others.
pub fn merge(surface: &Surface, session: &Session, files: &[Utf8PathBuf]) -> Result<Merged, Failure> {
    let mut merged = Merged::default();
    if files.is_empty() {
        return Ok(merged);
    }
    let listed = &session.config.health.vantages;
    if listed.is_empty() {
        return Err(Failure::told(exit::USAGE, format!("--merge: {} lists no vantage", session.config.path))
            .hint("add to it:  health: {vantages: [{name: de, key: RW...}]}   with the line of the vantage's .pub file"));
    }
    keys_of_their_own(session)?;
    let against = Admission { listed, project: session.project.pin().map_err(bundle_failure)?, now: session.clock.now() };
    let targets: Vec<&Target> = session.config.targets.iter().collect();
    for path in files {
        let file = match read(path) {
            Ok(file) => file,
            Err(failure) => {
                merged.unread = true;
                fail(&failure.hint("the other files count all the same"));
                continue;
            }
        };
        match take(session, &against, &file)? {
            Ok((taken, last)) => tell(surface, session, path, taken, &last, &targets),
            Err(refusal) => {
                merged.refused = true;
                let failure: Failure = hinted(exit::FORGED, refusal);
                fail(&Failure { error: failure.error.context(format!("{path} is not taken")), ..failure });
            }
        }
    }
    Ok(merged)
}

/// A pipe that nobody writes to would be waited for without end: only files are read.
fn read(path: &Utf8Path) -> Result<Vec<u8>, Failure> {
    if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Err(Failure::told(exit::USAGE, format!("{path} is no regular file")));
    }
    read_at_most(path, LONGEST_TESTIMONY)
}

/// Admits one file and remembers it.
fn take(session: &Session, against: &Admission<'_>, file: &[u8]) -> Result<Result<(Taken, LastTestimony), Refusal>, Failure> {
    let testimony = match admit(file, against) {
        Ok(testimony) => testimony,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let key: MinisignLine = against
        .listed
        .iter()
        .find(|listed| listed.name == testimony.vantage)
        .map(|listed| listed.key.clone())
        .expect("only a listed vantage is admitted");
    let taken = session.history.take_testimony(&key, Sha256::of(file), &testimony);
    Ok(match taken.map_err(|error| hinted(exit::UNEXPECTED, error))? {
        Taken::TooOld { known } => {
            let Testimony { vantage, sequence: found, .. } = testimony;
            Err(Refusal::Replayed { vantage, found, known })
        }
        taken => Ok((taken, LastTestimony { key, looked: false, testimony })),
    })
}

/// A key of the project that also signs as a vantage would let a machine elsewhere sign for the project.
fn keys_of_their_own(session: &Session) -> Result<(), Failure> {
    let keyring = session.project.keyring().map_err(bundle_failure)?;
    let own: Vec<&PublicKey> = keyring.root.keys.iter().chain(&keyring.targets.keys).chain(&keyring.online.keys).collect();
    for listed in &session.config.health.vantages {
        if PublicKey::from_minisign(listed.key.as_str()).is_ok_and(|key| own.contains(&&key)) {
            let message = format!("vantage {} has a key that signs for this project", listed.name);
            return Err(Failure::told(exit::USAGE, message)
                .hint(format!("make one of its own where it runs: spartacus key new {} --vantage", listed.name)));
        }
    }
    Ok(())
}

fn tell(surface: &Surface, session: &Session, path: &Utf8Path, taken: Taken, last: &LastTestimony, targets: &[&Target]) {
    let said = &last.testimony;
    let until = said.expires.strftime("%Y-%m-%d %H:%MZ");
    let again = if taken == Taken::Again { "taken before; " } else { "" };
    if is_blind(said, &session.config.health.rules) {
        surface.remark(&format!("{path}: {again}{} saw nothing by its own fault: its word does not count", said.vantage));
        return;
    }
    let about = glances(last, targets).len();
    let elsewhere = said.mirrors.len() - about.min(said.mirrors.len());
    let others = match elsewhere {
        0 => String::new(),
        count => format!("; {count} are not ours under the address that it read"),
    };
    surface.remark(&format!("{path}: {again}{} saw {about} of our mirrors, counts until {until}{others}", said.vantage));
}
