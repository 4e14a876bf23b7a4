//! Secrets sealed with age (age-encryption.org/v1): written to the recipients of those who may open them, opened in memory.
//!
//! Only X25519 recipients are used. A file sealed with a passphrase is refused before it is opened: whoever made it chose
//! how long that takes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519::Recipient;
use age::{DecryptError, Decryptor, Encryptor};
use camino::{Utf8Path, Utf8PathBuf};
use zeroize::Zeroizing;

use crate::base::Hinted;

pub use age::x25519::Identity;

/// Longest sealed file that is opened, in bytes.
pub const MAX_SEALED: u64 = 64 * 1024;
/// Longest identity file that is read, in bytes; one identity has 190.
const MAX_IDENTITY: u64 = 16 * 1024;

/// Something could not be sealed or opened. Nothing secret is in the message.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is nobody to seal to.
    #[error("there is no recipient to seal to")]
    Nobody,
    /// It is no recipient.
    #[error("{0} is no age recipient (age1...)")]
    Recipient(String),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the identity.
    #[error("the identity file {path} may be read by others (mode {mode:o})")]
    Mode {
        /// The file.
        path: Utf8PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds no identity of this kind.
    #[error("{path} holds no age identity (AGE-SECRET-KEY-1...)")]
    NoIdentity {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It is no age file, or was damaged.
    #[error("it is no sealed text: {0}")]
    Damaged(String),
    /// It is sealed with a passphrase.
    #[error("it is sealed with a passphrase, not to a recipient")]
    Passphrase,
    /// It is sealed to others.
    #[error("it is sealed to other recipients than ours")]
    NotOurs,
    /// It is too long.
    #[error("it is longer than {MAX_SEALED} bytes")]
    TooLong,
}

impl Hinted for SealError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Mode { path, .. } => Some(format!("chmod 600 {path}")),
            Self::NotOurs => Some("open it where the identity of one of its recipients is kept".to_owned()),
            Self::Read { path, .. } if path.ends_with("age_identity.txt") => {
                Some(format!("`spartacus init` made {path}: bring it back from a backup"))
            }
            _ => None,
        }
    }
}

/// Who may open what is sealed: the text of an X25519 recipient, checked.
///
/// # Errors
/// When it is another kind of text. It is repeated, because recipients are public; an identity that stands there by mistake
/// is not.
pub fn recipient(text: &str) -> Result<Recipient, SealError> {
    let shown = if text.to_ascii_uppercase().contains("SECRET") { "what was given" } else { text };
    text.parse().map_err(|_| SealError::Recipient(crate::base::sanitise(shown)))
}

/// Seals `secret` to all of `recipients`, as text in armor.
///
/// # Errors
/// Without a recipient, or with one that is none.
pub fn seal(secret: &[u8], recipients: &[String]) -> Result<String, SealError> {
    let known = recipients.iter().map(|text| recipient(text)).collect::<Result<Vec<_>, _>>()?;
    let encryptor = Encryptor::with_recipients(known.iter().map(|recipient| recipient as &dyn age::Recipient))
        .map_err(|_| SealError::Nobody)?;
    let failed = |error: std::io::Error| SealError::Damaged(error.to_string());
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).map_err(failed)?;
    let mut writer = encryptor.wrap_output(armor).map_err(failed)?;
    writer.write_all(secret).map_err(failed)?;
    let bytes = writer.finish().and_then(ArmoredWriter::finish).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| SealError::Damaged(error.to_string()))
}

/// Opens `sealed`, in armor or not, with one of `identities`; at most [`MAX_SEALED`] bytes come out.
///
/// # Errors
/// When it is not sealed to any of them, or is no such text.
pub fn open(sealed: &[u8], identities: &[Identity]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if sealed.len() as u64 > MAX_SEALED {
        return Err(SealError::TooLong);
    }
    let decryptor = Decryptor::new(ArmoredReader::new(sealed)).map_err(|error| refused(&error))?;
    if decryptor.is_scrypt() {
        return Err(SealError::Passphrase);
    }
    let known = identities.iter().map(|identity| identity as &dyn age::Identity);
    let mut reader = decryptor.decrypt(known).map_err(|error| refused(&error))?;
    // Room for all of it at once: a vector that grows leaves copies behind.
    let mut opened = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut opened).map_err(|error| SealError::Damaged(crate::base::sanitise(&error.to_string())))?;
    Ok(opened)
}

fn refused(error: &DecryptError) -> SealError {
    match error {
        DecryptError::NoMatchingKeys => SealError::NotOurs,
        other => SealError::Damaged(crate::base::sanitise(&other.to_string())),
    }
}

