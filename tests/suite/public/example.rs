//! A fleet as a project of some size would have it: most mirrors well, a few in every kind of trouble.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spartacus::base::{ByteCount, HealthRules, Level, Lifecycle, ObjectPath, Sha256, TargetName};
use spartacus::health::resilience::{PartyKind, Standpoint, assess};
use spartacus::health::{
    CertificateSight, Condition, Counters, Evidence, Family, MirrorCheck, Observation, Phases, Probes, Reach, Reason, ReasonCode,
    Standing, Suspects, Verdict,
};
use spartacus::history::{Day, Event, EventKind, LastProbes, Uptime};
use spartacus::report::{Board, BoardBundle, BoardFile, Fleet, FleetMirror, Observer, Past};

/// Text of a stranger that tries to become markup, a terminal command, and a right-to-left disguise.
pub const HOSTILE: &str = "<script>alert(1)</script>\" onload=\"x\u{1b}[2J\u{202e}evil&amp;\u{0}";

/// When the example is looked at.
pub fn now() -> Timestamp {
    "2026-03-01T11:42:00Z".parse().expect("a moment")
}

/// Fourteen mirrors around the world.
pub fn fleet() -> Board {
    let people = [
        ("alpine-hut", "AT", Condition::Healthy),
        ("berlin-1", "DE", Condition::Healthy),
        ("cloud-bucket", "FI", Condition::Healthy),
        ("danube", "HU", Condition::Unreachable),
        ("evora", "PT", Condition::Healthy),
        ("fortaleza", "BR", Condition::Degraded),
        ("genova", "IT", Condition::Healthy),
        ("harbour", "NL", Condition::Stale),
        ("ithaca", "US", Condition::Healthy),
        ("jaipur", "IN", Condition::Healthy),
        ("kyoto-lab", "JP", Condition::Healthy),
        ("lima", "PE", Condition::Quarantined),
        ("maputo", "MZ", Condition::Healthy),
        ("northern-lights-university", "NO", Condition::Full),
    ];
    of(people.iter().enumerate().map(|(index, (name, country, condition))| mirror(index, name, country, *condition)))
}

/// So many mirrors, one in twenty in trouble.
pub fn many(count: usize) -> Board {
    of((0..count).map(|index| {
        let condition = if index % 20 == 7 { Condition::ALL[index / 20 % 8] } else { Condition::Healthy };
        mirror(index, &format!("mirror-{index:04}"), ["DE", "BR", "JP", "US"][index % 4], condition)
    }))
}

/// The example with words of strangers wherever they can get in.
pub fn hostile() -> Board {
    let mut board = fleet();
    HOSTILE.clone_into(&mut board.fleet.project);
    for (mirror, past) in board.fleet.mirrors.iter_mut().zip(&mut board.pasts) {
        mirror.country = Some(HOSTILE.to_owned());
        for reason in &mut mirror.standing.reasons {
            HOSTILE.clone_into(&mut reason.message);
        }
        for event in &mut past.events {
            event.what = EventKind::ObserverFault { what: HOSTILE.to_owned() };
        }
        if let Some(seen) = &mut mirror.seen {
            seen.look.evidence = vec![Evidence { path: None, what: HOSTILE.to_owned() }];
        }
    }
    board
}

fn of(mirrors: impl Iterator<Item = (FleetMirror, Past)>) -> Board {
    let (mirrors, pasts): (Vec<_>, Vec<_>) = mirrors.unzip();
    let good: Vec<usize> = (0..mirrors.len()).filter(|&index| mirrors[index].serves(Level::Current)).collect();
    let standpoints: Vec<Standpoint> = good.iter().take(60).map(|&index| standpoint(&mirrors[index])).collect();
    let file = |name: &str, length: u64| BoardFile {
        path: format!("releases/4.2.0/{name}"),
        length,
        sha256: Sha256::of(name.as_bytes()),
        chunks: (0..length.div_ceil(4 << 20))
            .skip_while(|_| length <= 4 << 20)
            .map(|part| Sha256::of(&part.to_be_bytes()))
            .collect(),
    };
    Board {
        fleet: Fleet {
            project: "Field Atlas".to_owned(),
            at: now(),
            release: Some("4.2.0".parse().expect("a name")),
            wanted: mirrors.len() * 3 / 5,
            observer: Observer {
                saw: true,
                fault: None,
                online: None,
                round_at: Some(now() - SignedDuration::from_mins(3)),
                round_ms: Some(8_400),
                every: Duration::from_mins(5),
                patience: 3,
            },
            vantages: Vec::new(),
            mirrors,
        },
        pasts,
        events: Vec::new(),
        rules: HealthRules::default(),
        resilience: assess(&standpoints),
        identity: Sha256::of(b"1.root.json"),
        bundles: vec![BoardBundle {
            name: "4.2.0".parse().expect("a name"),
            created: now() - SignedDuration::from_hours(12 * 24),
            files: vec![file("atlas.iso", 9 << 20), file("read me & more.txt", 1_200)],
            verified_on: good,
        }],
        chunk_bytes: 4 << 20,
        alone: false,
        invites: false,
    }
}

