//! Accounts on OpenSSH: one locked in as we ask for it, and one that is root.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use spartacus::registration::{Check, Login, Outcome};
use spartacus::store::sftp::{SftpAuth, SftpSettings};

use super::{ALWAYS, assert_all, assert_told, examined, leftovers, place};
use crate::support::face::Face;
use crate::support::sshd::{Keys, Sshd};
use crate::support::sshd_root::ChrootSshd;

const ATTEMPTS: [Check; 7] = [
    Check::Commands,
    Check::Shell,
    Check::Forwarding,
    Check::Listening,
    Check::ListingOutside,
    Check::ReadingOutside,
    Check::WritingOutside,
];

/// What we ask volunteers to write into `sshd_config`, beside the chroot.
const NARROW: &str = "ForceCommand internal-sftp -u 0022 -p open,close,read,write,lstat,fstat,stat,opendir,readdir,remove,mkdir,\
    rmdir,realpath,rename,posix-rename,statvfs,fsync,limits\nPermitTTY no\nAllowStreamLocalForwarding no";

fn settings(port: u16, user: &str, base: &str, keys: &Keys) -> Box<SftpSettings> {
    let key = SftpAuth::Key { path: keys.client.clone().try_into().expect("a UTF-8 path"), passphrase: None };
    let mut settings = SftpSettings::new("127.0.0.1", user, key, vec![keys.fingerprint.parse().expect("a fingerprint")]);
    settings.port = port;
    base.clone_into(&mut settings.base);
    Box::new(settings)
}

fn chrooted(server: &ChrootSshd) -> Box<SftpSettings> {
    settings(server.port, &server.jail.user, "/data", &server.keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_for_sftp_alone_passes_everything() {
    let server = ChrootSshd::start_with(NARROW);
    let face = Face::over(&server.jail.data());
    let found = examined(&place(Login::Sftp(chrooted(&server)), face.url())).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    assert_all(&found, &ATTEMPTS, Outcome::Passed);
    assert_all(&found, &[Check::Swap, Check::Space, Check::Families], Outcome::Passed);
    assert!(found.is_good());
    assert_told(&found, Check::Commands, Outcome::Passed, "allows sftp connections only", "");
    for folder in [server.jail.data(), server.jail.path.clone()] {
        assert!(leftovers(&folder).is_empty(), "{:?}", leftovers(&folder));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_everything_fails_each_attempt_by_name() {
    let server = Sshd::start_with("ForceCommand none\nAllowTcpForwarding yes\nPermitTTY yes");
    let face = Face::over(&server.root);
    let base = server.root.display().to_string();
    let found = examined(&place(Login::Sftp(settings(server.port, &server.user, &base, &server.keys)), face.url())).await;
    assert_all(&found, &ALWAYS, Outcome::Passed);
    let failed = Outcome::Failed;
    assert_told(&found, Check::Commands, failed, "runs commands", "ForceCommand internal-sftp");
    assert_told(&found, Check::Shell, failed, "gives a shell", "PermitTTY no");
    assert_told(&found, Check::Forwarding, failed, "connects to ports", "AllowTcpForwarding no");
    assert_told(&found, Check::Listening, failed, "listens", "AllowTcpForwarding no");
    assert_told(&found, Check::WritingOutside, failed, "could be made", "ChrootDirectory");
    assert_told(&found, Check::ReadingOutside, Outcome::Warning, "/etc/passwd", "ChrootDirectory");
    assert_told(&found, Check::ListingOutside, Outcome::Warning, "not ours: ", "ChrootDirectory");
    assert!(!found.is_good());
    assert_eq!(found.of(Check::CleanUp), None, "everything could be removed");
    for folder in [Path::new("/"), server.root.as_path(), server.folder.path()] {
        assert!(leftovers(folder).is_empty(), "{:?}", leftovers(folder));
    }
}

/// A chroot holds files, and not the network behind the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_that_forwards_connections_fails_for_that_alone() {
    let server = ChrootSshd::start_with(&format!("AllowTcpForwarding yes\n{NARROW}"));
    let face = Face::over(&server.jail.data());
    let found = examined(&place(Login::Sftp(chrooted(&server)), face.url())).await;
    assert_told(&found, Check::Forwarding, Outcome::Failed, "connects to ports", "AllowTcpForwarding no");
    assert_told(&found, Check::Listening, Outcome::Failed, "listens", "AllowTcpForwarding no");
    assert_all(&found, &[Check::Commands, Check::Shell, Check::WritingOutside, Check::ReadingOutside], Outcome::Passed);
}

/// Whoever may make files and not remove them keeps what was tried, and hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_again_is_told() {
    let server = Sshd::start_with("ForceCommand internal-sftp -u 0022 -P remove");
    let face = Face::over(&server.root);
    let base = server.root.display().to_string();
    let found = examined(&place(Login::Sftp(settings(server.port, &server.user, &base, &server.keys)), face.url())).await;
    assert_told(&found, Check::Delete, Outcome::Failed, "permission denied", "chown");
    assert_told(&found, Check::WritingOutside, Outcome::Failed, "could be made", "ChrootDirectory");
    assert_told(&found, Check::CleanUp, Outcome::Warning, "not removed: ", "by hand");
    let left = leftovers(server.folder.path());
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(found.of(Check::CleanUp).is_some_and(|finding| finding.what.contains(&left[0])), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_that_sshd_refuses_is_explained() {
    let server = ChrootSshd::start_with(NARROW);
    std::fs::set_permissions(&server.jail.path, std::fs::Permissions::from_mode(0o775)).expect("root may");
    let found = examined(&place(Login::Sftp(chrooted(&server)), "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Login, Outcome::Failed, "", "must belong to root and be writable by nobody else");
    assert!(found.of(Check::Write).is_none() && !found.is_good(), "nothing else was tried: {found:#?}");
    let log = std::fs::read_to_string(server.folder.path().join("sshd.log")).expect("its log");
    assert!(log.contains("bad ownership or modes for chroot directory"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_let_in_is_explained() {
    let server = ChrootSshd::start_with(NARROW);
    std::fs::write(server.folder.path().join("authorized_keys"), "").expect("our own file");
    let found = examined(&place(Login::Sftp(chrooted(&server)), "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Login, Outcome::Failed, "", "authorized_keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_writable_is_told_and_the_rest_still_tried() {
    let server = ChrootSshd::start_with(NARROW);
    let mut settings = chrooted(&server);
    "/".clone_into(&mut settings.base);
    let found = examined(&place(Login::Sftp(settings), "http://127.0.0.1:9/")).await;
    assert_told(&found, Check::Write, Outcome::Failed, "permission denied", "install -d -o ");
    assert_all(&found, &[Check::Login], Outcome::Passed);
    assert_all(&found, &ATTEMPTS, Outcome::Passed);
}
