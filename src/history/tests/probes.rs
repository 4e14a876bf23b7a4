//! What probes saw, and when they were made.

use super::*;
use crate::health::{FileCounts, Probes, Sample, Throughput, WriteProbe};
use crate::history::{LastProbes, Pieces, Told};

fn sample(chunks: u32, bytes: u64, bad: usize) -> Sample {
    let fact = Evidence { path: Some(object("releases/demo-1/a")), what: "altered".into() };
    Sample { chunks, bytes: ByteCount(bytes), bad: vec![fact.clone(); bad], unread: vec![fact] }
}

fn probed(started: &str, level: Option<Level>, probes: Probes) -> Round {
    let round = round(started, vec![check("a", Verdict::Current, level)]);
    Round { probes: BTreeMap::from([(target("a"), probes)]), ..round }
}

#[test]
fn the_last_of_each_probe_comes_back_with_its_moment_and_pieces_add_up() {
    let (_folder, history) = fresh();
    let speed = Throughput { bytes: ByteCount(1 << 20), duration_ms: 80 };
    let canary = WriteProbe {
        failed: None,
        trouble: None,
        write_ms: Some(4),
        propagation_ms: Some(9),
        free: Some(ByteCount(5)),
        needed: None,
    };
    let files = FileCounts { expected: 9, present: 5, missing: 2, wrong_size: 1, altered: 0 };
    let first = Probes {
        files: Some(files),
        sample: Some(sample(8, 100, 0)),
        throughput: Some(speed.clone()),
        write: Some(canary.clone()),
        ..Probes::default()
    };
    history.record_probes(&probed("2026-03-01T00:10:00Z", Some(Level::Current), first)).unwrap();
    let second = Probes { sample: Some(sample(3, 30, 1)), ..Probes::default() };
    history.record_probes(&probed("2026-03-01T02:00:00Z", Some(Level::Current), second)).unwrap();
    history.record_probes(&probed("2026-03-01T02:05:00Z", Some(Level::Current), Probes::default())).unwrap();

    let last = history.last_probes(&target("a"), at("2026-03-01T03:00:00Z")).unwrap();
    let expected = LastProbes {
        files: Some(Told { at: at("2026-03-01T00:10:00Z"), saw: files }),
        sample: Some(Told { at: at("2026-03-01T02:00:00Z"), saw: sample(3, 30, 1) }),
        throughput: Some(Told { at: at("2026-03-01T00:10:00Z"), saw: speed }),
        write: Some(Told { at: at("2026-03-01T00:10:00Z"), saw: canary }),
        pieces: Pieces { good: 10, bad: 1, unread: 2 },
        read: ByteCount(100 + (1 << 20) + 30),
    };
    assert_eq!(last, expected);
    assert_eq!(history.last_probes(&target("b"), at("2026-03-01T03:00:00Z")).unwrap(), LastProbes::default());
}

#[test]
fn the_bytes_of_a_day_are_forgotten_after_it() {
    let (_folder, history) = fresh();
    for (hour, bytes) in [("2026-03-01T00:30:00Z", 100), ("2026-03-01T12:30:00Z", 20), ("2026-03-01T12:45:00Z", 3)] {
        let probes = Probes { sample: Some(sample(1, bytes, 0)), ..Probes::default() };
        history.record_probes(&probed(hour, Some(Level::Current), probes)).unwrap();
    }
    let read = |now: &str| history.probe_clock(&target("a"), at(now)).unwrap().read.0;
    assert_eq!([read("2026-03-01T13:00:00Z"), read("2026-03-01T23:59:00Z")], [123, 123]);
    assert_eq!([read("2026-03-02T00:01:00Z"), read("2026-03-02T11:59:00Z"), read("2026-03-02T12:01:00Z")], [23, 23, 0]);
}

#[test]
fn the_first_round_starts_the_clock_and_a_full_verification_does_a_samples_work() {
    let (_folder, history) = fresh();
    let clock = |history: &History| history.probe_clock(&target("a"), at("2026-03-01T09:00:00Z")).unwrap();
    assert_eq!(clock(&history).sample, None);
    for (started, level) in [
        ("2026-03-01T01:00:00Z", Level::Current),
        ("2026-03-01T02:00:00Z", Level::Complete),
        ("2026-03-01T03:00:00Z", Level::Verified),
        ("2026-03-01T04:00:00Z", Level::Current),
    ] {
        history.record_probes(&probed(started, Some(level), Probes::default())).unwrap();
        let expected =
            if level >= Level::Verified || started > "2026-03-01T03" { "2026-03-01T03:00:00Z" } else { "2026-03-01T01:00:00Z" };
        assert_eq!(clock(&history).sample, Some(at(expected)), "{started}");
    }
    assert_eq!((clock(&history).throughput, clock(&history).write), (None, None));
    // A round that was broken off starts nothing.
    let broken =
        Round { unfinished: vec![target("b")], ..round("2026-03-01T05:00:00Z", vec![check("b", Verdict::Unreadable, None)]) };
    history.record_probes(&broken).unwrap();
    assert_eq!(history.probe_clock(&target("b"), at("2026-03-01T09:00:00Z")).unwrap().sample, None);
}