fn standpoint(mirror: &FleetMirror) -> Standpoint {
    let name = mirror.name.as_str();
    Standpoint::new(mirror.name.clone())
        .with(PartyKind::Operator, Some(name.to_owned()))
        .with(PartyKind::Network, Some(["AS64496", "AS64497", "AS64498", "AS64499"][name.len() % 4].to_owned()))
        .with(PartyKind::Country, mirror.country.clone())
        .with(PartyKind::Domain, Some(format!("{name}.example")))
}

fn mirror(index: usize, name: &str, country: &str, condition: Condition) -> (FleetMirror, Past) {
    let target = TargetName::new(name).expect("a name");
    let mut random = fastrand::Rng::with_seed(index as u64);
    let since = now()
        - SignedDuration::from_mins(match condition {
            Condition::Healthy => 17_280 + 60 * i64::try_from(index).expect("small"),
            Condition::Quarantined => 21,
            _ => 194,
        });
    let reasons: Vec<Reason> = reason(condition)
        .into_iter()
        .map(|(code, message)| Reason { code, message: message.to_owned(), first_seen: since })
        .collect();
    let answers = !matches!(condition, Condition::Unreachable | Condition::Unknown);
    let answered_at = if answers { now() - SignedDuration::from_mins(3) } else { since };
    let mirror = FleetMirror {
        name: target.clone(),
        protocol: "sftp".to_owned(),
        public_url: Some(format!("https://{name}.example/atlas/").parse().expect("an address")),
        country: Some(country.to_owned()),
        lifecycle: if name == "maputo" { Lifecycle::Paused } else { Lifecycle::Active },
        standing: Standing {
            condition,
            since,
            reasons: reasons.clone(),
            seen_at: Some(now() - SignedDuration::from_mins(3)),
            answered_at: Some(answered_at),
            verified_at: Some(now() - SignedDuration::from_hours(30)),
            counters: Counters::default(),
        },
        seen: Some(observation(&target, condition, answers, 40 + random.u64(0..260), index)),
        probes: LastProbes::default(),
        behind: Some(u64::from(condition == Condition::Stale)),
        lag: (condition == Condition::Stale).then(|| Duration::from_mins(192)),
        elsewhere: Vec::new(),
        uptime: uptime(condition),
    };
    let changed = EventKind::Changed { from: Condition::Healthy, to: condition, reasons };
    let id = 1000 + index as u64;
    let events = match condition {
        Condition::Healthy => {
            vec![Event { id, at: now() - SignedDuration::from_hours(30), target: Some(target), what: EventKind::Verified }]
        }
        _ => vec![Event { id, at: since, target: Some(target), what: changed }],
    };
    let past = Past { days: days(condition, index, &mut random), first_bytes: hours(answers, &mut random), events };
    (mirror, past)
}

fn reason(condition: Condition) -> Option<(ReasonCode, &'static str)> {
    Some(match condition {
        Condition::Quarantined => {
            (ReasonCode::Altered, "releases/4.2.0/atlas.iso: altered: sha256 of bytes 4194304 to 8388607 is not what was signed")
        }
        Condition::Unreachable => (ReasonCode::NoAnswer, "no answer in 39 looks: connect to 203.0.113.9:443: timed out"),
        Condition::Incomplete => (ReasonCode::Missing, "2 files are missing, the first is releases/4.2.0/atlas.iso"),
        Condition::Stale => (ReasonCode::Behind, "shows 4.1.9 for 3 h 12 min after we brought it 4.2.0"),
        Condition::Full => (ReasonCode::NoSpace, "put releases/4.3.0/atlas.iso: secret-host.internal: no space left"),
        Condition::Degraded => (ReasonCode::Reverifying, "it came back and is verified before it counts"),
        Condition::Unknown | Condition::Healthy => return None,
    })
}

