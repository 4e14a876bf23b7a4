//! One key, three formats: judged by Debian's `minisign`, OpenSSH's `ssh-keygen` and the minisign crate.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use spartacus::base::{Hinted as _, Secret};
use spartacus::trust::{SigningKey, TrustError, sums};

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).expect("a UTF-8 path");
    (folder, path)
}

/// Runs a program that these tests need; a machine without it fails them.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("these tests need the program {program}: {error}"));
    // A program that ends before it has read everything is judged by its exit code, not by the broken pipe.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("an exit code")
}

fn write(path: &Utf8Path, bytes: impl AsRef<[u8]>) {
    std::fs::write(path, bytes).expect("a written file");
}

const SUMS: &[u8] = b"0123  a\n4567  b\n";

#[test]
fn minisign_accepts_our_signature_and_nothing_else() {
    let (_held, folder) = folder();
    let key = SigningKey::generate("alice").expect("a key");
    let (data, signature) = (folder.join("SHA256SUMS"), folder.join("SHA256SUMS.alice.minisig"));
    let text = sums::minisig(&key, SUMS, "bundle:v1.2 file:SHA256SUMS").expect("a signature");
    write(&signature, &text);
    let line = key.public().to_minisign();
    let verify = || run("minisign", &["-V", "-P", &line, "-m", data.as_str(), "-x", signature.as_str()], b"");

    write(&data, SUMS);
    let good = verify();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("bundle:v1.2 file:SHA256SUMS"));

    let mut altered = SUMS.to_vec();
    altered[3] ^= 1;
    write(&data, &altered);
    assert!(!verify().status.success(), "an altered file passed");

    write(&data, SUMS);
    write(&signature, text.replace("bundle:v1.2", "bundle:v1.3"));
    assert!(!verify().status.success(), "an altered trusted comment passed");

    let boxed = minisign::SignatureBox::from_string(&text).expect("the crate reads it");
    let public = minisign::PublicKey::from_base64(&line).expect("the crate reads the key");
    minisign::verify(&public, &boxed, std::io::Cursor::new(SUMS), true, false, false).expect("the crate accepts it");
}

#[test]
fn ssh_keygen_accepts_our_signature_and_nothing_else() {
    let (_held, folder) = folder();
    let key = SigningKey::generate("alice").expect("a key");
    let (allowed, signature) = (folder.join("allowed_signers"), folder.join("SHA256SUMS.alice.sshsig"));
    write(&allowed, format!("alice {}\n", key.public().to_openssh("spartacus")));
    write(&signature, sums::sshsig(&key, SUMS, "file").expect("a signature"));
    let verify = |namespace: &str, data: &[u8]| {
        let arguments = ["-Y", "verify", "-f", allowed.as_str(), "-I", "alice", "-n", namespace, "-s", signature.as_str()];
        run("ssh-keygen", &arguments, data)
    };
    let good = verify("file", SUMS);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let mut altered = SUMS.to_vec();
    altered[3] ^= 1;
    assert!(!verify("file", &altered).status.success(), "an altered file passed");
    assert!(!verify("git", SUMS).status.success(), "another namespace passed");
}

#[test]
fn signatures_are_the_same_each_time() {
    let key = SigningKey::generate("alice").expect("a key");
    assert_eq!(sums::minisig(&key, SUMS, "c").expect("one"), sums::minisig(&key, SUMS, "c").expect("two"));
    assert_eq!(sums::sshsig(&key, SUMS, "file").expect("one"), sums::sshsig(&key, SUMS, "file").expect("two"));
    assert!(matches!(sums::minisig(&key, SUMS, "two\nlines"), Err(TrustError::Comment)));
}

