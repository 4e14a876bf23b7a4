//! One defect at a time, and what a check makes of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _};
use spartacus::base::{Clock, Holds, Level, ObjectPath, Quorum, Replicas, Timeouts};
use spartacus::bundle::Object;
use spartacus::health::{
    Companions, Depth, Expectation, Mirror, MirrorCheck, ProbeOrders, Round, RoundOrders, StoreSource, Unreachable, Verdict,
    check, round,
};
use spartacus::reader::Source;
use spartacus::store::{ErrorKind, Fault, FaultPlan, Faulty, Operation, Store, StoreError};
use spartacus::trust::{FileRecord, Known};
use tokio_util::sync::CancellationToken;

use super::actor::{Actor, Cue};
use super::world::{Objects, now, path, published, release, world};

/// No mirror is looked at for longer.
const LIMIT: Duration = Duration::from_hours(1);

pub(super) fn expected(now: Timestamp) -> Expectation {
    let ours = release(2);
    let snapshot = ours.metadata.iter().find(|role| role.path.as_str().ends_with("snapshot.json")).map(|role| role.sha256);
    Expectation { pin: world().pin.clone(), version: 2, snapshot, companions: Arc::default(), now }
}

pub(super) fn mirror_on(store: impl Store + 'static) -> Mirror {
    let target = store.target().clone();
    Mirror {
        target,
        source: Arc::new(StoreSource(Arc::new(store))),
        holds: Holds::All,
        known: None,
        probes: ProbeOrders::default(),
        reach: None,
        again: Vec::new(),
    }
}

fn mirror(objects: &Objects) -> Mirror {
    mirror_on(Actor::new("mirror", objects, []))
}

pub(super) fn changed(version: usize, change: impl FnOnce(&mut Objects)) -> Mirror {
    let mut objects = published(&release(version));
    change(&mut objects);
    mirror(&objects)
}

pub(super) fn lose(objects: &mut Objects, name: &str) {
    objects.remove(&path(name)).expect("it was there");
}

pub(super) fn flip(objects: &mut Objects, name: &str) {
    let bytes = objects.get_mut(&path(name)).expect("it is there");
    let mut turned = bytes.to_vec();
    turned[2] ^= 1;
    *bytes = turned.into();
}

fn at(found: &MirrorCheck) -> Vec<&str> {
    found.evidence.iter().map(|evidence| evidence.path.as_ref().map_or("-", ObjectPath::as_str)).collect()
}

pub(super) async fn whole_round(mirrors: Vec<Mirror>, depth: Depth, expected: Expectation) -> Round {
    round(RoundOrders {
        mirrors,
        expected,
        release: None,
        depth,
        replicas: Replicas::All,
        paused: 0,
        concurrency: 4,
        timeouts: Timeouts { target: Some(LIMIT), ..Timeouts::default() },
        clock: Clock::Fixed(now()),
        control: None,
        cancel: CancellationToken::new(),
    })
    .await
}

