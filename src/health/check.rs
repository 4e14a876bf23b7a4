//! One look at one mirror.
//!
//! Rule V10 of docs/bundle-format.md.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{self, Either};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::findings::{Findings, Inspection};
use super::lists::FileLists;
use super::patience::{Deadlines, Patience};
use super::probe::FileState;
use super::{CertificateSight, Depth, Family, MirrorCheck, ProbeOrders, Probes, Reach, ReachProbe, TroubleClass, Verdict, probe};
use crate::base::{BundleName, Holds, Level, Sha256, TargetName};
use crate::reader::Source;
use crate::trust::{self, BundleRecord, FetchError, FetchFault, FileRecord, Known, Rejection, Verified};

/// Files looked at, at the same time, on one mirror: as polite as a browser.
const LOOKS: usize = 6;

/// A mirror to look at.
#[derive(Clone)]
pub struct Mirror {
    /// Its name.
    pub target: TargetName,
    /// Where it is read.
    pub source: Arc<dyn Source>,
    /// How much it holds.
    pub holds: Holds,
    /// The newest versions that were seen there before.
    pub known: Option<Known>,
    /// What is asked of it besides.
    pub probes: ProbeOrders,
    /// How it is reached over each address family; `None`: it has no public address, or a proxy is in between.
    pub reach: Option<ReachProbe>,
    /// The same place on connections of its own, once for each family, for a second try.
    pub again: Vec<(Family, Arc<dyn Source>)>,
}

impl Mirror {
    /// The bundles that it holds, of those that its own metadata lists.
    pub(super) fn held<'a>(&self, verified: &'a Verified) -> Vec<&'a BundleRecord> {
        let wanted = match self.holds {
            Holds::All => verified.bundles.len(),
            Holds::Newest(count) => usize::try_from(count).unwrap_or(usize::MAX).min(verified.bundles.len()),
        };
        verified.bundles.iter().rev().take(wanted).collect()
    }
}

/// What every mirror is measured against.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// `1.root.json`: what authentic means.
    pub pin: bytes::Bytes,
    /// The newest timestamp version that we published or know of.
    pub version: u64,
    /// The digest of the snapshot of that version, if we published it: a mirror that shows the same version with another
    /// content got it from somebody else who holds the online key.
    pub snapshot: Option<Sha256>,
    /// What belongs on a mirror besides what its own metadata lists.
    pub companions: Arc<Companions>,
    /// The moment asked about.
    pub now: Timestamp,
}

/// Files that no signed list names, and that readers who have nothing but `minisign`, `ssh-keygen` or a stock client
/// need. Whoever does not know what was published (a reader) knows of none.
#[derive(Debug, Clone, Default)]
pub struct Companions {
    /// All roots, the pinned first one first.
    pub roots: Vec<FileRecord>,
    /// The signatures beside the sums of each bundle.
    pub signatures: BTreeMap<BundleName, Vec<FileRecord>>,
}

/// Looks at one mirror as closely as `depth` says.
///
/// A mirror never makes this fail: whatever it does is in the verdict and its evidence.
pub async fn check(mirror: &Mirror, expected: &Expectation, depth: Depth) -> MirrorCheck {
    inspect(mirror, expected, depth, &FileLists::default(), Deadlines::default()).await.check
}

