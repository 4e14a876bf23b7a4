//! Offers as volunteers write them, and as strangers forge them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::base::{Addresses, Secret};
use crate::config::sealed::Identity;
use crate::config::{SecretRef, TargetKind};

fn now() -> Timestamp {
    "2026-11-29T17:00:00Z".parse().unwrap()
}

fn pin() -> Sha256 {
    Sha256::of(b"1.root.json")
}

fn pair() -> (Identity, String) {
    let identity = Identity::generate();
    let recipient = identity.to_public().to_string();
    (identity, recipient)
}

fn webdav() -> Sealed {
    Sealed {
        place: OfferedPlace::Webdav { url: "https://dav.example.org/box/".to_owned(), user: Some("mirror".to_owned()) },
        secrets: BTreeMap::from([(SecretName::Password, Secret::new("hunter2hunter2".to_owned()))]),
        contact: Some("alice@example.org".parse().unwrap()),
        notes: Some("behind a \u{1b}[31mfirewall".to_owned()),
    }
}

fn offered(sealed: &Sealed, key: &SigningKey, recipients: &[String]) -> Offered {
    Offered {
        name: "paris".parse().unwrap(),
        public_url: "https://mirror.example.org/archive/".to_owned(),
        kind: sealed.place.word().to_owned(),
        operator: Some("Alice".to_owned()),
        country: Some("FR".to_owned()),
        network: None,
        limits: Limits { max_bytes: Some(crate::base::ByteCount(5_000_000_000)), ..Limits::default() },
        expires: now() + SignedDuration::from_hours(24 * 180),
        sealed: sealed.close(key.public(), recipients).unwrap(),
    }
}

fn offer(key: &SigningKey, recipient: &str) -> Message {
    let offered = offered(&webdav(), key, &[recipient.to_owned(), pair().1]);
    Message::new(pin(), key, Request::Offer(Box::new(offered)), now())
}

/// The file with its signed part changed, and signed again by `key` (or left with the old signature).
fn changed(file: &str, key: Option<&SigningKey>, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut read: Value = serde_json::from_str(file).unwrap();
    change(&mut read["signed"]);
    match key {
        Some(key) => Statement::write(SCHEMA, &read["signed"], key),
        None => read.to_string().into_bytes(),
    }
}

#[test]
fn an_offer_comes_back_and_only_the_project_sees_what_is_sealed() {
    let (key, (identity, recipient)) = (SigningKey::generate("alice").unwrap(), pair());
    let message = offer(&key, &recipient);
    let file = message.to_file(&key);
    assert!(file.lines().all(|line| line.len() < 140), "{file}");
    for private in ["hunter2", "dav.example.org", "alice@example.org", "firewall"] {
        assert!(!file.contains(private), "{private} is in {file}");
    }
    let read = Message::read(file.as_bytes(), pin(), now()).unwrap();
    assert_eq!((read.request.clone(), read.ticket()), (message.request.clone(), message.ticket()));
    assert_eq!(read.ticket().as_str().parse(), Ok(read.ticket()));
    let opened = Sealed::open(read.request.offered().unwrap(), &read.volunteer, &[identity]).unwrap();
    assert_eq!(opened.secrets[&SecretName::Password].expose(), "hunter2hunter2");
    assert!(!opened.notes.unwrap().contains('\u{1b}'));
    // A stranger's identity opens nothing.
    let refused = Sealed::open(read.request.offered().unwrap(), &read.volunteer, &[pair().0]).unwrap_err();
    assert!(matches!(refused, OfferError::Closed(_)), "{refused}");
}