#[tokio::test]
async fn every_defect_has_its_verdict_and_its_evidence() {
    let lost = |name: &'static str| changed(2, move |objects| lose(objects, name));
    let failing = |operation| {
        let plan = FaultPlan::random(1, 0.0, [Fault::Flip(0)]).then(operation, 1, Fault::Before(ErrorKind::Timeout));
        mirror_on(Faulty::new(Actor::new("mirror", &published(&release(2)), []), plan))
    };
    let unreachable = StoreError::new(ErrorKind::Unreachable, Operation::Connect, &"mirror".parse().expect("a name"));
    let dead: Arc<dyn Source> = Arc::new(Unreachable::new("mirror", &unreachable));
    let rolled = Known { timestamp: 3, ..Known::default() };
    let mixed = changed(2, |objects| {
        let other = published(&world().fork)[&path("metadata/2.snapshot.json")].clone();
        objects.insert(path("metadata/2.snapshot.json"), other);
    });
    let cases: Vec<(&str, Mirror, Depth, Verdict, Vec<&str>)> = vec![
        ("whole", changed(2, |_| {}), Depth::Full, Verdict::Current, vec![]),
        (
            "signatures of which nobody knows",
            changed(2, |objects| lose(objects, "releases/v2/SHA256SUMS.alice.minisig")),
            Depth::Full,
            Verdict::Current,
            vec![],
        ),
        (
            "an altered file",
            changed(2, |objects| flip(objects, "releases/v1/README")),
            Depth::Full,
            Verdict::Forged,
            vec!["releases/v1/README"],
        ),
        (
            "an altered file, unread",
            changed(2, |objects| flip(objects, "releases/v1/README")),
            Depth::Files,
            Verdict::Current,
            vec![],
        ),
        (
            "a forged list",
            changed(2, |objects| flip(objects, "metadata/2.targets.json")),
            Depth::Metadata,
            Verdict::Forged,
            vec!["metadata/2.targets.json"],
        ),
        (
            "a forged role",
            changed(2, |objects| flip(objects, "metadata/1.v1.json")),
            Depth::Files,
            Verdict::Forged,
            vec!["metadata/1.v1.json"],
        ),
        (
            "a longer file",
            changed(2, |objects| drop(objects.insert(path("releases/v1/README"), Bytes::from(vec![1; 9999])))),
            Depth::Full,
            Verdict::Forged,
            vec!["releases/v1/README"],
        ),
        (
            "metadata without end",
            changed(2, |objects| drop(objects.insert(path("metadata/2.snapshot.json"), Bytes::from(vec![b' '; 600_000])))),
            Depth::Metadata,
            Verdict::Forged,
            vec!["metadata/2.snapshot.json"],
        ),
        ("mixed", mixed, Depth::Metadata, Verdict::Mixed, vec!["metadata/2.snapshot.json"]),
        (
            "rolled back",
            Mirror { known: Some(rolled), ..changed(2, |_| {}) },
            Depth::Metadata,
            Verdict::RolledBack,
            vec!["metadata/timestamp.json"],
        ),
        ("no pointer", lost("metadata/timestamp.json"), Depth::Metadata, Verdict::Incomplete, vec!["-"]),
        ("no snapshot", lost("metadata/2.snapshot.json"), Depth::Metadata, Verdict::Incomplete, vec!["metadata/2.snapshot.json"]),
        ("a missing file", lost("releases/v1/README"), Depth::Files, Verdict::Incomplete, vec!["releases/v1/README"]),
        ("a missing file, read", lost("releases/v1/README"), Depth::Full, Verdict::Incomplete, vec!["releases/v1/README"]),
        ("behind", changed(1, |_| {}), Depth::Full, Verdict::Behind { by: 1 }, vec!["metadata/timestamp.json"]),
        (
            "behind and incomplete",
            changed(1, |objects| lose(objects, "releases/v1/README")),
            Depth::Files,
            Verdict::Incomplete,
            vec!["releases/v1/README", "metadata/timestamp.json"],
        ),
        (
            "dead",
            Mirror { source: dead, ..changed(2, |_| {}) },
            Depth::Metadata,
            Verdict::Unreadable,
            vec!["metadata/2.root.json"],
        ),
        ("an unreadable file", failing(Operation::Stat), Depth::Files, Verdict::Unreadable, vec![]),
    ];
    for (case, mirror, depth, verdict, evidence) in cases {
        let found = check(&mirror, &expected(now()), depth).await;
        assert_eq!(found.verdict, verdict, "{case}: {found:?}");
        if case != "an unreadable file" {
            assert_eq!(at(&found), evidence, "{case}");
        }
        let level = match depth {
            Depth::Metadata => Level::Current,
            Depth::Files => Level::Complete,
            Depth::Full => Level::Verified,
        };
        assert_eq!(found.level, (verdict == Verdict::Current).then_some(level), "{case}");
        assert_eq!(found.is_good(), verdict == Verdict::Current, "{case}");
    }
}