/// The same as part of a round.
pub(super) async fn inspect(
    mirror: &Mirror,
    expected: &Expectation,
    depth: Depth,
    lists: &FileLists,
    deadlines: Deadlines,
) -> Inspection {
    let mut found = Findings::begin(mirror);
    let (mut state, mut met) = (None, (Vec::new(), None));
    let looking = async {
        let look = |source| trust::verify(source, &expected.pin, expected.now, mirror.known.as_ref());
        let (first, reached) = beside_reach(mirror, look(mirror.source.as_ref())).await;
        let second = second_source(mirror, &reached.0);
        met = reached;
        let verified = match (first, second) {
            // A packet was lost, a worker was restarted: one failure alone is none.
            (None | Some(Err(Rejection::Unreadable(_))), Some(source)) => look(source.as_ref()).await,
            (Some(first), _) => first,
            (None, None) => look(mirror.source.as_ref()).await,
        };
        match verified {
            Ok(verified) => {
                found.authentic(&verified, expected);
                if depth > Depth::Metadata {
                    look_at_files(&mut found, mirror, &verified, expected, depth, lists).await;
                }
                state = Some(verified);
            }
            Err(rejection) => found.rejected(&rejection),
        }
    };
    if let Err(late) = deadlines.keep(looking).await {
        found.files_unknown();
        found.tell(Verdict::Unreadable, None, late);
    }
    let mut probes = Probes::default();
    // A probe that is not done in time says nothing about the mirror.
    let _ = deadlines.keep(probe_beside(&mut probes, &mut found, mirror, state.as_ref(), lists)).await;
    let level = match depth {
        Depth::Metadata => Level::Current,
        Depth::Files => Level::Complete,
        Depth::Full => Level::Verified,
    };
    let (reach, certificate) = met;
    let finished = found.finish(level);
    let files = finished.probes.files;
    Inspection { probes: Probes { reach, certificate, files, ..probes }, ..finished }
}

/// Makes the probes that are ordered: what a mirror holds can be sampled only where it is known what that should be.
async fn probe_beside(probes: &mut Probes, found: &mut Findings, mirror: &Mirror, state: Option<&Verified>, lists: &FileLists) {
    let mut content = Probes::default();
    let of_content = async {
        if let Some(verified) = state {
            probe::content(&mut content, found, mirror, verified, lists).await;
        }
    };
    let (write, ()) = tokio::join!(probe::account(mirror), of_content);
    *probes = Probes { write, ..content };
}

/// What the reach probe saw.
type Reached = (Vec<Reach>, Option<CertificateSight>);

/// Looks and probes reach at the same time. A look that still waits when no address has answered in time is dropped:
/// it would say the same, later, and a mirror that is away shall not hold a round up for longer than it must.
async fn beside_reach<T>(mirror: &Mirror, looking: impl Future<Output = T>) -> (Option<T>, Reached) {
    // On the heap: a TLS handshake in the making would else lie in every look that waits.
    let reaching = Box::pin(reach(mirror));
    let looking = std::pin::pin!(looking);
    match future::select(looking, reaching).await {
        Either::Left((looked, reaching)) => (Some(looked), reaching.await),
        Either::Right((reached, _)) if is_silent(&reached.0) => (None, reached),
        Either::Right((reached, looking)) => (Some(looking.await), reached),
    }
}

/// Whether nobody answered in time, over any family.
fn is_silent(reach: &[Reach]) -> bool {
    let silent = |seen: &Reach| seen.trouble.as_ref().is_some_and(|trouble| trouble.class == TroubleClass::Timeout);
    !reach.is_empty() && reach.iter().all(silent)
}

async fn reach(mirror: &Mirror) -> Reached {
    match &mirror.reach {
        Some(probe) => probe.look().await,
        None => (Vec::new(), None),
    }
}

/// Where a failed look is tried once more: on a fresh connection, over a family that was seen to work if one was.
fn second_source<'a>(mirror: &'a Mirror, reach: &[Reach]) -> Option<&'a Arc<dyn Source>> {
    let works = |family| reach.iter().any(|seen| seen.family == family && seen.trouble.is_none());
    let working = mirror.again.iter().find(|(family, _)| works(*family));
    let (_, source) =
        working.or_else(|| mirror.again.iter().find(|(family, _)| reach.iter().any(|seen| seen.family == *family)))?;
    Some(source)
}

