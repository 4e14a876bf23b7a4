//! What messages say, and to whom they do not say it.

use super::super::compose::{KeyNews, Place, Renewal, Whereabouts, compose, remind, tell_of_key, trial};
use super::super::letter::{Letter, Urgency};
use super::super::remind::Ending;
use super::*;
use crate::base::{Audience, ByteCount, Lifecycle, ObjectPath, RouteName};
use crate::health::{Condition, Evidence, MirrorCheck, Observation, Probes, Reason, ReasonCode, Standing, Suspects, Verdict};
use crate::history::{LastProbes, Uptime};
use crate::report::{Fleet, FleetMirror, Observer};

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn of(name: &str, condition: Condition) -> FleetMirror {
    let (at, url) = (moment("2026-03-01T10:00:00Z"), format!("https://{name}.example/mirror/"));
    let evidence = Evidence { path: Some(ObjectPath::new("releases/v1/README").unwrap()), what: "altered: 8 bytes".to_owned() };
    let reason = Reason { code: ReasonCode::Altered, message: evidence.to_string(), first_seen: at };
    let look = MirrorCheck {
        target: mirror(name),
        via: url.clone(),
        verdict: Verdict::Forged,
        level: None,
        release: None,
        version: Some(7),
        expires: None,
        seen: None,
        files_checked: 12,
        bytes_hashed: ByteCount(4096),
        evidence: vec![evidence],
        suspects: Suspects::default(),
        duration_ms: 88,
    };
    let nothing = Uptime { window: Duration::from_hours(24), ratio: None, coverage: 0.0 };
    let reasons = if condition == Condition::Healthy { Vec::new() } else { vec![reason] };
    FleetMirror {
        name: mirror(name),
        protocol: "sftp".to_owned(),
        public_url: Some(url.parse().unwrap()),
        country: None,
        lifecycle: Lifecycle::Active,
        standing: Standing { condition, reasons, seen_at: Some(at), ..Standing::unknown(at) },
        seen: Some(Observation { at, look, probes: Probes::default() }),
        probes: LastProbes::default(),
        behind: None,
        lag: None,
        elsewhere: Vec::new(),
        uptime: [nothing; 4],
    }
}

fn fleet() -> Fleet {
    let at = moment("2026-03-01T10:00:05Z");
    Fleet {
        project: "demo\u{1b}[31m".to_owned(),
        at,
        release: Some("v1".parse().unwrap()),
        wanted: 2,
        observer: Observer {
            saw: true,
            fault: None,
            online: None,
            round_at: Some(at),
            round_ms: Some(100),
            every: ROUND,
            patience: 3,
        },
        vantages: Vec::new(),
        mirrors: vec![of("paris", Condition::Quarantined), of("lyon", Condition::Healthy)],
    }
}

fn letter(audience: Audience) -> Letter {
    let whereabouts = Whereabouts { seen_from: vec!["198.51.100.4".parse().unwrap()], ..Whereabouts::default() };
    letter_of(&fleet(), audience, &whereabouts)
}

fn letter_of(fleet: &Fleet, audience: Audience, whereabouts: &Whereabouts) -> Letter {
    let sight = Sight::of(fleet, Some(false));
    let news = decide(&AlertRules::of(audience), &[], &sight).news;
    assert_eq!(news.len(), 1);
    compose(fleet, &RouteName::new("oncall").unwrap(), audience, whereabouts, &news[0])
}

#[test]
fn the_maintainer_hears_of_all_mirrors_with_evidence_and_advice() {
    let letter = letter(Audience::Maintainer);
    assert_eq!(letter.title, "[demo\\u{1b}[31m] paris is quarantined, too few good copies");
    assert_eq!(letter.urgency, Urgency::Critical);
    for part in [
        "paris is quarantined, since 2026-03-01 10:00Z.\n  releases/v1/README: altered: 8 bytes\n  What to do: Something changes files",
        "More: spartacus status --explain paris\n",
        "too few good copies, since 2026-03-01 10:00Z.\n  1 of 2 mirrors are good, 2 wanted\n",
        "1 of 2 mirrors are good, 2 wanted. Published: v1.\n",
    ] {
        assert!(letter.text.contains(part), "{part:?} is not in\n{}", letter.text);
    }
}

#[test]
fn the_volunteer_hears_of_that_mirror_alone_and_how_to_see_it() {
    let letter = letter(Audience::Volunteer);
    for part in [
        "this is about your mirror paris at https://paris.example/mirror/. It carries files of demo",
        "It has counted as quarantined since 2026-03-01 10:00Z.\n",
        "What we saw\n  releases/v1/README: altered: 8 bytes\n  at 2026-03-01 10:00Z, read from https://paris.example/mirror/: FORGED OR ALTERED\n",
        "\n  we come from 198.51.100.4; requests name themselves spartacus/",
        "  curl -s 'https://paris.example/mirror/releases/v1/README' | sha256sum\n",
        "  curl -s -o 1.root.json 'https://paris.example/mirror/metadata/1.root.json'\n",
        "  spartacus verify 'https://paris.example/mirror/' --root 1.root.json --full\n",
        "What helps\n  Something changes files on the way to readers.",
        "`state: paused`",
    ] {
        assert!(letter.text.contains(part), "{part:?} is not in\n{}", letter.text);
    }
    let all = serde_json::to_string(&letter).unwrap();
    assert!(!all.contains("lyon") && !all.contains("wanted"), "{all}");
}

