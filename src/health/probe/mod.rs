//! What probes saw of a mirror beside its metadata and files.
//!
//! A probe that was not made in a round (not due, nothing to ask, not allowed by the volunteer) has left nothing here: that
//! says nothing about the mirror.

mod control;
mod due;
mod files;
mod orders;
mod pick;
mod reach;
mod record;
mod reread;
mod sample;
mod throughput;
mod write;

pub use control::Control;
pub use due::{ProbeClock, When};
pub use files::FileCounts;
pub(super) use files::FileState;
pub use orders::{Account, ProbeOrders, SampleOrder, WriteOrder};
pub use reach::ReachProbe;
pub use record::{
    CertificateSight, Family, Phase, Phases, Probes, Reach, Sample, Throughput, Trouble, TroubleClass, WriteProbe, WriteStep,
};

use super::check::Mirror;
use super::findings::Findings;
use super::lists::FileLists;
use crate::trust::Verified;

/// Probes what a mirror holds, as far as that is ordered. `probes` has what was seen when this is dropped midway.
pub(super) async fn content(probes: &mut Probes, found: &mut Findings, mirror: &Mirror, verified: &Verified, lists: &FileLists) {
    let held = mirror.held(verified);
    if let Some(order) = mirror.probes.sample {
        probes.sample = Some(sample::sample(found, mirror, verified, &held, lists, order).await);
    }
    if !mirror.probes.reread.is_empty() {
        reread::reread(found, mirror, verified, &held, lists, &mirror.probes.reread).await;
    }
    if let Some(most) = mirror.probes.throughput {
        probes.throughput = throughput::throughput(mirror, verified, &held, lists, most).await;
    }
}

/// Probes whether we can write there, if that is ordered.
pub(super) async fn account(mirror: &Mirror) -> Option<WriteProbe> {
    let order = mirror.probes.write.as_ref()?;
    let readers = order.has_readers.then_some(mirror.source.as_ref());
    Some(write::write(order, readers).await)
}