fn observation(target: &TargetName, condition: Condition, answers: bool, first_byte: u64, index: usize) -> Observation {
    let good = condition.is_good() || condition == Condition::Healthy;
    let evidence = reason(condition).filter(|_| !good).map(|(_, what)| Evidence {
        path: (condition == Condition::Quarantined).then(|| ObjectPath::new("releases/4.2.0/atlas.iso").expect("a path")),
        what: what.strip_prefix("releases/4.2.0/atlas.iso: ").unwrap_or(what).to_owned(),
    });
    Observation {
        at: now() - SignedDuration::from_mins(3),
        look: MirrorCheck {
            target: target.clone(),
            via: "https".to_owned(),
            verdict: match condition {
                Condition::Quarantined => Verdict::Forged,
                Condition::Stale => Verdict::Behind { by: 1 },
                Condition::Incomplete => Verdict::Incomplete,
                Condition::Unreachable | Condition::Unknown => Verdict::Unreadable,
                _ => Verdict::Current,
            },
            level: good.then_some(if index.is_multiple_of(2) { Level::Verified } else { Level::Complete }),
            release: answers.then(|| if condition == Condition::Stale { "4.1.9" } else { "4.2.0" }.parse().expect("a name")),
            version: Some(31),
            expires: None,
            seen: None,
            files_checked: 2,
            bytes_hashed: ByteCount(0),
            evidence: evidence.into_iter().collect(),
            suspects: Suspects::default(),
            duration_ms: 900,
        },
        probes: Probes {
            reach: vec![Reach {
                family: Family::Ipv4,
                address: Some("203.0.113.9".parse().expect("an address")),
                from: Some("198.51.100.4".parse().expect("an address")),
                phases: Phases { first_byte_ms: answers.then_some(first_byte), ..Phases::default() },
                trouble: None,
            }],
            files: None,
            certificate: answers.then(|| CertificateSight {
                not_after: now() + SignedDuration::from_hours(24 * (9 + i64::try_from(index).expect("small") * 5 % 80)),
                issuer: "Example CA".to_owned(),
                organisation: Some("Example Trust".into()),
                protocol: None,
                trouble: None,
            }),
            ..Probes::default()
        },
    }
}

fn uptime(condition: Condition) -> [Uptime; 4] {
    let ratio = if condition == Condition::Healthy { 0.9998 } else { 0.971 };
    [1, 7, 30, 90].map(|days| Uptime { window: Duration::from_secs(days * 86_400), ratio: Some(ratio), coverage: 0.996 })
}

fn days(condition: Condition, index: usize, random: &mut fastrand::Rng) -> Vec<Day> {
    let today = now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (joined, trouble) = (index * 7 % 60, if condition == Condition::Healthy { 0.02 } else { 0.1 });
    (0..90_u16)
        .rev()
        .map(|back| {
            let date = today.saturating_sub(jiff::Span::new().days(i64::from(back)));
            let known = usize::from(back) < 90 - joined / 2 && random.f64() > 0.01;
            let down = match (known, back, random.f64()) {
                (true, 0, _) if condition != Condition::Healthy => 40,
                (true, _, dice) if dice < trouble / 3.0 => 200,
                (true, _, dice) if dice < trouble => 30,
                _ => 0,
            };
            Day { date, up: if known { 288 - down } else { 0 }, down, worst: known.then_some(Condition::Healthy) }
        })
        .collect()
}

fn hours(answers: bool, random: &mut fastrand::Rng) -> Vec<(Timestamp, Option<u32>)> {
    let base = random.u32(40..300);
    (0..24)
        .map(|hour| {
            let value = base + random.u32(0..base / 3);
            let known = answers || hour < 20;
            (now() - SignedDuration::from_hours(23 - hour), known.then_some(value))
        })
        .collect()
}
