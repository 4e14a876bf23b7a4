//! minisign's secret-key file: a comment line and one line of base64 over 158 bytes.
//!
//! ```text
//! 0  "Ed"  signature algorithm      6   salt             54  key number, secret, checksum (104 bytes),
//! 2  "Sc"  scrypt, or two zeros     38  operations limit     XORed with scrypt's output when locked
//! 4  "B2"  BLAKE2b-256 checksum     46  memory limit
//! ```
//!
//! Source: minisign's own format, checked in both directions against Debian's `minisign` 0.11.
//!
//! Rule K2 of docs/bundle-format.md.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use zeroize::Zeroizing;

use super::public::{ALGORITHM, PublicKey};

const LENGTH: usize = 158;
const SALT: std::ops::Range<usize> = 6..38;
const SECRET: usize = 54;
const LOCKED_LENGTH: usize = LENGTH - SECRET;
const SCRYPT: [u8; 2] = *b"Sc";
const UNLOCKED: [u8; 2] = [0, 0];
const CHECKSUM: [u8; 2] = *b"B2";

/// What we write: N = 2^17, r = 8, p = 1 (128 MiB, under a second), the floor that OWASP advises.
const OPERATIONS: u64 = 4_194_304;
const MEMORY: u64 = 134_217_728;
/// What we accept: the program's default needs 1 GiB.
const MOST_MEMORY: u64 = 1_073_741_824;
/// Four times the program's default: a damaged file must not keep us busy for days.
const MOST_OPERATIONS: u64 = 134_217_728;

/// Why a file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Format(&'static str),
    PasswordNeeded,
    WrongPassword,
}

/// A key as the file holds it.
pub(super) struct Contents {
    /// On the heap, because an array that moves leaves copies of itself behind.
    pub(super) seed: Box<Zeroizing<[u8; 32]>>,
    pub(super) public: PublicKey,
}

/// Reads a file's text.
pub(super) fn open(text: &str, password: Option<&str>) -> Result<Contents, Refusal> {
    let mut lines = text.lines();
    if !lines.next().is_some_and(|comment| comment.starts_with("untrusted comment:")) {
        return Err(Refusal::Format("no comment line"));
    }
    let encoded = lines.next().ok_or(Refusal::Format("no key line"))?;
    let mut raw = Zeroizing::new([0_u8; LENGTH]);
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).map_err(|_| Refusal::Format("not base64"))?);
    if decoded.len() != LENGTH {
        return Err(Refusal::Format("not 158 bytes"));
    }
    raw.copy_from_slice(&decoded);
    if raw[..2] != ALGORITHM || raw[4..6] != CHECKSUM {
        return Err(Refusal::Format("another algorithm"));
    }
    let locked = raw[2..4] == SCRYPT;
    if locked {
        let password = password.ok_or(Refusal::PasswordNeeded)?;
        apply_password(&mut raw, password)?;
    } else if raw[2..4] != UNLOCKED {
        return Err(Refusal::Format("another password function"));
    }
    // The layout of the unlocked part: 8 bytes of number, 32 of seed, 32 of public key, 32 of checksum.
    // minisign 0.11 leaves the checksum of an unlocked key (`-G -W`) zero; the two halves of the key are then its check.
    let unchecked = !locked && raw[126..] == [0; 32];
    if !unchecked && raw[126..] != checksum(&raw) {
        return Err(if locked { Refusal::WrongPassword } else { Refusal::Format("its checksum does not fit") });
    }
    let (mut number, mut seed, mut public) = ([0; 8], Box::new(Zeroizing::new([0; 32])), [0; 32]);
    number.copy_from_slice(&raw[54..62]);
    seed.copy_from_slice(&raw[62..94]);
    public.copy_from_slice(&raw[94..126]);
    Ok(Contents { seed, public: PublicKey::numbered(public, number) })
}

/// Writes a file's text; `salt` must be random.
pub(super) fn seal(key: &Contents, comment: &str, password: Option<&str>, salt: [u8; 32]) -> Result<Zeroizing<String>, Refusal> {
    let mut raw = Zeroizing::new([0_u8; LENGTH]);
    raw[..2].copy_from_slice(&ALGORITHM);
    raw[4..6].copy_from_slice(&CHECKSUM);
    raw[54..62].copy_from_slice(&key.public.number());
    raw[62..94].copy_from_slice(&key.seed[..]);
    raw[94..126].copy_from_slice(key.public.as_bytes());
    let sum = checksum(&raw);
    raw[126..].copy_from_slice(&sum);
    if let Some(password) = password {
        raw[2..4].copy_from_slice(&SCRYPT);
        raw[SALT].copy_from_slice(&salt);
        raw[38..46].copy_from_slice(&OPERATIONS.to_le_bytes());
        raw[46..54].copy_from_slice(&MEMORY.to_le_bytes());
        apply_password(&mut raw, password)?;
    }
    let line = Zeroizing::new(STANDARD.encode(&raw[..]));
    Ok(Zeroizing::new(format!("untrusted comment: {comment}\n{}\n", &*line)))
}

