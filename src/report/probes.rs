//! What probes saw, in words.

use std::collections::BTreeSet;

use super::reach::{half_reached, reach_words};
use super::words;
use crate::base::ByteCount;
use crate::health::{Family, FileCounts, Probes, Sample, Throughput, WriteProbe, WriteStep};

/// The address families over which some mirror was reached: trouble over another one may be our own line's.
pub(super) fn families_that_work<'a>(all: impl Iterator<Item = &'a Probes>) -> BTreeSet<Family> {
    all.flat_map(|probes| &probes.reach).filter(|reach| reach.trouble.is_none()).map(|reach| reach.family).collect()
}

/// One line for each probe with something to tell; of reach only what a verdict does not say.
pub(super) fn lines(probes: &Probes, alive: &BTreeSet<Family>) -> Vec<String> {
    let sampled = probes.sample.as_ref().map(|sample| format!("sample: {}", sample_words(sample)));
    let timed = probes.throughput.as_ref().map(|speed| format!("speed: {}", speed_words(speed)));
    let wrote = probes.write.as_ref().map(|write| format!("write: {}", write_words(write)));
    let half = half_reached(probes, alive).map(|reach| format!("reach: {}", reach_words(reach)));
    half.chain(sampled).chain(timed).chain(wrote).collect()
}

/// Whether something in it asks for a look; what is told as evidence anyway does not.
pub(super) fn is_trouble(probes: &Probes, alive: &BTreeSet<Family>) -> bool {
    probes.sample.as_ref().is_some_and(|sample| !sample.bad.is_empty() || !sample.unread.is_empty())
        || half_reached(probes, alive).next().is_some()
        || probes.write.as_ref().is_some_and(|write| write.failed.is_some())
}

/// `8 pieces hashed (9.0 MiB), all right`
pub(super) fn sample_words(sample: &Sample) -> String {
    let pieces = words::counted(sample.chunks.into(), "piece", "pieces");
    let bad = match sample.bad.len() {
        0 if sample.chunks == 0 => String::new(),
        0 => ", all right".to_owned(),
        count => format!(", {count} altered"),
    };
    let unread: Vec<String> = sample.unread.iter().map(|fact| format!("; not read: {fact}")).collect();
    format!("{pieces} hashed ({}){bad}{}", sample.bytes, unread.concat())
}

/// `12.3 MiB/s`
pub(super) fn speed_words(speed: &Throughput) -> String {
    format!("{}/s ({} in {} ms)", ByteCount(bytes_per_second(speed)), speed.bytes, speed.duration_ms)
}

/// Whole bytes.
pub(super) fn bytes_per_second(speed: &Throughput) -> u64 {
    speed.bytes.0.saturating_mul(1000) / speed.duration_ms.max(1)
}

/// `written in 40 ms, readers had it 120 ms later, 7.0 GiB free`
pub(super) fn write_words(write: &WriteProbe) -> String {
    let free = write.free.map(|free| format!(", {free} free")).unwrap_or_default();
    if let Some(step) = write.failed {
        let trouble = write.trouble.as_deref().unwrap_or_default();
        return format!("FAILED {}: {trouble}{free}", step_words(step));
    }
    let written = write.write_ms.map(|time| format!("written in {time} ms")).unwrap_or_default();
    let shown = write.propagation_ms.map(|time| format!(", readers had it {time} ms later")).unwrap_or_default();
    format!("{written}{shown}{free}")
}

fn step_words(step: WriteStep) -> &'static str {
    match step {
        WriteStep::Connect => "to log in",
        WriteStep::Write => "to write",
        WriteStep::ReadBack => "to read back what was written",
        WriteStep::Readers => "to show readers what was written",
        WriteStep::Remove => "to remove what was written",
    }
}

/// How complete a mirror is. Those that are there were measured, and hashed only by a look at every byte.
pub(super) fn files_words(counts: &FileCounts) -> String {
    let FileCounts { expected, present, missing, wrong_size, altered } = *counts;
    let others = [(missing, "missing"), (wrong_size, "of another size"), (altered, "altered")];
    let told = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!(", {count} {how}"));
    format!("{present} of {expected} there with their sizes{}", told.collect::<String>())
}
