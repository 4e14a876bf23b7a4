//! Probes of mirrors in memory: samples, speed and canaries, each defect by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spartacus::base::{ByteCount, Level, ObjectPath, Sha256};
use spartacus::health::{
    Account, Depth, Mirror, MirrorCheck, ProbeOrders, Probes, SampleOrder, StoreSource, Verdict, WriteOrder, WriteProbe,
    WriteStep,
};
use spartacus::reader::{Part, PartOrder, Source};
use spartacus::store::memory::MemoryStore;
use spartacus::store::{ErrorKind, Fault, FaultPlan, Faulty, Operation, Space, Store, StoreError};
use spartacus::trust::{Fetch, FetchError};

use super::actor::{Actor, Cue};
use super::health::{changed, expected, flip, lose, whole_round};
use super::world::{now, published, release};

/// So many that every piece of the small releases is drawn; that one of them is left out after 4,000 draws is less likely
/// than once in 10^30.
const ALL: SampleOrder = SampleOrder { picks: 1000, share: u64::MAX, most: u64::MAX };

fn sampled(mirror: Mirror, order: SampleOrder) -> Mirror {
    Mirror { probes: ProbeOrders { sample: Some(order), ..ProbeOrders::default() }, ..mirror }
}

/// What a look at the metadata with these probes sees.
async fn seen(mirror: Mirror) -> (MirrorCheck, Probes) {
    let mut round = whole_round(vec![mirror], Depth::Metadata, expected(now())).await;
    let check = round.mirrors.remove(0);
    let probes = round.probes.remove(&check.target).unwrap_or_default();
    (check, probes)
}

#[tokio::test]
async fn a_whole_mirror_passes_and_every_piece_is_looked_at_once() {
    let (check, probes) = seen(sampled(changed(2, |_| {}), ALL)).await;
    let sample = probes.sample.expect("it was ordered");
    assert_eq!((check.verdict, check.level), (Verdict::Current, Some(Level::Current)));
    // Two releases with four files each that have any bytes.
    assert_eq!((sample.chunks, sample.bad.len(), sample.unread.len()), (8, 0, 0), "{sample:?}");
    let bytes: usize = published(&release(2))
        .iter()
        .filter(|(path, _)| path.as_str().starts_with("releases/") && !path.as_str().ends_with("minisig"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    assert_eq!(sample.bytes, ByteCount(bytes as u64));
}

#[tokio::test]
async fn a_changed_byte_is_found_by_a_look_that_reads_no_files_otherwise() {
    let (check, probes) = seen(sampled(changed(2, |objects| flip(objects, "releases/v1/README")), ALL)).await;
    let sample = probes.sample.expect("it was ordered");
    assert_eq!((check.verdict, check.level), (Verdict::Forged, None));
    assert_eq!(sample.bad.len(), 1, "{sample:?}");
    assert_eq!(sample.bad[0].path.as_ref().map(ObjectPath::as_str), Some("releases/v1/README"));
    assert!(sample.bad[0].what.starts_with("altered: bytes 0 to 11 have sha256 "), "{sample:?}");
    assert_eq!(check.evidence, sample.bad);
    assert!(check.suspects.paths.contains(&super::world::path("releases/v1/README")), "a repair sends it again");
}

#[tokio::test]
async fn a_missing_and_a_short_file_make_a_copy_incomplete() {
    for spoil in [
        (|objects: &mut super::world::Objects| lose(objects, "releases/v1/README")) as fn(&mut super::world::Objects),
        |objects| drop(objects.insert(super::world::path("releases/v1/README"), Bytes::from_static(b"read"))),
    ] {
        let (check, probes) = seen(sampled(changed(2, spoil), ALL)).await;
        assert_eq!(check.verdict, Verdict::Incomplete, "{check:?}");
        assert!(probes.sample.expect("it was ordered").bad.is_empty(), "nothing false was sent");
    }
}

#[tokio::test]
async fn a_sample_keeps_to_its_budget() {
    let (_, probes) = seen(sampled(changed(2, |_| {}), SampleOrder { share: 1, ..ALL })).await;
    assert_eq!(probes.sample.expect("it was ordered").chunks, 1, "the share is soft: the piece that reaches it is the last");
    let (check, probes) = seen(sampled(changed(2, |_| {}), SampleOrder { most: 1, ..ALL })).await;
    let sample = probes.sample.expect("it was ordered");
    assert_eq!((sample.chunks, sample.bytes, check.verdict), (0, ByteCount(0), Verdict::Current), "the limit of a day is hard");
    let (_, probes) = seen(sampled(changed(2, |_| {}), SampleOrder { picks: 3, ..ALL })).await;
    assert_eq!(probes.sample.expect("it was ordered").chunks, 3);
}

/// A mirror behind a cache that spoils what it keeps.
struct Cached {
    origin: Arc<dyn Source>,
    asked: AtomicU32,
}

#[async_trait]
impl Fetch for Cached {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.origin.fetch(path, cap).await
    }
}

#[async_trait]
impl Source for Cached {
    fn name(&self) -> String {
        self.origin.name()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        self.origin.size(path).await
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        self.origin.digest(path, cap).await
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        let part = self.origin.part(path, order).await?;
        if order.past_caches {
            return Ok(part);
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(part.map(|part| Part { sha256: Sha256::of(b"something else"), ..part }))
    }
}

#[tokio::test]
async fn what_is_right_when_asked_again_past_caches_is_told_and_held_against_nobody() {
    let whole = changed(2, |_| {});
    let cached = Arc::new(Cached { origin: whole.source.clone(), asked: AtomicU32::new(0) });
    let (check, probes) = seen(sampled(Mirror { source: cached.clone(), ..whole }, ALL)).await;
    let sample = probes.sample.expect("it was ordered");
    assert_eq!((check.verdict, sample.bad.len()), (Verdict::Current, 0));
    assert!(sample.unread[0].what.ends_with("; right when asked again past caches"), "{sample:?}");
    assert_eq!(cached.asked.load(Ordering::Relaxed), 2, "two such pieces are enough to leave the rest alone");
}

/// Logs in to a store that is there already.
struct Open(Arc<dyn Store>);

#[async_trait]
impl Account for Open {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(self.0.clone())
    }
}

/// Nobody is let in.
struct Locked;

#[async_trait]
impl Account for Locked {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Err(StoreError::new(ErrorKind::Unauthenticated, Operation::Connect, &"mirror".parse().expect("a name")))
    }
}