#[test]
fn our_own_verification_agrees() {
    let (key, other) = (SigningKey::generate("alice").expect("a key"), SigningKey::generate("bob").expect("a key"));
    let minisig = sums::minisig(&key, SUMS, "bundle:v1.2").expect("a signature");
    let sshsig = sums::sshsig(&key, SUMS, "file").expect("a signature");
    assert!(sums::verify_minisig(key.public(), SUMS, &minisig));
    assert!(sums::verify_sshsig(key.public(), SUMS, "file", &sshsig));
    assert!(!sums::verify_minisig(other.public(), SUMS, &minisig));
    assert!(!sums::verify_sshsig(other.public(), SUMS, "file", &sshsig));
    assert!(!sums::verify_sshsig(key.public(), SUMS, "git", &sshsig));
    for place in 0..SUMS.len() {
        let mut altered = SUMS.to_vec();
        altered[place] ^= 1;
        assert!(!sums::verify_minisig(key.public(), &altered, &minisig), "{place}");
        assert!(!sums::verify_sshsig(key.public(), &altered, "file", &sshsig), "{place}");
    }
    assert!(!sums::verify_minisig(key.public(), SUMS, &minisig.replace("v1.2", "v1.3")));
    for text in ["", "\n\n\n\n", "a\nUkQ=\ntrusted comment: x\nUkQ=\n", sshsig.as_str()] {
        assert!(!sums::verify_minisig(key.public(), SUMS, text), "{text:?}");
    }
    for text in ["", "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n", minisig.as_str()] {
        assert!(!sums::verify_sshsig(key.public(), SUMS, "file", text), "{text:?}");
    }
}

#[test]
fn the_program_signs_with_our_locked_key() {
    let (_held, folder) = folder();
    let (file, data) = (folder.join("alice.key"), folder.join("data"));
    let password = Secret::new("correct horse".to_owned());
    let key = SigningKey::generate("alice").expect("a key");
    key.save(&file, Some(&password)).expect("a saved key");
    write(&data, SUMS);
    let signed = run("minisign", &["-S", "-s", file.as_str(), "-m", data.as_str()], b"correct horse\n");
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    let line = key.public().to_minisign();
    assert!(run("minisign", &["-V", "-P", &line, "-m", data.as_str()], b"").status.success());

    assert!(matches!(SigningKey::load(&file, None), Err(TrustError::PasswordNeeded { .. })));
    let wrong = Secret::new("correct horsf".to_owned());
    assert!(matches!(SigningKey::load(&file, Some(&wrong)), Err(TrustError::WrongPassword { .. })));
    let loaded = SigningKey::load(&file, Some(&password)).expect("our own file");
    assert_eq!((loaded.public(), loaded.comment()), (key.public(), "alice"));
}

#[test]
fn a_key_of_the_program_signs_here() {
    let (_held, folder) = folder();
    let (file, public, data) = (folder.join("bob.key"), folder.join("bob.pub"), folder.join("data"));
    let made = run("minisign", &["-G", "-W", "-s", file.as_str(), "-p", public.as_str()], b"");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = SigningKey::load(&file, None).expect("the program's key");
    let theirs = std::fs::read_to_string(&public).expect("the public key file");
    assert!(theirs.contains(&key.public().to_minisign()));
    write(&data, SUMS);
    write(&folder.join("data.minisig"), sums::minisig(&key, SUMS, "by bob").expect("a signature"));
    assert!(run("minisign", &["-V", "-p", public.as_str(), "-m", data.as_str()], b"").status.success());
}

#[test]
fn a_key_file_is_private_and_never_overwritten() {
    let (_held, folder) = folder();
    let file = folder.join("online.key");
    let key = SigningKey::generate("online").expect("a key");
    key.save(&file, None).expect("a saved key");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a changed mode");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&file).expect("there");
    assert!(matches!(key.save(&file, None), Err(TrustError::KeyExists { .. })));
    assert_eq!(std::fs::read(&file).expect("there"), before);

    for lax in [0o640, 0o604, 0o666, 0o620] {
        mode(lax);
        let refused = SigningKey::load(&file, None).expect_err("a lax mode");
        assert_eq!(refused.hint(), Some(format!("chmod 600 {file}")), "{lax:o}");
    }
    mode(0o400);
    assert_eq!(SigningKey::load(&file, None).expect("a stricter mode").public(), key.public());
}

#[test]
fn a_key_never_prints_its_secret() {
    let (_held, folder) = folder();
    let file = folder.join("online.key");
    let key = SigningKey::generate("online").expect("a key");
    key.save(&file, None).expect("a saved key");
    let text = std::fs::read_to_string(&file).expect("the file");
    let unboxed = minisign::SecretKeyBox::from_string(&text).and_then(minisign::SecretKeyBox::into_unencrypted_secret_key);
    let raw = unboxed.expect("the crate reads it").to_bytes();
    let shown = format!("{key:?} {key:#?}");
    let public = key.public().to_minisign();
    assert_eq!(shown, format!("SigningKey(PublicKey({public}), secret …) SigningKey(PublicKey({public}), secret …)"));
    assert!(!shown.contains(&hex::encode(&raw[62..94])));
}