fn checksum(raw: &[u8; LENGTH]) -> [u8; 32] {
    Blake2b::<U32>::new().chain_update(ALGORITHM).chain_update(&raw[54..126]).finalize().into()
}

/// Locks or unlocks: XOR with scrypt's output is its own inverse.
fn apply_password(raw: &mut [u8; LENGTH], password: &str) -> Result<(), Refusal> {
    let limit = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&raw[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    let parameters = scrypt_parameters(limit(38), limit(46)).ok_or(Refusal::Format("its password cost is out of range"))?;
    let mut stream = Zeroizing::new([0_u8; LOCKED_LENGTH]);
    scrypt::scrypt(password.as_bytes(), &raw[SALT], &parameters, &mut stream[..])
        .map_err(|_| Refusal::Format("its password cost is out of range"))?;
    for (byte, mask) in raw[SECRET..].iter_mut().zip(stream.iter()) {
        *byte ^= mask;
    }
    Ok(())
}

/// libsodium's choice of scrypt parameters from its two limits (`pickparams` of `crypto_pwhash_scryptsalsa208sha256`).
fn scrypt_parameters(operations: u64, memory: u64) -> Option<scrypt::Params> {
    const R: u32 = 8;
    if memory > MOST_MEMORY || operations > MOST_OPERATIONS {
        return None;
    }
    let operations = operations.max(32_768);
    let cheap = operations < memory / 32;
    let most = if cheap { operations / (u64::from(R) * 4) } else { memory / (u64::from(R) * 128) };
    let log_n = (1_u8..20).find(|log| 1_u64 << log > most / 2).unwrap_or(20);
    let p = if cheap { 1 } else { u32::try_from(((operations / 4) >> log_n).min(0x3fff_ffff)).ok()? / R };
    scrypt::Params::new(log_n, R, p).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents { seed: Box::new(Zeroizing::new([3; 32])), public: PublicKey::from_bytes([4; 32]) }
    }

    #[test]
    fn a_locked_file_opens_with_its_password_only() {
        let text = seal(&contents(), "alice", Some("correct horse"), [5; 32]).expect("a file");
        assert!(text.starts_with("untrusted comment: alice\nRWRTY0Iy"));
        let read = open(&text, Some("correct horse")).expect("opens");
        assert_eq!((read.seed[..].to_vec(), read.public), (vec![3; 32], contents().public));
        assert_eq!(open(&text, None).err(), Some(Refusal::PasswordNeeded));
        assert_eq!(open(&text, Some("correct horsf")).err(), Some(Refusal::WrongPassword));
    }

    #[test]
    fn damage_is_noticed() {
        let text = seal(&contents(), "alice", None, [0; 32]).expect("a file");
        assert!(open(&text, None).is_ok());
        let (comment, line) = text.split_once('\n').expect("two lines");
        for position in [0, 3, 6, 80, 100, 150, 200] {
            let mut changed = line.trim().as_bytes().to_vec();
            changed[position] = if changed[position] == b'B' { b'C' } else { b'B' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(matches!(open(&format!("{comment}\n{changed}\n"), None), Err(Refusal::Format(_))), "{position}");
        }
        for bad in ["", "untrusted comment: x", "untrusted comment: x\n!!", "untrusted comment: x\nRWRT", line] {
            assert!(matches!(open(bad, None), Err(Refusal::Format(_))), "{bad:?}");
        }
    }

    #[test]
    fn the_cost_is_bounded_and_as_libsodium_counts() {
        for (limits, expected) in [
            ((1_048_576, 33_554_432), Some((15, 1))),
            ((OPERATIONS, MEMORY), Some((17, 1))),
            ((33_554_432, MOST_MEMORY), Some((20, 1))),
        ] {
            let found = scrypt_parameters(limits.0, limits.1).map(|found| (found.log_n(), found.p()));
            assert_eq!(found, expected, "{limits:?}");
        }
        assert!(scrypt_parameters(u64::MAX, u64::MAX).is_none());
        assert!(scrypt_parameters(u64::MAX, 1024).is_none());
    }
}