#[test]
fn a_volunteer_without_a_public_address_hears_of_their_own_side_and_of_nothing_of_ours() {
    let mut fleet = fleet();
    fleet.mirrors[0].public_url = None;
    let seen = fleet.mirrors[0].seen.as_mut().unwrap();
    "/srv/ours/paris".clone_into(&mut seen.look.via);
    seen.look.evidence = vec![Evidence { path: None, what: "cannot read the key file /home/ours/key: denied".to_owned() }];
    fleet.mirrors[0].standing.reasons[0].message = "the account: no file ./secrets/ours".to_owned();
    let url = |text: &str| text.parse().unwrap();
    let places = [
        (Place::Folder, "your mirror paris, in a folder that our machine has mounted. It", "  ls -l 'metadata/timestamp.json'\n"),
        (
            Place::Sftp { host: "paris.example".to_owned(), port: 2200, user: "up".to_owned(), path: "pub/x".to_owned() },
            "your mirror paris, on paris.example, port 2200, by SFTP, in the folder pub/x of the account up. It",
            "  echo 'ls -l \"pub/x/metadata/timestamp.json\"' | sftp -P 2200 'up@paris.example'\n",
        ),
        (
            Place::Webdav { url: url("https://paris.example/dav/x"), user: Some("up".to_owned()) },
            "your mirror paris, at https://paris.example/dav/x, by WebDAV. It",
            "  curl -v -u 'up' -o /dev/null 'https://paris.example/dav/x/metadata/timestamp.json'\n",
        ),
        (
            Place::S3 { url: url("https://s3.example/bucket/x"), region: "eu-1".to_owned() },
            "your mirror paris, in the bucket at https://s3.example/bucket/x. It",
            "-u \"$AWS_ACCESS_KEY_ID\" -o /dev/null 'https://s3.example/bucket/x/metadata/timestamp.json'\n",
        ),
    ];
    for (place, words, command) in places {
        let whereabouts = Whereabouts { place: Some(place), ..Whereabouts::default() };
        let letter = letter_of(&fleet, Audience::Volunteer, &whereabouts);
        for part in [words, command, "\n  the account: no file [ours]\n", "    cannot read the key file [ours] denied\n"] {
            assert!(letter.text.contains(part), "{part:?} is not in\n{}", letter.text);
        }
        let all = serde_json::to_string(&letter).unwrap();
        assert!(!all.contains("/ours") && !all.contains("store"), "{all}");
    }
}

#[test]
fn bytes_that_a_sample_found_wrong_are_asked_for_by_their_range() {
    let mut fleet = fleet();
    let seen = fleet.mirrors[0].seen.as_mut().unwrap();
    seen.look.evidence[0].what = "altered: bytes 4194304 to 8388607 have sha256 aa, signed is bb".to_owned();
    let letter = letter_of(&fleet, Audience::Volunteer, &Whereabouts::default());
    let command = "  curl -s -r 4194304-8388607 'https://paris.example/mirror/releases/v1/README' | sha256sum\n";
    assert!(letter.text.contains(command), "{}", letter.text);
}

#[test]
fn no_message_can_act_on_a_terminal_or_end_a_header() {
    for audience in [Audience::Maintainer, Audience::Volunteer] {
        let letter = letter(audience);
        assert!(!letter.title.chars().any(char::is_control) && letter.title.chars().count() <= 150);
        assert!(!letter.text.chars().any(|character| character.is_control() && character != '\n'), "{}", letter.text);
    }
}

#[test]
fn ids_are_the_same_for_the_same_incident_and_differ_otherwise() {
    let (one, same) = (letter(Audience::Maintainer), letter(Audience::Maintainer));
    assert_eq!((&one.id, &one.thread), (&same.id, &same.thread));
    let other = letter(Audience::Volunteer);
    assert!(one.id.starts_with(&one.thread) && other.items[0].fingerprint == one.items[0].fingerprint);
    let route = RouteName::new("oncall").unwrap();
    assert_ne!(trial(&fleet(), &route, Audience::Maintainer).thread, one.thread);
}

#[test]
fn a_round_in_which_we_saw_nothing_counts_no_copies() {
    let mut fleet = fleet();
    fleet.observer.saw = false;
    let sight = Sight::of(&fleet, None);
    assert!(!sight.assessed.contains_key(&AlertCondition::Replication) && !sight.assessed.contains_key(&AlertCondition::Round));
    assert!(sight.troubles.iter().any(|trouble| trouble.condition == AlertCondition::Observer));
}