#[tokio::test]
async fn age_alone_leaves_the_level_and_anything_else_takes_it() {
    let later = now() + (24 * 8).hours();
    let stale = check(&changed(2, |_| {}), &expected(later), Depth::Full).await;
    assert!(matches!(stale.verdict, Verdict::Stale { .. }), "{stale:?}");
    assert_eq!((stale.level, stale.is_good()), (Some(Level::Verified), false));

    let plan = FaultPlan::none().then(Operation::Stat, 2, Fault::Before(ErrorKind::Timeout));
    let store = Faulty::new(Actor::new("mirror", &published(&release(2)), []), plan);
    let unread = check(&mirror_on(store), &expected(later), Depth::Files).await;
    assert!(matches!(unread.verdict, Verdict::Stale { .. }), "{unread:?}");
    assert_eq!(unread.level, None, "one file was not seen");
}

#[tokio::test]
async fn a_mirror_is_measured_by_what_it_holds() {
    let mut newest = changed(2, |objects| objects.retain(|path, _| !path.as_str().starts_with("releases/v1/")));
    assert_eq!(check(&newest, &expected(now()), Depth::Full).await.verdict, Verdict::Incomplete);
    newest.holds = Holds::Newest(1);
    let found = check(&newest, &expected(now()), Depth::Full).await;
    assert_eq!((found.verdict, found.level, found.files_checked), (Verdict::Current, Some(Level::Verified), 5));
}

#[tokio::test]
async fn the_worst_comes_first_and_what_is_left_out_is_counted() {
    let spoilt = changed(2, |objects| {
        lose(objects, "releases/v2/README");
        lose(objects, "releases/v2/SHA256SUMS");
        flip(objects, "releases/v1/docs/deep/a");
    });
    let found = check(&spoilt, &expected(now()), Depth::Full).await;
    assert_eq!(found.verdict, Verdict::Forged);
    assert_eq!(at(&found)[0], "releases/v1/docs/deep/a");
    assert_eq!(found.evidence.len(), 3);
}

#[tokio::test]
async fn two_contents_of_one_version_are_found() {
    let fork = || mirror(&published(&world().fork));
    let ours = whole_round(vec![changed(2, |_| {}), fork()], Depth::Full, expected(now())).await;
    assert_eq!(ours.mirrors[0].verdict, Verdict::Current);
    assert_eq!((ours.mirrors[1].verdict, ours.mirrors[1].level), (Verdict::Mixed, None), "{:?}", ours.mirrors[1]);
    assert_eq!(ours.quorum, Quorum::Missed);

    // Where nobody knows what was published, both are told.
    let nobody = Expectation { version: 0, snapshot: None, ..expected(now()) };
    let both = whole_round(vec![changed(2, |_| {}), fork()], Depth::Metadata, nobody.clone()).await;
    assert!(both.mirrors.iter().all(|mirror| mirror.verdict == Verdict::Mixed), "{both:?}");
    let same = whole_round(vec![changed(2, |_| {}), changed(2, |_| {})], Depth::Full, nobody).await;
    assert!(same.mirrors.iter().all(MirrorCheck::is_good), "{same:?}");
}

#[tokio::test]
async fn nobody_is_current_because_we_are_behind_ourselves() {
    let found = whole_round(vec![changed(2, |_| {}), changed(3, |_| {}), changed(1, |_| {})], Depth::Full, expected(now())).await;
    let verdicts: Vec<Verdict> = found.mirrors.iter().map(|mirror| mirror.verdict).collect();
    assert_eq!(verdicts, [Verdict::Behind { by: 1 }, Verdict::Current, Verdict::Behind { by: 2 }]);
    assert_eq!((found.version, found.mirrors[0].level), (3, None));
}

#[tokio::test]
async fn lists_are_shared_and_every_mirror_is_still_checked() {
    let forged = changed(2, |objects| flip(objects, "metadata/1.v2.json"));
    let found = whole_round(vec![changed(2, |_| {}), forged, changed(2, |_| {})], Depth::Files, expected(now())).await;
    let verdicts: Vec<Verdict> = found.mirrors.iter().map(|mirror| mirror.verdict).collect();
    assert_eq!(verdicts, [Verdict::Current, Verdict::Forged, Verdict::Current]);
    assert_eq!((found.mirrors[0].files_checked, found.mirrors[2].files_checked), (10, 10));
}