#[test]
fn the_target_that_it_becomes_leads_to_public_addresses_only() {
    let (key, (identity, recipient)) = (SigningKey::generate("alice").unwrap(), pair());
    let message = offer(&key, &recipient);
    let offered = message.request.offered().unwrap();
    let sealed = Sealed::open(offered, key.public(), &[identity]).unwrap();
    let sealed_file =
        |name: SecretName| SecretRef::Sealed { file: format!("sealed/{}.age", name.word()).into(), identity: "".into() };
    let new = sealed.target(offered, "paris".parse().unwrap(), sealed_file, "keys/deploy_ed25519").unwrap();
    let target = as_target(&new, "targets.yaml".into()).unwrap();
    assert_eq!(target.addresses, Addresses::Public);
    assert_eq!(target.limits.max_bytes, offered.limits.max_bytes);
    assert_eq!(target.contact.unwrap().as_str(), "alice@example.org");
    let TargetKind::Webdav(webdav) = target.kind else { panic!("{:?}", target.kind) };
    assert!(matches!(webdav.password, Some(SecretRef::Sealed { .. })), "{webdav:?}");
    // What the configuration refuses is refused here, too.
    let mut climbing = sealed;
    climbing.place = OfferedPlace::Sftp {
        host: "sftp.example.org".to_owned(),
        port: 22,
        user: "mirror".to_owned(),
        path: "../../etc".to_owned(),
        host_keys: vec!["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".to_owned()],
    };
    let new = climbing.target(offered, "paris".parse().unwrap(), sealed_file, "keys/deploy_ed25519").unwrap();
    let refused = as_target(&new, "targets.yaml".into()).unwrap_err().to_string();
    assert!(refused.starts_with("its sealed part is wrong: "), "{refused}");
}

#[test]
fn whatever_was_changed_or_is_for_others_is_refused() {
    let (key, eve, (_, recipient)) = (SigningKey::generate("alice").unwrap(), SigningKey::generate("eve").unwrap(), pair());
    let file = offer(&key, &recipient).to_file(&key);
    let refused = |file: &[u8]| Message::read(file, pin(), now()).expect_err("it is refused");
    let touched = changed(&file, None, |signed| signed["request"]["offer"]["public_url"] = json!("https://eve.example.org/"));
    assert!(matches!(refused(&touched), OfferError::Signature));
    // Signed again by somebody else it is theirs only when it says so, and then what is sealed is not.
    let taken = changed(&file, Some(&eve), |_| ());
    assert!(matches!(refused(&taken), OfferError::Signature));
    let taken = changed(&file, Some(&eve), |signed| signed["volunteer"] = json!(eve.public().to_minisign()));
    let taken = Message::read(&taken, pin(), now()).unwrap();
    assert_ne!(taken.ticket(), offer(&key, &recipient).ticket());
    let other = Message::read(file.as_bytes(), Sha256::of(b"other"), now()).unwrap_err();
    assert!(matches!(other, OfferError::OtherProject { .. }));
    assert!(matches!(
        Message::read(file.as_bytes(), pin(), now() + SignedDuration::from_hours(24 * 181)),
        Err(OfferError::Over(_))
    ));
    assert!(matches!(Message::read(file.as_bytes(), pin(), now() - SignedDuration::from_hours(48)), Err(OfferError::Future(_))));
    assert!(matches!(refused(&vec![b' '; 70_000]), OfferError::TooLong));
}

#[test]
fn another_s_sealed_part_cannot_be_offered_as_one_s_own() {
    let (key, eve, (identity, recipient)) = (SigningKey::generate("a").unwrap(), SigningKey::generate("e").unwrap(), pair());
    let hers = offer(&key, &recipient);
    let Request::Offer(offered) = hers.request else { panic!("an offer") };
    let taken = Message::new(pin(), &eve, Request::Offer(offered), now());
    let read = Message::read(taken.to_file(&eve).as_bytes(), pin(), now()).unwrap();
    let refused = Sealed::open(read.request.offered().unwrap(), &read.volunteer, &[identity]).unwrap_err();
    assert_eq!(refused.to_string(), "its sealed part is wrong: another volunteer sealed it");
}