/// A mirror is asked for the bundles that its own metadata lists, so one that is behind can still be whole.
///
/// Roots and signatures beside the sums are held against what we published: which of those who may sign did so is nowhere
/// said on the mirror. Of the roots it needs those up to its own.
async fn look_at_files(
    found: &mut Findings,
    mirror: &Mirror,
    verified: &Verified,
    expected: &Expectation,
    depth: Depth,
    lists: &FileLists,
) {
    let companions = &expected.companions;
    let roots = companions.roots.iter().take(usize::try_from(verified.root_version).unwrap_or(usize::MAX));
    let mut patience = Patience::default();
    found.begin_files();
    found.expect_files(roots.len());
    look_at_each(found, mirror, roots, depth, &mut patience).await;
    match trust::verify_fleet(mirror.source.as_ref(), verified).await {
        Ok(fleet) => {
            let files = fleet.map(|fleet| fleet.files).unwrap_or_default();
            found.expect_files(files.len());
            look_at_each(found, mirror, files.iter(), depth, &mut patience).await;
        }
        Err(rejection) => {
            found.rejected(&rejection);
            found.files_unknown();
            patience.heard_of(&rejection);
        }
    }
    for record in mirror.held(verified) {
        if patience.is_over().is_some() {
            break;
        }
        let files = match lists.of(mirror.source.as_ref(), verified, &record.name).await {
            Ok(files) => files,
            Err(rejection) => {
                found.rejected(&rejection);
                found.files_unknown();
                patience.heard_of(&rejection);
                continue;
            }
        };
        let signatures = companions.signatures.get(&record.name).into_iter().flatten();
        found.expect_files(files.len() + signatures.clone().count());
        look_at_each(found, mirror, files.iter().chain(signatures), depth, &mut patience).await;
    }
    if let Some(why) = patience.is_over() {
        found.files_unknown();
        found.tell(Verdict::Unreadable, None, why);
    }
}

async fn look_at_each<'a>(
    found: &mut Findings,
    mirror: &Mirror,
    files: impl Iterator<Item = &'a FileRecord> + Send,
    depth: Depth,
    patience: &mut Patience,
) {
    let looks = files.map(|file| look_at_file(mirror.source.as_ref(), file, depth));
    let mut looks = stream::iter(looks).buffer_unordered(LOOKS);
    while patience.is_over().is_none()
        && let Some(Sighting { file, hashed, state, trouble, fault }) = looks.next().await
    {
        found.file(hashed, state);
        patience.heard(fault);
        if let Some((verdict, what)) = trouble {
            found.tell(verdict, Some(&file.path), what);
        }
    }
}

/// What looking at one file gave.
pub(super) struct Sighting<'a> {
    file: &'a FileRecord,
    pub(super) hashed: u64,
    state: FileState,
    pub(super) trouble: Option<(Verdict, String)>,
    fault: Option<FetchFault>,
}

pub(super) async fn look_at_file<'a>(source: &dyn Source, file: &'a FileRecord, depth: Depth) -> Sighting<'a> {
    let clean = Sighting { file, hashed: 0, state: FileState::Present, trouble: None, fault: None };
    let bad =
        |hashed, state, verdict, what: String| Sighting { file, hashed, state, trouble: Some((verdict, what)), fault: None };
    let unread = |error: FetchError| {
        let fault = Some(error.fault);
        Sighting { fault, ..bad(0, FileState::Unread, Verdict::Unreadable, error.reason) }
    };
    if depth == Depth::Full {
        return match source.digest(&file.path, file.length).await {
            Ok(None) => bad(0, FileState::Missing, Verdict::Incomplete, "missing".to_owned()),
            Ok(Some((length, _))) if length < file.length => {
                bad(length, FileState::WrongSize, Verdict::Incomplete, format!("short: {length} of {} bytes", file.length))
            }
            Ok(Some((length, _))) if length > file.length => {
                bad(length, FileState::WrongSize, Verdict::Forged, format!("longer than its {} bytes", file.length))
            }
            Ok(Some((length, digest))) if digest != file.sha256 => {
                let what = format!("altered: {length} bytes with sha256 {digest}, signed is {}", file.sha256);
                bad(length, FileState::Altered, Verdict::Forged, what)
            }
            Ok(Some((length, _))) => Sighting { hashed: length, ..clean },
            Err(error) => unread(error),
        };
    }
    match source.size(&file.path).await {
        Ok(Some(length)) if length == file.length => clean,
        Ok(Some(length)) => {
            bad(0, FileState::WrongSize, Verdict::Incomplete, format!("{length} bytes, signed are {}", file.length))
        }
        Ok(None) => bad(0, FileState::Missing, Verdict::Incomplete, "missing".to_owned()),
        Err(error) => unread(error),
    }
}
