//! Pieces of a mirror's files, picked at random and hashed against the signed digests.
//!
//! 1. A bundle is drawn by its bytes, then a byte within it: the piece that holds this byte is picked. Large files are so
//!    as likely to be caught, byte for byte, as small ones.
//! 2. The piece is read and hashed.
//! 3. Wrong bytes are read once more, on a new connection past caches, before they count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pick::{Piece, below, file_at, piece_at, system};
use super::{Sample, SampleOrder};
use crate::base::{BundleName, ByteCount};
use crate::health::check::Mirror;
use crate::health::findings::Findings;
use crate::health::lists::FileLists;
use crate::health::{Evidence, Verdict};
use crate::reader::{Part, PartOrder};
use crate::trust::{BundleRecord, FetchError, FileRecord, Verified};

/// Draws for each pick, at most: where a few large pieces are nearly everything, they are drawn again and again.
const DRAWS: u32 = 64;
/// Pieces in a row that could not be read, after which the rest is left alone.
const SILENCES: usize = 2;

/// Looks at pieces of the bundles in `held`. Wrong bytes and missing files are told as findings, too: they decide the
/// verdict, and what is to be sent again.
pub(in crate::health) async fn sample(
    found: &mut Findings,
    mirror: &Mirror,
    verified: &Verified,
    held: &[&BundleRecord],
    lists: &FileLists,
    order: SampleOrder,
) -> Sample {
    let mut sample = Sample { chunks: 0, bytes: ByteCount(0), bad: Vec::new(), unread: Vec::new() };
    let mut random = system;
    let mut picked = BTreeSet::new();
    let mut known: BTreeMap<&BundleName, Arc<Vec<FileRecord>>> = BTreeMap::new();
    for _ in 0..order.picks.saturating_mul(DRAWS) {
        let is_enough = picked.len() >= usize::try_from(order.picks).unwrap_or(usize::MAX);
        if is_enough || sample.unread.len() >= SILENCES || sample.bytes.0 >= order.share {
            break;
        }
        let Some(bundle) = draw_bundle(held, &mut random) else { break };
        if !known.contains_key(&bundle.name) {
            match lists.agreed(mirror.source.as_ref(), verified, &bundle.name).await {
                Ok(files) => drop(known.insert(&bundle.name, files)),
                Err(rejection) => {
                    found.rejected(&rejection);
                    break;
                }
            }
        }
        let files = &known[&bundle.name];
        let drawn = below(files.iter().map(|file| file.length).sum(), &mut random);
        let Some((file, offset)) = drawn.and_then(|offset| file_at(files, offset)) else { continue };
        let piece = piece_at(file, offset);
        if picked.contains(&piece) {
            continue;
        }
        if sample.bytes.0.saturating_add(piece.length) > order.most {
            // A smaller piece might fit, but then large files would never be looked at by those with small budgets.
            break;
        }
        look_at(&mut sample, found, mirror, &piece, order.most).await;
        picked.insert(piece);
    }
    sample
}

/// A bundle, as likely as it has bytes.
pub(super) fn draw_bundle<'a>(held: &[&'a BundleRecord], random: &mut (dyn FnMut() -> u64 + Send)) -> Option<&'a BundleRecord> {
    let mut offset = below(held.iter().map(|bundle| bundle.bytes).sum(), random)?;
    for bundle in held {
        if offset < bundle.bytes {
            return Some(bundle);
        }
        offset -= bundle.bytes;
    }
    None
}

async fn look_at(sample: &mut Sample, found: &mut Findings, mirror: &Mirror, piece: &Piece, most: u64) {
    let first = read(sample, mirror, piece, most, false).await;
    if first.is_right() {
        sample.chunks += 1;
        return;
    }
    // Whatever was budgeted: an accusation is looked into.
    let second = if first.accuses() { read(sample, mirror, piece, u64::MAX, true).await } else { first.clone() };
    match second {
        Look::Unread(what) => sample.unread.push(about(piece, what)),
        Look::Right => {
            sample.chunks += 1;
            sample.unread.push(about(piece, format!("{first}; right when asked again past caches")));
        }
        Look::Gone(what) => found.tell(Verdict::Incomplete, Some(&piece.path), what),
        Look::Wrong(what) => {
            sample.chunks += 1;
            sample.bad.push(about(piece, what.clone()));
            found.tell(Verdict::Forged, Some(&piece.path), what);
        }
    }
}

fn about(piece: &Piece, what: String) -> Evidence {
    Evidence { path: Some(piece.path.clone()), what }
}

/// What one reading of a piece gave.
#[derive(Debug, Clone)]
enum Look {
    Right,
    /// Other bytes, or more of them.
    Wrong(String),
    /// Not there, or short.
    Gone(String),
    /// It could not be read, which says nothing about it.
    Unread(String),
}

impl Look {
    fn is_right(&self) -> bool {
        matches!(self, Self::Right)
    }

    fn accuses(&self) -> bool {
        matches!(self, Self::Wrong(_) | Self::Gone(_))
    }
}

impl std::fmt::Display for Look {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Right => formatter.write_str("right"),
            Self::Wrong(what) | Self::Gone(what) | Self::Unread(what) => formatter.write_str(what),
        }
    }
}

async fn read(sample: &mut Sample, mirror: &Mirror, piece: &Piece, most: u64, past_caches: bool) -> Look {
    let left = most.saturating_sub(sample.bytes.0);
    let order = PartOrder { start: piece.start, length: piece.length, most: left, past_caches };
    let answer = mirror.source.part(&piece.path, order).await;
    if let Ok(Some(part)) = &answer {
        sample.bytes += ByteCount(part.read);
    }
    judge(piece, answer)
}

fn judge(piece: &Piece, answer: Result<Option<Part>, FetchError>) -> Look {
    let part = match answer {
        Ok(Some(part)) => part,
        Ok(None) => return Look::Gone("missing".to_owned()),
        Err(error) => return Look::Unread(error.reason),
    };
    let whole = part.whole.unwrap_or(piece.whole);
    if whole > piece.whole {
        return Look::Wrong(format!("longer than its {} bytes: {whole}", piece.whole));
    }
    if whole < piece.whole || part.length < piece.length {
        let has = part.whole.unwrap_or(piece.start + part.length);
        return Look::Gone(format!("short: {has} of {} bytes", piece.whole));
    }
    if part.sha256 == piece.sha256 {
        return Look::Right;
    }
    let end = piece.start + piece.length - 1;
    let Part { sha256, .. } = part;
    Look::Wrong(format!("altered: bytes {} to {end} have sha256 {sha256}, signed is {}", piece.start, piece.sha256))
}