/// What the publisher of release 2 knows.
fn publishers(now: Timestamp) -> Expectation {
    let ours = release(2);
    let record = |object: &Object| {
        let Object { path, length, sha256, .. } = object.clone();
        FileRecord { path, length, sha256, chunks: Vec::new() }
    };
    let signed = |object: &&Object| object.path.as_str().ends_with(".minisig");
    let signatures =
        ours.bundles.iter().map(|entry| (entry.name.clone(), entry.files.iter().filter(signed).map(record).collect()));
    let companions = Companions { roots: ours.roots.iter().map(record).collect(), signatures: signatures.collect() };
    Expectation { companions: Arc::new(companions), ..expected(now) }
}

#[tokio::test]
async fn signatures_and_roots_belong_to_a_copy_that_is_called_verified() {
    let whole = check(&changed(2, |_| {}), &publishers(now()), Depth::Full).await;
    assert_eq!((whole.level, whole.files_checked), (Some(Level::Verified), 13), "{whole:?}");
    for name in ["releases/v1/SHA256SUMS.alice.minisig", "metadata/1.root.json"] {
        for depth in [Depth::Files, Depth::Full] {
            let found = check(&changed(2, |objects| lose(objects, name)), &publishers(now()), depth).await;
            assert_eq!((found.verdict, at(&found)), (Verdict::Incomplete, vec![name]), "{depth:?}");
        }
        let found = check(&changed(2, |objects| flip(objects, name)), &publishers(now()), Depth::Full).await;
        assert_eq!((found.verdict, at(&found)), (Verdict::Forged, vec![name]));
    }
    // A mirror that is behind lacks no root and no signature that came after its own state.
    let behind = check(&changed(1, |_| {}), &publishers(now()), Depth::Full).await;
    assert_eq!(behind.verdict, Verdict::Behind { by: 1 }, "{behind:?}");
}

#[tokio::test]
async fn a_mirror_that_stops_answering_is_given_up() {
    let silent = (1..100).fold(FaultPlan::none(), |plan, nth| plan.then(Operation::Stat, nth, Fault::Before(ErrorKind::Timeout)));
    let store = Arc::new(Faulty::new(Actor::new("mirror", &published(&release(2)), []), silent));
    let found = check(&mirror_on(store.clone()), &expected(now()), Depth::Files).await;
    assert_eq!((found.verdict, found.level, found.files_checked), (Verdict::Unreadable, None, 5), "{found:?}");
    assert!(found.evidence.iter().any(|fact| fact.what.contains("given up after 5 requests")), "{found:?}");
    assert!(!found.suspects.exhaustive);

    // One that answers is asked for everything, whatever it answers.
    let refusing =
        (1..100).fold(FaultPlan::none(), |plan, nth| plan.then(Operation::Stat, nth, Fault::Before(ErrorKind::PermissionDenied)));
    let store = Faulty::new(Actor::new("mirror", &published(&release(2)), []), refusing);
    assert_eq!(check(&mirror_on(store), &expected(now()), Depth::Files).await.files_checked, 10);
}

#[tokio::test(start_paused = true)]
async fn a_mirror_that_hangs_holds_up_a_round_until_its_deadline() {
    let hangs = mirror_on(Actor::new("hangs", &published(&release(2)), [Cue::Silent(9, false)]));
    let begun = tokio::time::Instant::now();
    let found = whole_round(vec![hangs, changed(2, |_| {})], Depth::Full, expected(now())).await;
    assert!(begun.elapsed() < LIMIT + Duration::from_mins(1), "{:?}", begun.elapsed());
    assert_eq!((found.mirrors[0].verdict, found.mirrors[0].level), (Verdict::Unreadable, None), "{:?}", found.mirrors[0]);
    assert!(found.mirrors[0].evidence[0].what.contains("not finished within 3600 s"), "{:?}", found.mirrors[0]);
    assert!(found.mirrors[1].is_good());
}