#[test]
fn reminders_tell_each_side_what_ends_and_what_helps_and_nothing_of_the_others() {
    let fleet = fleet();
    let ending = |name: &str, days| Ending {
        mirror: mirror(name),
        ticket: "t-abcd-efgh-ijkl-mnop".to_owned(),
        expires: moment("2026-03-08T10:00:00Z"),
        days,
        waits: name == "lyon",
        heard: name == "lyon",
    };
    let endings = [ending("paris", 7), ending("lyon", 7)];
    let send_to = ["mailto:mirrors@example.org".to_owned(), "https://example.org/\u{1b}[31m".to_owned()];
    let pin = crate::base::Sha256::of(b"root");
    let renewal = Renewal { send_to: &send_to, pin, carried: true, front: true };
    let place = Place::Sftp { host: "paris.example".to_owned(), port: 22, user: "mirror".to_owned(), path: String::new() };
    let theirs = Whereabouts { place: Some(place), ..Whereabouts::default() };
    let route = RouteName::new("mail").unwrap();
    let volunteer = remind(&fleet, &route, Audience::Volunteer, &theirs, &endings[..1], &renewal);
    assert_eq!(volunteer.title, "[demo\\u{1b}[31m] your offer of paris ends in 7 days");
    for part in [
        "this is about your mirror paris at https://paris.example/mirror/. It carries files of demo\\u{1b}",
        "Your offer t-abcd-efgh-ijkl-mnop ends 2026-03-08 10:00Z, in 7 days.\n",
        "send the file update.json to mailto:mirrors@example.org or https://example.org/\\u{1b}",
        "`expiry-time=\"...\"`. This tells how a later one is set:\n  spartacus offer setup --until 2027-03-08\n",
        &format!("  spartacus invite --show invite.json --pin {pin}\n"),
        "You find it in the folder fleet/ of your own mirror (the highest N of N.invite.json), as invite.json on the project's web front, from ",
    ] {
        assert!(volunteer.text.contains(part), "{part:?} is not in\n{}", volunteer.text);
    }
    assert!(!volunteer.text.contains("lyon") && !volunteer.text.contains('\u{1b}'), "{}", volunteer.text);
    let place = Place::S3 { url: "https://s3.example/b/".parse().unwrap(), region: "r".to_owned() };
    let bucket = Whereabouts { place: Some(place), ..Whereabouts::default() };
    let bucket = remind(&fleet, &route, Audience::Volunteer, &bucket, &endings[..1], &renewal);
    assert!(
        bucket.text.contains("`aws:CurrentTime`") && bucket.text.contains("offer setup --until 2027-03-08"),
        "{}",
        bucket.text
    );
    let alone = Renewal { send_to: &[], pin, carried: false, front: false };
    let elsewhere = remind(&fleet, &route, Audience::Volunteer, &Whereabouts::default(), &endings[..1], &alone);
    assert!(
        !elsewhere.text.contains("expiry-time")
            && elsewhere.text.contains("to the maintainers.")
            && elsewhere.text.contains("You find it from the maintainers."),
        "{}",
        elsewhere.text
    );

    let team = remind(&fleet, &route, Audience::Maintainer, &Whereabouts::default(), &endings, &renewal);
    assert_eq!(team.title, "[demo\\u{1b}[31m] what is agreed ends soon: paris, lyon");
    for part in [
        "paris: what is agreed with its volunteer (t-abcd-efgh-ijkl-mnop) ends 2026-03-08 10:00Z, in 7 days.\n  Nobody reminds its volunteer",
        "  An update of it waits for your decision: spartacus offers show t-abcd-efgh-ijkl-mnop\n",
        "1 of 2 mirrors are good, 2 wanted.",
    ] {
        assert!(team.text.contains(part), "{part:?} is not in\n{}", team.text);
    }
    assert_eq!(team.items.len(), 2);
    assert!(team.items.iter().all(|item| item.condition == AlertCondition::Expiring && item.until.is_none()));
    // Another end is another message.
    let renewed = Ending { expires: moment("2026-09-08T10:00:00Z"), ..ending("paris", 7) };
    let later = remind(&fleet, &route, Audience::Maintainer, &Whereabouts::default(), &[renewed], &renewal);
    assert_ne!(later.thread, team.thread);
}

#[test]
fn a_new_deploy_key_is_not_to_be_believed_without_the_invite() {
    let (fleet, route) = (fleet(), RouteName::new("mail").unwrap());
    let pin = crate::base::Sha256::of(b"root");
    let line = "ssh-ed25519 AAAA spartacus deploy demo\u{1b}";
    let told = tell_of_key(&fleet, &route, &Whereabouts::default(), &mirror("paris"), KeyNews::Next { line, pin });
    assert_eq!(told.title, "[demo\\u{1b}[31m] a new key for your mirror paris");
    for part in
        ["\n  ssh-ed25519 AAAA spartacus deploy demo\\u{1b}\n", &format!("spartacus invite --show invite.json --pin {pin}")]
    {
        assert!(told.text.contains(part), "{part:?} is not in\n{}", told.text);
    }
    let over = tell_of_key(&fleet, &route, &Whereabouts::default(), &mirror("paris"), KeyNews::Changed { line });
    assert!(over.text.contains("Please remove every other one.") && over.thread != told.thread, "{}", over.text);
}
