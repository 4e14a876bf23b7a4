//! New projects.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use spartacus::base::Secret;
use spartacus::bundle::{BundleError, InitSpec, People, Project};
use spartacus::trust::SigningKey;

use super::{moment, named, utf8};

#[test]
fn one_person_gets_a_daily_and_a_recovery_key_and_never_loses_them_to_a_second_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = utf8(folder.path()).join("project");
    let recovery = utf8(folder.path()).join("recovery.key");
    let (daily, spare) = (Secret::new("correct horse".to_owned()), Secret::new("battery staple".to_owned()));
    let spec = |recovery_out| InitSpec {
        folder: &place,
        name: "demo",
        people: People::One { who: "alice".parse().expect("a name"), password: &daily, recovery_out, recovery_password: &spare },
        now: moment(0),
    };
    let inside = place.join("keys/recovery.key");
    let error = Project::init(spec(&inside)).expect_err("inside the project");
    assert!(matches!(error, BundleError::Keys(_)), "{error}");

    let made = Project::init(spec(&recovery)).expect("a project");
    let project = Project::open(&place).expect("it opens");
    assert_eq!(project.pin().expect("a pin"), made.pin);
    for secret in &made.secrets {
        assert_eq!(fs::metadata(secret).expect("a key").permissions().mode() & 0o777, 0o600, "{secret}");
    }
    let keyring = project.keyring().expect("a keyring");
    assert_eq!((keyring.root.keys.len(), keyring.root.threshold), (2, 1));
    assert_eq!((keyring.targets.keys.len(), keyring.targets.threshold), (1, 1));
    assert!(!keyring.is_team());
    let alice = SigningKey::load(&project.maintainer_key(&"alice".parse().expect("a name")), Some(&daily)).expect("her key");
    let spare_key = SigningKey::load(&recovery, Some(&spare)).expect("the recovery key");
    assert_eq!(keyring.name_of(alice.public()), "alice");
    assert!(keyring.root.keys.contains(alice.public()) && keyring.root.keys.contains(spare_key.public()));
    assert!(keyring.online.keys.contains(SigningKey::load(&project.online_key(), None).expect("unlocked").public()));

    let before = fs::read(project.online_key()).expect("the key");
    let error = Project::init(spec(&recovery)).expect_err("it exists");
    assert!(matches!(error, BundleError::Exists { .. }), "{error}");
    assert_eq!(fs::read(project.online_key()).expect("the key"), before);

    let public = Command::new("ssh-keygen").args(["-y", "-f", project.deploy_key().as_str()]).output().expect("ssh-keygen");
    let text = fs::read_to_string(project.keys().join("deploy_ed25519.pub")).expect("its public half");
    assert_eq!(String::from_utf8_lossy(&public.stdout), text);

    let recipient = Command::new("age-keygen").args(["-y", project.age_identity().as_str()]).output().expect("age-keygen");
    let text = fs::read_to_string(project.keys().join("age_recipient.txt")).expect("its public half");
    assert!(text.starts_with("age1"), "{text}");
    assert_eq!(String::from_utf8_lossy(&recipient.stdout), text, "{}", String::from_utf8_lossy(&recipient.stderr));
    assert!(made.secrets.contains(&project.age_identity()), "a person is told of it");
}

#[test]
fn unwise_teams_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let people: Vec<SigningKey> = ["alice", "bob"].iter().map(|who| SigningKey::generate(who).expect("a key")).collect();
    let team = |threshold, everyone, twice: bool, signers| {
        let mut maintainers = named(&people);
        if twice {
            maintainers[1].1 = maintainers[0].1.clone();
        }
        let place = utf8(folder.path()).join("project");
        let people = People::Team { maintainers, threshold, everyone, signers };
        Project::init(InitSpec { folder: &place, name: "demo", people, now: moment(0) })
    };
    assert!(matches!(team(2, false, false, &people[..]), Err(BundleError::Keys(_))));
    assert!(matches!(team(1, false, true, &people[..]), Err(BundleError::Trust(_))));
    assert!(matches!(team(3, true, false, &people[..]), Err(BundleError::Trust(_))));
    assert!(matches!(team(2, true, false, &people[..1]), Err(BundleError::Unsigned { has: 1, needs: 2, .. })));
    assert!(fs::read_dir(folder.path()).expect("the folder").next().is_none(), "a refused project left something");
    assert!(team(2, true, false, &people[..]).is_ok());
}

#[test]
fn a_plain_folder_is_no_project() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(Project::open(utf8(folder.path())), Err(BundleError::NoProject { .. })));
}
