//! What is taken for a testimony, and what is not.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::testimony::SCHEMA;
use super::{Admission, Glance, LONGEST_TESTIMONY, Refusal, Testimony, admit, is_blind, to_read_again};
use crate::base::{HealthRules, ListedVantage, ObjectPath, Sha256};
use crate::health::{CertificateSight, Depth, Evidence, Family, Phase, Phases, Reach, Trouble, TroubleClass, Verdict};
use crate::trust::{SigningKey, Statement};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn project() -> Sha256 {
    Sha256::of(b"1.root.json")
}

fn glance(mirror: &str, verdict: Verdict) -> Glance {
    let trouble = Trouble { phase: Phase::Connect, class: TroubleClass::Refused, what: "192.0.2.1:443: refused".to_owned() };
    let failed = verdict == Verdict::Unreadable;
    Glance {
        mirror: mirror.parse().unwrap(),
        url: format!("https://{mirror}.example/"),
        verdict,
        level: None,
        release: Some("v1".parse().unwrap()),
        version: Some(3),
        reach: vec![Reach {
            family: Family::Ipv4,
            address: Some("192.0.2.1".parse().unwrap()),
            from: Some("198.51.100.4".parse().unwrap()),
            phases: Phases { first_byte_ms: Some(80), ..Phases::default() },
            trouble: failed.then_some(trouble),
        }],
        certificate: Some(CertificateSight {
            not_after: now() + SignedDuration::from_hours(1000),
            issuer: "Example CA".to_owned(),
            organisation: Some("Example Trust".to_owned()),
            protocol: Some("TLSv1.3".to_owned()),
            trouble: None,
        }),
        evidence: vec![Evidence { path: Some(ObjectPath::new("releases/v1/a").unwrap()), what: "short".to_owned() }],
    }
}

fn testimony() -> Testimony {
    Testimony {
        project: project(),
        vantage: "de".parse().unwrap(),
        sequence: 7,
        at: now() - SignedDuration::from_mins(10),
        expires: now() + SignedDuration::from_mins(20),
        depth: Depth::Metadata,
        online: Some(true),
        mirrors: vec![
            glance("paris", Verdict::Current),
            glance("lyon", Verdict::Unreadable),
            glance("oslo", Verdict::Behind { by: 2 }),
        ],
    }
}

/// A key, and the list that names it as `de`.
fn listed() -> (SigningKey, Vec<ListedVantage>) {
    let key = SigningKey::generate("de").unwrap();
    let line = key.public().to_minisign().parse().unwrap();
    (key, vec![ListedVantage { name: "de".parse().unwrap(), key: line }])
}

fn admitted(file: &[u8], listed: &[ListedVantage]) -> Result<Testimony, Refusal> {
    admit(file, &Admission { listed, project: project(), now: now() })
}

#[test]
fn a_testimony_comes_back_as_it_was_given() {
    let (key, listed) = listed();
    let given = testimony();
    assert_eq!(admitted(&given.to_file(&key), &listed).unwrap(), given);
}

#[test]
fn each_rule_refuses_by_itself() {
    type Change = fn(&mut Testimony);
    type Expected = fn(&Refusal) -> bool;
    let (key, listed) = listed();
    let cases: [(Change, Expected); 9] = [
        (|said| said.vantage = "br".parse().unwrap(), |why| matches!(why, Refusal::Unlisted { .. })),
        (|said| said.project = Sha256::of(b"other"), |why| matches!(why, Refusal::Project { .. })),
        (|said| said.expires = now(), |why| matches!(why, Refusal::Expired { .. })),
        (
            |said| {
                said.at = now() + SignedDuration::from_mins(6);
                said.expires = now() + SignedDuration::from_mins(9);
            },
            |why| matches!(why, Refusal::Future { .. }),
        ),
        (|said| said.expires = said.at + SignedDuration::from_hours(25), |why| matches!(why, Refusal::Validity { .. })),
        (|said| said.expires = said.at, |why| matches!(why, Refusal::Validity { .. })),
        (|said| said.mirrors.push(glance("paris", Verdict::Current)), |why| matches!(why, Refusal::Content(_))),
        (|said| said.sequence = u64::MAX, |why| matches!(why, Refusal::Content(_))),
        (
            |said| said.mirrors[0].evidence = vec![said.mirrors[0].evidence[0].clone(); 9],
            |why| matches!(why, Refusal::Content(_)),
        ),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut said = testimony();
        change(&mut said);
        let why = admitted(&said.to_file(&key), &listed).unwrap_err();
        assert!(expected(&why), "case {number}: {why:?}");
        assert!(crate::base::Hinted::hint(&why).is_some(), "case {number}");
    }
    // Another key under the listed name, and a changed word.
    let stranger = SigningKey::generate("de").unwrap();
    assert!(matches!(admitted(&testimony().to_file(&stranger), &listed), Err(Refusal::Signature { .. })));
    let changed = String::from_utf8(testimony().to_file(&key)).unwrap().replace("unreadable", "current");
    assert!(matches!(admitted(changed.as_bytes(), &listed), Err(Refusal::Signature { .. })));
    assert!(matches!(admitted(&vec![b' '; usize::try_from(LONGEST_TESTIMONY).unwrap() + 1], &listed), Err(Refusal::TooLong)));
    assert!(matches!(admitted(b"{}", &listed), Err(Refusal::Form(_))));
}