async fn canary(account: impl Account + 'static, readers: Option<&MemoryStore>) -> WriteProbe {
    let order = WriteOrder {
        account: Arc::new(account),
        has_readers: readers.is_some(),
        patience: Duration::from_secs(30),
        needed: Some(ByteCount(1000)),
    };
    let mut mirror = changed(2, |_| {});
    if let Some(readers) = readers {
        mirror.source = Arc::new(StoreSource(Arc::new(readers.clone())));
    }
    mirror.probes.write = Some(order);
    seen(mirror).await.1.write.expect("it was ordered")
}

fn store(cues: impl Into<Vec<Cue>>) -> Actor {
    Actor::new("mirror", &published(&release(2)), cues)
}

#[tokio::test(start_paused = true)]
async fn a_canary_is_written_shown_and_gone() {
    let room = Space { free_bytes: 777, free_files: None };
    let actor = store([Cue::Room(room)]);
    let told = canary(Open(Arc::new(actor.clone())), Some(&actor.store)).await;
    assert_eq!((told.failed, told.trouble, told.free, told.needed), (None, None, Some(ByteCount(777)), Some(ByteCount(1000))));
    assert!(told.write_ms.is_some() && told.propagation_ms.is_some());
    assert_eq!(actor.store.snapshot(), published(&release(2)), "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn writing_without_readers_and_readers_without_writing_are_told_apart() {
    let (actor, elsewhere) = (store([]), store([]));
    let told = canary(Open(Arc::new(actor.clone())), Some(&elsewhere.store)).await;
    assert_eq!((told.failed, told.trouble.as_deref()), (Some(WriteStep::Readers), Some("readers do not find it")));
    assert_eq!(actor.store.snapshot(), published(&release(2)), "it is removed all the same");

    let told = canary(Locked, Some(&elsewhere.store)).await;
    assert_eq!((told.failed, told.write_ms, told.free), (Some(WriteStep::Connect), None, None));

    let full = FaultPlan::none().then(Operation::Put, 1, Fault::Before(ErrorKind::NoSpace));
    let told = canary(Open(Arc::new(Faulty::new(store([]), full))), Some(&elsewhere.store)).await;
    assert_eq!((told.failed, told.propagation_ms), (Some(WriteStep::Write), None));
    assert!(told.trouble.expect("words").contains(".spartacus-probe-"));

    let stays = FaultPlan::none().then(Operation::Delete, 1, Fault::Before(ErrorKind::PermissionDenied));
    let faulty = Faulty::new(actor.clone(), stays);
    let told = canary(Open(Arc::new(faulty)), Some(&actor.store)).await;
    assert_eq!(told.failed, Some(WriteStep::Remove));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_only_write_is_enough() {
    let box_of_drops = store([Cue::ShowsNothing]);
    let told = canary(Open(Arc::new(box_of_drops.clone())), Some(&box_of_drops.store)).await;
    assert_eq!((told.failed, told.trouble), (None, None));
}
