//! The folders down to a chroot, beside an sshd that judges them.

use std::os::unix::fs::{PermissionsExt as _, chown};

use camino::Utf8PathBuf;
use spartacus::registration::{Check, Finding, Outcome, examine_chroot};

use crate::support::sshd_root::ChrootSshd;

fn mode(path: &Utf8PathBuf, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("root may");
}

fn only(found: Vec<Finding>) -> Finding {
    let [finding] = <[Finding; 1]>::try_from(found).unwrap_or_else(|found| panic!("one finding is wanted: {found:#?}"));
    assert_eq!(finding.check, Check::Chroot);
    finding
}

#[test]
fn the_folder_that_sshd_refuses_is_named_with_what_mends_it() {
    let server = ChrootSshd::start();
    let jail = Utf8PathBuf::try_from(server.jail.path.clone()).expect("a UTF-8 path");
    assert_eq!(only(examine_chroot(&jail)).outcome, Outcome::Passed, "sshd takes this one");

    // A parent that everybody may write to, with a good folder in it.
    let inner = jail.join("inner");
    std::fs::create_dir(&inner).expect("root may");
    mode(&inner, 0o755);
    mode(&jail, 0o777);
    let found = only(examine_chroot(&inner));
    assert_eq!((found.outcome, found.fix), (Outcome::Failed, Some(format!("chmod go-w {jail}"))), "{}", found.what);
    assert!(found.what.contains("mode 0777"), "{}", found.what);

    mode(&jail, 0o775);
    chown(&jail, Some(4321), Some(4321)).expect("root may");
    let found = only(examine_chroot(&jail));
    assert_eq!(found.fix, Some(format!("chown root:root {jail} && chmod go-w {jail}")), "{}", found.what);
    assert!(found.what.contains("user 4321"), "{}", found.what);

    mode(&jail, 0o755);
    chown(&jail, Some(0), Some(0)).expect("root may");
    let missing = jail.join("not here");
    let found = only(examine_chroot(&missing));
    assert_eq!(found.fix, Some(format!("mkdir -m 755 '{missing}'")), "{}", found.what);

    let data = Utf8PathBuf::try_from(server.jail.data()).expect("a UTF-8 path");
    let found = only(examine_chroot(&data));
    assert_eq!(found.fix, Some(format!("chown root:root {data}")), "the account's own folder is no chroot");

    let file = inner.join("file");
    std::fs::write(&file, "").expect("root may");
    assert!(only(examine_chroot(&file)).what.contains("is no folder"));
}

#[test]
fn a_chroot_below_tmp_belongs_elsewhere() {
    let folder = tempfile::Builder::new().tempdir_in("/tmp").expect("a folder");
    let path = Utf8PathBuf::try_from(folder.path().to_owned()).expect("a UTF-8 path");
    let found = examine_chroot(&path);
    let first = found.first().expect("/tmp is for everybody");
    assert_eq!(first.outcome, Outcome::Failed);
    assert!(first.fix.as_deref().is_some_and(|fix| fix.contains("put the chroot elsewhere")), "{first:?}");
}