#[test]
fn what_does_not_belong_there_is_refused() {
    let (key, (_, recipient)) = (SigningKey::generate("alice").unwrap(), pair());
    let file = offer(&key, &recipient).to_file(&key);
    let refused = |field: &str, value: Value| {
        let bytes = changed(&file, Some(&key), |signed| signed["request"]["offer"][field] = value.clone());
        Message::read(&bytes, pin(), now()).expect_err(&format!("{field}: {value}")).to_string()
    };
    for address in ["javascript:alert(1)", "https://user@example.org/", "ftp://example.org/", "https://e.org/?q", ""] {
        refused("public_url", json!(address));
    }
    for name in ["../etc", "a b", "<script>", "", "A"] {
        refused("name", json!(name));
    }
    for country in ["fr", "XX", "France"] {
        refused("country", json!(country));
    }
    refused("kind", json!("folder"));
    refused("kind", json!("ftp"));
    refused("operator", json!("Alice\u{202e}"));
    refused("operator", json!("x".repeat(300)));
    refused("expires", json!("2029-01-01T00:00:00Z"));
    refused("limits", json!({"max_bytes": 0}));
    refused("limits", json!({"windows": [["25:00", "06:00", "UTC"]]}));
    refused("limits", json!({"windows": [["22:00", "06:00", "Nowhere/City"]]}));
    refused("sealed", json!([]));
    refused("sealed", json!(["-----BEGIN PGP MESSAGE-----"]));
    refused("password", json!("in clear"));
    let word = |request: Value| Message::read(&changed(&file, Some(&key), |signed| signed["request"] = request), pin(), now());
    assert!(word(json!({"pause": {"until": "2026-12-24T00:00:00Z"}})).is_ok());
    assert!(word(json!({"resume": {}})).is_ok());
    assert_eq!(word(json!({"withdraw": {"delete": true}})).unwrap().request, Request::Withdraw(Withdrawal { delete: true }));
    assert!(word(json!({"pause": {"until": "2036-12-24T00:00:00Z"}})).is_err());
    assert!(word(json!({"withdraw": {}})).is_err());
    assert!(word(json!({"accept": {}})).is_err());
}

#[test]
fn a_place_has_just_the_secrets_that_it_takes() {
    let (key, (identity, recipient)) = (SigningKey::generate("alice").unwrap(), pair());
    let opened = |sealed: &Sealed| {
        let offered = offered(sealed, &key, std::slice::from_ref(&recipient));
        Sealed::open(&offered, key.public(), std::slice::from_ref(&identity))
    };
    let secret = |name| BTreeMap::from([(name, Secret::new("hunter2hunter2".to_owned()))]);
    let sftp = OfferedPlace::Sftp {
        host: "sftp.example.org".to_owned(),
        port: 22,
        user: "mirror".to_owned(),
        path: "pub".to_owned(),
        host_keys: vec!["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".to_owned()],
    };
    assert!(opened(&webdav()).is_ok());
    assert!(opened(&Sealed { secrets: BTreeMap::new(), ..webdav() }).is_err());
    assert!(opened(&Sealed { secrets: secret(SecretName::AccessKey), ..webdav() }).is_err());
    assert!(opened(&Sealed { secrets: BTreeMap::new(), place: sftp.clone(), ..webdav() }).is_ok());
    assert!(opened(&Sealed { secrets: secret(SecretName::SecretKey), place: sftp, ..webdav() }).is_err());
    let two_lines = BTreeMap::from([(SecretName::Password, Secret::new("one\ntwo".to_owned()))]);
    assert!(opened(&Sealed { secrets: two_lines, ..webdav() }).is_err());
}

#[test]
fn an_offer_is_found_inside_a_mail() {
    assert_eq!(*without_mail(b"Hello,\nhere it is:\n{\"a\": {}}\n-- \nAlice"), *b"{\"a\": {}}");
    for whole in [&b"no braces"[..], b"}{", b"{", b""] {
        assert_eq!(*without_mail(whole), *whole);
    }
}

#[test]
fn an_offer_is_found_inside_an_answer_to_a_mail() {
    let file = b"{\n  \"a\": \">\",\r\n\n  \"b\": {}\n}";
    for (mark, empty) in [("> ", ">"), (">", ">"), ("> > ", ">>"), (">> ", "> >"), ("    ", "")] {
        let text = std::str::from_utf8(file).unwrap();
        let lines: Vec<String> =
            text.split('\n').map(|line| if line.is_empty() { empty.to_owned() } else { format!("{mark}{line}") }).collect();
        let answer = format!("Alice wrote:\n{}\n> -- \nThank you", lines.join("\n"));
        let found: serde_json::Value = serde_json::from_slice(&without_mail(answer.as_bytes())).expect(&answer);
        assert_eq!(found, serde_json::from_slice::<serde_json::Value>(file).unwrap());
    }
    // A brace in the words before it is no quoted line, and what then comes is no offer: nothing is guessed.
    assert_eq!(*without_mail(b"> see {1}\n> b}"), *b"{1}\n> b}");
}