#[test]
fn what_is_signed_by_a_listed_key_is_still_a_stranger_s_text() {
    let (key, listed) = listed();
    let mut said = testimony();
    said.mirrors[0].evidence[0].what = "\u{1b}[2Jgone\n".to_owned();
    said.mirrors[0].certificate.as_mut().unwrap().issuer = "CA\u{202e}".repeat(200);
    said.mirrors[1].reach[0].trouble.as_mut().unwrap().what = "a\u{7}".to_owned();
    let taken = admitted(&said.to_file(&key), &listed).unwrap();
    assert_eq!(taken.mirrors[0].evidence[0].what, "\\u{1b}[2Jgone\\u{a}");
    assert!(taken.mirrors[0].certificate.as_ref().unwrap().issuer.chars().count() < 1400);
    assert_eq!(taken.mirrors[1].reach[0].trouble.as_ref().unwrap().what, "a\\u{7}");

    // Signed rightly, and no testimony all the same.
    let refuse = |change: fn(&mut Value)| {
        let mut signed = serde_json::to_value(testimony()).unwrap();
        change(&mut signed);
        let why = admitted(&Statement::write(SCHEMA, &signed, &key), &listed).unwrap_err();
        assert!(matches!(why, Refusal::Content(_)), "{why:?}");
    };
    refuse(|signed| signed["mirrors"] = json!("all"));
    refuse(|signed| signed["mirrors"][0]["verdict"] = json!("splendid"));
    refuse(|signed| signed["mirrors"][0]["mirror"] = json!("../paris"));
    refuse(|signed| signed["mirrors"][0]["evidence"][0]["path"] = json!("../../etc/passwd"));
    refuse(|signed| signed["at"] = json!("yesterday"));
    refuse(|signed| signed["vantage"] = json!(7));
    refuse(|signed| signed["mirrors"][0]["url"] = json!("x".repeat(4000)));
}

#[test]
fn a_vantage_that_saw_nothing_by_its_own_fault_is_told_from_one_that_saw_all_fail() {
    let rules = HealthRules::default();
    let seen = |online, failed: usize, all: usize| {
        let verdict = |number| if number < failed { Verdict::Unreadable } else { Verdict::Current };
        let mirrors = (0..all).map(|number| glance(&format!("m{number}"), verdict(number))).collect();
        is_blind(&Testimony { online, mirrors, ..testimony() }, &rules)
    };
    for (online, failed, all, blind) in [
        (None, 2, 2, false),
        (None, 3, 4, true),
        (None, 2, 4, false),
        (Some(true), 4, 4, false),
        (Some(false), 0, 4, true),
        (None, 0, 0, false),
    ] {
        assert_eq!(seen(online, failed, all), blind, "{online:?}: {failed} of {all}");
    }
}

#[test]
fn only_what_speaks_against_bytes_is_read_again() {
    for (verdict, again) in [
        (Verdict::Forged, 1),
        (Verdict::Mixed, 1),
        (Verdict::Incomplete, 1),
        (Verdict::Unreadable, 0),
        (Verdict::Current, 0),
        (Verdict::Behind { by: 1 }, 0),
    ] {
        assert_eq!(to_read_again(&glance("paris", verdict)).len(), again, "{verdict}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// However it is changed: refused, or word for word what was signed; never a panic.
    #[test]
    fn a_changed_file_says_nothing_else(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let (key, listed) = listed();
        let mut file = testimony().to_file(&key);
        for (place, byte, how) in changes {
            let place = place.index(file.len().max(1));
            match how {
                0 if !file.is_empty() => file[place] = byte,
                1 => file.insert(place.min(file.len()), byte),
                2 if !file.is_empty() => drop(file.remove(place)),
                _ => file.truncate(place),
            }
        }
        if let Ok(taken) = admitted(&file, &listed) {
            prop_assert_eq!(taken, testimony());
        }
    }

    /// Rightly signed nonsense: an answer, never a panic.
    #[test]
    fn a_listed_vantage_may_say_anything(
        field in prop::sample::select(vec!["project", "vantage", "sequence", "at", "expires", "depth", "online", "mirrors"]),
        value in prop_oneof![
            any::<i64>().prop_map(|number| json!(number)),
            "\\PC{0,40}".prop_map(|text| json!(text)),
            any::<bool>().prop_map(|truth| json!([truth, null, {}])),
        ],
    ) {
        let (key, listed) = listed();
        let mut signed = serde_json::to_value(testimony()).unwrap();
        signed[field] = value;
        let told = admitted(&Statement::write(SCHEMA, &signed, &key), &listed);
        prop_assert!(told.is_err() || field == "online" || field == "sequence", "{:?}", told);
    }
}
