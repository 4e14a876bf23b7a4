//! How fast a mirror sends: a piece of a large file, timed from its first byte.

use super::Throughput;
use super::pick::{below, file_at, system};
use super::sample::draw_bundle;
use crate::base::ByteCount;
use crate::health::check::Mirror;
use crate::health::lists::FileLists;
use crate::reader::PartOrder;
use crate::trust::{BundleRecord, Verified};

/// Bytes that are read at most.
const MOST: u64 = 1 << 20;
/// A smaller piece tells more about the first packets of a connection than about its speed.
const LEAST: u64 = 256 << 10;
/// Files drawn until one is large enough.
const DRAWS: usize = 16;

/// Times a piece of a file, at another place each time; `None` where no file is large enough, `most` is too little, or
/// nothing came.
pub(in crate::health) async fn throughput(
    mirror: &Mirror,
    verified: &Verified,
    held: &[&BundleRecord],
    lists: &FileLists,
    most: u64,
) -> Option<Throughput> {
    if most < LEAST {
        return None;
    }
    let mut random = system;
    for _ in 0..DRAWS {
        let bundle = draw_bundle(held, &mut random)?;
        let files = lists.agreed(mirror.source.as_ref(), verified, &bundle.name).await.ok()?;
        let (file, offset) = file_at(&files, below(files.iter().map(|file| file.length).sum(), &mut random)?)?;
        if file.length < LEAST {
            continue;
        }
        let length = file.length.min(MOST).min(most);
        let order = PartOrder { start: offset.min(file.length - length), length, most, past_caches: false };
        let part = mirror.source.part(&file.path, order).await.ok()??;
        // Less than a millisecond is told as one: a speed without end would be none.
        let duration_ms = u64::try_from(part.took.as_millis()).unwrap_or(u64::MAX).max(1);
        return (part.length == length).then_some(Throughput { bytes: ByteCount(part.read), duration_ms });
    }
    None
}
