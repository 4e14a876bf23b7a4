//! Another deploy key: whatever a kill leaves is a key that works, and the next command goes on from it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use camino::Utf8PathBuf;
use spartacus::bundle::{BundleError, Project, Rotation};

use super::Workshop;

fn file(project: &Project, name: &str) -> Utf8PathBuf {
    project.keys().join(name)
}

fn read(project: &Project, name: &str) -> String {
    fs::read_to_string(file(project, name)).expect("a file of the project")
}

/// The public half of the key that a server would see now, as `ssh-keygen` tells it.
fn shown(project: &Project) -> String {
    let told = Command::new("ssh-keygen").args(["-y", "-f", project.deploy_key().as_str()]).output().expect("ssh-keygen");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

/// What is in `keys/` of the deploy key.
fn names(project: &Project) -> Vec<String> {
    let entries = fs::read_dir(project.keys()).expect("the folder of keys");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.retain(|name| name.starts_with("deploy_"));
    names.sort();
    names
}

#[test]
fn the_next_key_stands_beside_the_old_one_until_it_takes_its_place() {
    let workshop = Workshop::of(1);
    let project = &workshop.project;
    let old = shown(project);
    assert_eq!((project.rotation(), project.deploy_keys().expect("keys")), (Rotation::None, vec![old.clone()]));
    let next = project.begin_rotation("spartacus deploy demo 2026-01-01").expect("a key");
    assert!(next.starts_with("ssh-ed25519 ") && next.ends_with(" spartacus deploy demo 2026-01-01"), "{next}");
    assert_eq!(fs::metadata(project.next_deploy_key()).expect("a key").permissions().mode() & 0o777, 0o600);
    assert_eq!((project.rotation(), project.deploy_keys().expect("keys")), (Rotation::UnderWay, vec![old.clone(), next.clone()]));
    assert!(matches!(project.begin_rotation("again"), Err(BundleError::Exists { .. })));
    assert_eq!(shown(project), old);

    project.cancel_rotation().expect("cancelled");
    assert_eq!((project.rotation(), shown(project)), (Rotation::None, old));
    assert_eq!(names(project), ["deploy_ed25519", "deploy_ed25519.pub"]);

    let next = project.begin_rotation("another").expect("a key");
    project.finish_rotation().expect("finished");
    assert_eq!((project.rotation(), shown(project)), (Rotation::None, next.clone()));
    assert_eq!(read(project, "deploy_ed25519.pub").trim(), next);
    assert_eq!(names(project), ["deploy_ed25519", "deploy_ed25519.pub"], "the old key is gone");
    assert_eq!(project.deploy_keys().expect("keys"), [next]);
}

#[test]
fn a_kill_at_any_point_leaves_a_key_that_works_and_what_comes_next_goes_on() {
    // `begin`, after the secret half.
    let workshop = Workshop::of(1);
    let project = &workshop.project;
    let old = shown(project);
    let next = project.begin_rotation("next").expect("a key");
    fs::remove_file(file(project, "deploy_ed25519.next.pub")).expect("it was made");
    assert_eq!((project.rotation(), shown(project)), (Rotation::UnderWay, old.clone()));
    assert_eq!(project.deploy_keys().expect("keys"), [old.clone(), next.clone()], "an invite names both all the same");

    // `cancel`, before the secret half: it can be done again.
    fs::write(file(project, "deploy_ed25519.next.pub"), format!("{next}\n")).expect("a file");
    fs::remove_file(file(project, "deploy_ed25519.next.pub")).expect("what cancel does first");
    project.cancel_rotation().expect("cancelled");
    assert_eq!((project.rotation(), shown(project), names(project).len()), (Rotation::None, old, 2));

    // `finish`, after the rename: the new key is used, and the public half beside it is the old one.
    let next = project.begin_rotation("next").expect("a key");
    fs::rename(project.next_deploy_key(), project.deploy_key()).expect("what finish does first");
    assert_eq!((project.rotation(), shown(project)), (Rotation::Switched, next.clone()));
    assert_ne!(read(project, "deploy_ed25519.pub").trim(), next);
    assert_eq!(project.deploy_keys().expect("keys"), std::slice::from_ref(&next), "an invite names the one that is used");
    project.finish_rotation().expect("finished");
    assert_eq!((project.rotation(), read(project, "deploy_ed25519.pub").trim()), (Rotation::None, next.as_str()));
    assert_eq!(names(project).len(), 2);

    // `finish` in its two steps, after a `begin` that was killed: between them it is known that something is left to be done.
    let next = project.begin_rotation("next").expect("a key");
    fs::remove_file(file(project, "deploy_ed25519.next.pub")).expect("it was made");
    project.switch_deploy_key().expect("switched");
    assert_eq!((project.rotation(), shown(project)), (Rotation::Switched, next.clone()));
    project.switch_deploy_key().expect("nothing is left to be switched");
    project.finish_rotation().expect("finished");
    assert_eq!((project.rotation(), read(project, "deploy_ed25519.pub").trim()), (Rotation::None, next.as_str()));

    // The same, and the next change begins: what was left is tidied up first.
    let second = project.begin_rotation("second").expect("a key");
    fs::rename(project.next_deploy_key(), project.deploy_key()).expect("what finish does first");
    let third = project.begin_rotation("third").expect("a key");
    assert_eq!(project.deploy_keys().expect("keys"), [second.clone(), third]);
    assert_eq!(read(project, "deploy_ed25519.pub").trim(), second);
}

#[test]
fn a_certificate_goes_with_its_key() {
    let workshop = Workshop::of(1);
    let project = &workshop.project;
    fs::write(file(project, "deploy_ed25519-cert.pub"), "of the old key").expect("a file");
    project.begin_rotation("next").expect("a key");
    fs::write(file(project, "deploy_ed25519.next-cert.pub"), "of the next key").expect("a file");
    project.finish_rotation().expect("finished");
    assert_eq!(read(project, "deploy_ed25519-cert.pub"), "of the next key");

    // One that nobody made for the next key: the old one would be shown with it, and refused.
    project.begin_rotation("next").expect("a key");
    project.finish_rotation().expect("finished");
    assert_eq!(names(project), ["deploy_ed25519", "deploy_ed25519.pub"]);

    // A kill between the certificates.
    project.begin_rotation("next").expect("a key");
    fs::write(file(project, "deploy_ed25519.next-cert.pub"), "of the next key").expect("a file");
    fs::rename(project.next_deploy_key(), project.deploy_key()).expect("what finish does first");
    fs::remove_file(file(project, "deploy_ed25519.next.pub")).expect("it was made");
    assert_eq!(project.rotation(), Rotation::Switched);
    project.finish_rotation().expect("finished");
    assert_eq!(read(project, "deploy_ed25519-cert.pub"), "of the next key");
}

#[test]
fn without_an_old_key_the_next_one_is_the_first() {
    let workshop = Workshop::of(1);
    let project = &workshop.project;
    fs::remove_file(project.deploy_key()).expect("it was made");
    let next = project.begin_rotation("next").expect("a key");
    assert_eq!(project.deploy_keys().expect("keys"), std::slice::from_ref(&next));
    project.finish_rotation().expect("finished");
    assert_eq!(shown(project), next);
}