/// Opens the file `sealed` with the identities in the file `identity`.
pub fn open_file(sealed: &Utf8Path, identity: &Utf8Path) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let fail = |source| SealError::Read { path: sealed.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(sealed).and_then(|file| file.take(MAX_SEALED + 1).read_to_end(&mut bytes)).map_err(fail)?;
    open(&bytes, &identities(identity)?)
}

/// The identities in a file as `age-keygen` writes it, which only its owner may read.
pub fn identities(path: &Utf8Path) -> Result<Vec<Identity>, SealError> {
    let fail = |source| SealError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let about = file.metadata().map_err(fail)?;
    let mode = about.permissions().mode() & 0o777;
    if about.is_file() && mode & 0o077 != 0 {
        return Err(SealError::Mode { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_IDENTITY).unwrap_or_default()));
    file.take(MAX_IDENTITY).read_to_string(&mut text).map_err(fail)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let found: Option<Vec<Identity>> = lines.map(|line| line.parse().ok()).collect();
    found.filter(|found| !found.is_empty()).ok_or_else(|| SealError::NoIdentity { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Identity, String) {
        let identity = Identity::generate();
        let recipient = identity.to_public().to_string();
        (identity, recipient)
    }

    #[test]
    fn each_recipient_opens_it_and_nobody_else_does() {
        let ((first, to_first), (second, to_second), (stranger, _)) = (pair(), pair(), pair());
        let sealed = seal(b"correct horse", &[to_first, to_second]).expect("two recipients");
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !sealed.contains("horse"));
        for ours in [first, second] {
            assert_eq!(**open(sealed.as_bytes(), &[ours]).expect("it is sealed to this one"), *b"correct horse");
        }
        assert!(matches!(open(sealed.as_bytes(), &[stranger]), Err(SealError::NotOurs)));
        assert!(matches!(open(sealed.as_bytes(), &[]), Err(SealError::NotOurs)));
    }

    #[test]
    fn what_was_changed_underway_or_has_a_passphrase_is_refused() {
        let (ours, recipient) = pair();
        let sealed = seal(&[7; 300], std::slice::from_ref(&recipient)).expect("a recipient");
        let lines: Vec<&str> = sealed.lines().collect();
        let last = lines[lines.len() - 2];
        let flipped = if last.starts_with('A') { last.replacen('A', "B", 1) } else { format!("A{}", &last[1..]) };
        let changed = sealed.replace(last, &flipped);
        assert!(matches!(open(changed.as_bytes(), std::slice::from_ref(&ours)), Err(SealError::Damaged(_))));
        for text in ["", "password", "-----BEGIN AGE ENCRYPTED FILE-----\n"] {
            assert!(matches!(open(text.as_bytes(), std::slice::from_ref(&ours)), Err(SealError::Damaged(_))), "{text:?}");
        }
        let passphrase = age::scrypt::Recipient::new("guess".to_owned().into());
        let locked = age::encrypt_and_armor(&passphrase, b"secret").expect("it is locked");
        assert!(matches!(open(locked.as_bytes(), &[ours]), Err(SealError::Passphrase)));
        assert!(matches!(open(&vec![b' '; 65 * 1024], &[]), Err(SealError::TooLong)));
    }

    #[test]
    fn a_recipient_is_checked_and_an_identity_in_its_place_is_not_repeated() {
        let (identity, _) = pair();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        let told = seal(b"x", std::slice::from_ref(&secret)).expect_err("it is no recipient").to_string();
        assert!(!told.contains(&secret[20..]), "{told}");
        assert!(matches!(seal(b"x", &[]), Err(SealError::Nobody)));
        assert_eq!(
            seal(b"x", &["age1nonsense".to_owned()]).expect_err("none").to_string(),
            "age1nonsense is no age recipient (age1...)"
        );
    }

    #[test]
    fn an_identity_file_is_read_only_when_nobody_else_can() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8PathBuf::from_path_buf(folder.path().join("identity.txt")).expect("UTF-8");
        let (identity, recipient) = pair();
        let secret = identity.to_string();
        let text = format!("# public key: {recipient}\n{}\n", age::secrecy::ExposeSecret::expose_secret(&secret));
        std::fs::write(&path, &text).expect("our own folder");
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("our own file");
        mode(0o640);
        assert_eq!(identities(&path).err().expect("others may").hint(), Some(format!("chmod 600 {path}")));
        mode(0o600);
        assert_eq!(identities(&path).expect("it is there")[0].to_public().to_string(), recipient);
        std::fs::write(&path, "# nothing\n").expect("our own folder");
        assert!(matches!(identities(&path), Err(SealError::NoIdentity { .. })));
    }
}
