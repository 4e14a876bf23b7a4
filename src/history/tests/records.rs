//! What is written comes back the same.

use super::*;
use crate::base::{Holds, Sha256};
use crate::history::{TargetProfile, Trusted, Whose};
use crate::store::Capabilities;
use crate::transfer::{BreakerState, Settled};

#[test]
fn a_finished_run_comes_back_whole_and_an_unfinished_one_is_seen_as_such() {
    let (_folder, history) = fresh();
    let first = history.begin_run(&start()).unwrap();
    history.record_outcome(first, &outcome("b")).unwrap();
    let interrupted = history.last_runs(10).unwrap();
    assert_eq!(interrupted[0].end, None);
    assert_eq!(interrupted[0].to_run(), None);
    assert_eq!(interrupted[0].outcomes, [outcome("b")]);

    let second = history.begin_run(&start()).unwrap();
    history.record_outcome(second, &outcome("b")).unwrap();
    let run = run_of(&start(), vec![outcome("a"), outcome("b")]);
    history.finish_run(second, &run).unwrap();
    let runs = history.last_runs(10).unwrap();
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(runs[0].to_run(), Some(run), "outcomes stand in the order of the configuration");
    assert_eq!(history.last_runs(1).unwrap().len(), 1);
}

#[test]
fn finishing_a_run_that_never_began_is_an_error() {
    let (_folder, history) = fresh();
    let id = history.begin_run(&start()).unwrap();
    let unknown = crate::history::RunId(id.0 + 1);
    assert!(history.finish_run(unknown, &run_of(&start(), Vec::new())).is_err());
    assert!(history.record_outcome(unknown, &outcome("a")).is_err(), "foreign keys hold");
}

#[test]
fn rounds_come_back_and_a_verdict_keeps_the_time_when_it_began() {
    let (_folder, history) = fresh();
    let rounds = [
        round("2026-03-01T00:00:00Z", vec![check("a", Verdict::Current, Some(Level::Verified))]),
        round("2026-03-02T00:00:00Z", vec![check("a", Verdict::Behind { by: 1 }, None)]),
        round("2026-03-03T00:00:00Z", vec![check("z", Verdict::Unreadable, None), check("a", Verdict::Behind { by: 2 }, None)]),
    ];
    for round in &rounds {
        history.record_round(round).unwrap();
    }
    assert_eq!(history.last_rounds(2).unwrap(), [rounds[2].clone(), rounds[1].clone()]);

    let state = history.last_state().unwrap();
    assert_eq!(state.iter().map(|mirror| mirror.target.as_str()).collect::<Vec<_>>(), ["a", "z"]);
    let last = state[0].check.as_ref().unwrap();
    assert_eq!(last.found, rounds[2].mirrors[1]);
    assert_eq!(last.since, at("2026-03-02T00:00:00Z"), "falling further behind is still behind");
    assert_eq!(last.verified_at, Some(at("2026-03-01T00:00:00Z")));
    assert_eq!(state[1].check.as_ref().unwrap().verified_at, None);
}

#[test]
fn last_state_joins_checks_with_the_last_outcome_of_each_target() {
    let (_folder, history) = fresh();
    let old = history.begin_run(&start()).unwrap();
    history.finish_run(old, &run_of(&start(), vec![outcome("a"), outcome("b")])).unwrap();
    let new = history.begin_run(&start()).unwrap();
    history.record_outcome(new, &outcome("b")).unwrap();
    history.record_round(&round("2026-03-01T00:00:00Z", vec![check("c", Verdict::Forged, None)])).unwrap();

    let state = history.last_state().unwrap();
    let seen: Vec<_> = state
        .iter()
        .map(|mirror| (mirror.target.as_str(), mirror.check.is_some(), mirror.outcome.as_ref().map(|last| last.run)))
        .collect();
    assert_eq!(seen, [("a", false, Some(old)), ("b", false, Some(new)), ("c", true, None)]);
}

#[test]
fn pruning_removes_the_past_and_leaves_the_last_known_state() {
    let (_folder, history) = fresh();
    for day in 1..=5 {
        let found = if day == 2 { Some(Level::Verified) } else { Some(Level::Current) };
        history.record_round(&round(&format!("2026-03-0{day}T00:00:00Z"), vec![check("a", Verdict::Current, found)])).unwrap();
        let id = history.begin_run(&start()).unwrap();
        history.finish_run(id, &run_of(&start(), vec![outcome("a")])).unwrap();
    }
    let before = history.last_state().unwrap();
    let removed = history.prune(at("2026-03-05T00:00:00.000001Z")).unwrap();
    assert_eq!(removed, 3 + 4, "kept: the last round and the verified one, and the last run");
    assert_eq!(history.last_state().unwrap(), before);
    assert_eq!(before[0].check.as_ref().unwrap().since, at("2026-03-01T00:00:00Z"));
    assert_eq!(history.last_runs(10).unwrap().len(), 1);
}

#[test]
fn trusted_versions_never_go_back() {
    let (_folder, history) = fresh();
    let (name, other) = (target("a"), target("project"));
    assert_eq!(history.trusted(Whose::Mirror(&name)).unwrap(), None);
    let seen = Trusted { root: 2, timestamp: 9, snapshot: 5, targets: 4 };
    history.set_trusted(Whose::Mirror(&name), seen).unwrap();
    history.set_trusted(Whose::Mirror(&name), Trusted { root: 1, timestamp: 3, snapshot: 6, targets: 1 }).unwrap();
    assert_eq!(history.trusted(Whose::Mirror(&name)).unwrap(), Some(Trusted { snapshot: 6, ..seen }));
    history.set_trusted(Whose::Project, seen).unwrap();
    assert_eq!(history.trusted(Whose::Mirror(&other)).unwrap(), None, "a target may be called project");
}

#[test]
fn a_version_that_sqlite_cannot_hold_is_an_error_and_not_another_number() {
    let (_folder, history) = fresh();
    assert!(history.set_trusted(Whose::Project, Trusted { timestamp: u64::MAX, ..Trusted::default() }).is_err());
    assert_eq!(history.trusted(Whose::Project).unwrap(), None);
}

#[test]
fn profiles_and_breakers_are_replaced() {
    let (_folder, history) = fresh();
    let name = target("a");
    let capabilities = Capabilities {
        swap: SwapClass::Torn,
        list: true,
        read: true,
        ranges: false,
        collections: true,
        resume: false,
        space: false,
        fsync: true,
        parallel_puts: 4,
    };
    let profile = |server: &str| TargetProfile {
        capabilities: capabilities.clone(),
        server: Some(server.to_owned()),
        place: Sha256::of(b"sftp one"),
        probed_at: at("2026-03-01T00:00:00Z"),
    };
    let (here, elsewhere) = (Sha256::of(b"sftp one"), Sha256::of(b"sftp other"));
    assert_eq!(history.profile(&name, here).unwrap(), None);
    history.set_profile(&name, &profile("old")).unwrap();
    history.set_profile(&name, &profile("new\u{1b}[2J")).unwrap();
    assert_eq!(history.profile(&name, here).unwrap(), Some(profile("new\\u{1b}[2J")));
    assert_eq!(history.profile(&name, elsewhere).unwrap(), None, "what is known of one server is not true of another");

    assert_eq!(history.breaker(&name).unwrap(), BreakerState::default());
    let open = BreakerState { failures: 5, opened_at: Some(at("2026-03-01T00:00:00Z")) };
    history.set_breaker(&name, open).unwrap();
    assert_eq!(history.breaker(&name).unwrap(), open);
    history.set_breaker(&name, BreakerState::default()).unwrap();
    assert_eq!(history.breaker(&name).unwrap(), BreakerState::default());
}

#[test]
fn the_journal_keeps_each_target_apart_until_it_is_settled() {
    let (_folder, history) = fresh();
    let (ours, theirs) = (target("a"), target("b"));
    history.confirm(&ours, 7, &object("x"), Sha256::of(b"old")).unwrap();
    history.confirm(&ours, 8, &object("x"), Sha256::of(b"new")).unwrap();
    history.confirm(&theirs, 7, &object("y"), Sha256::of(b"y")).unwrap();
    assert_eq!(history.confirmed(&ours).unwrap(), [(object("x"), Sha256::of(b"new"))].into());
    history.confirm(&ours, 8, &object("z"), Sha256::of(b"z")).unwrap();
    assert_eq!(history.settled(&ours).unwrap(), None);
    for holds in [Holds::All, Holds::Newest(2)] {
        let settled = Settled { version: 8, holds };
        history.settle(&ours, settled).unwrap();
        assert_eq!(history.settled(&ours).unwrap(), Some(settled));
    }
    assert!(history.confirmed(&ours).unwrap().is_empty(), "also what was still in memory");
    assert_eq!(history.confirmed(&theirs).unwrap().len(), 1);
}

#[test]
fn confirmations_reach_the_file_in_batches_without_being_asked() {
    let (_folder, history) = fresh();
    let other = History::open(history.path()).unwrap();
    let name = target("a");
    let confirm = |number: usize| history.confirm(&name, 7, &object(&format!("f{number}")), Sha256::of(b"")).unwrap();
    confirm(0);
    assert_eq!(other.confirmed(&name).unwrap().len(), 1, "a single one does not wait for the next");
    (1..=512).for_each(confirm);
    // On a slow disk a commit comes in between, and then a part of the batch waits for the next.
    assert!(other.confirmed(&name).unwrap().len() > 1, "a full batch is committed");
    history.flush().unwrap();
    assert_eq!(other.confirmed(&name).unwrap().len(), 513, "and the rest when asked");
}

#[test]
fn the_later_of_check_and_run_tells_what_is_known_and_only_of_the_version_asked_for() {
    let (_folder, history) = fresh();
    let known = |version| history.last_state().unwrap()[0].known_level(version);
    let good = |level| Outcome { ending: Ending::Done, level: Some(level), ..outcome("a") };
    let push = |started: &str, version, level| {
        let id = history.begin_run(&RunStart { started: at(started), version, ..start() }).unwrap();
        history.record_outcome(id, &good(level)).unwrap();
    };
    push("2026-03-01T00:00:00Z", 6, Level::Complete);
    assert_eq!((known(6), known(7)), (Some(Level::Complete), None), "an older version does not count");
    history.record_round(&round("2026-03-02T00:00:00Z", vec![check("a", Verdict::Behind { by: 1 }, None)])).unwrap();
    assert_eq!(known(6), None, "the check came later and did not find it current");
    push("2026-03-03T00:00:00Z", 7, Level::Current);
    assert_eq!(known(7), Some(Level::Current), "the run came later than the check");
    let verified = check("a", Verdict::Current, Some(Level::Verified));
    history.record_round(&round("2026-03-04T00:00:00Z", vec![verified])).unwrap();
    assert_eq!((known(7), known(8)), (Some(Level::Verified), None));
}

/// A round of this depth that finds these objects bad at mirror `a`, and has looked at everything.
fn finding(depth: Depth, started: &str, bad: &[&str]) -> Round {
    let verdict = if bad.is_empty() { Verdict::Current } else { Verdict::Forged };
    let paths: std::collections::BTreeSet<ObjectPath> = bad.iter().map(|path| object(path)).collect();
    // A look at sizes knows of no other trouble than that.
    let missing = if depth == Depth::Full { std::collections::BTreeSet::new() } else { paths.clone() };
    let suspects = Suspects { paths, missing, exhaustive: true };
    Round {
        depth,
        ..round(started, vec![MirrorCheck { suspects, ..check("a", verdict, bad.is_empty().then_some(Level::Current)) }])
    }
}

#[test]
fn what_was_proven_bad_is_suspected_until_a_check_as_deep_or_a_repair_clears_it() {
    let (_folder, history) = fresh();
    let known = || history.suspects().unwrap().remove(&target("a")).unwrap_or_default();
    let many: Vec<String> = (0..200).map(|number| format!("releases/demo-1/{number:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    history.record_round(&finding(Depth::Full, "2026-03-01T00:00:00Z", &many)).unwrap();
    history.record_round(&finding(Depth::Metadata, "2026-03-02T00:00:00Z", &[])).unwrap();
    history.record_round(&finding(Depth::Files, "2026-03-03T00:00:00Z", &["releases/demo-1/short"])).unwrap();
    assert_eq!(known().len(), 201, "all of them, whatever shallower checks said since");
    assert_eq!(history.last_state().unwrap()[0].altered, 200, "a wrong size is no altered byte");

    let mut gone = finding(Depth::Full, "2026-03-03T12:00:00Z", &many[..3]);
    gone.mirrors[0].suspects.missing.insert(object(many[0]));
    history.record_round(&gone).unwrap();
    assert_eq!((known().len(), history.last_state().unwrap()[0].altered), (3, 2), "what is not there has no other bytes");
    history.record_round(&finding(Depth::Full, "2026-03-03T18:00:00Z", &many)).unwrap();
    history.record_round(&finding(Depth::Files, "2026-03-03T19:00:00Z", &["releases/demo-1/short"])).unwrap();

    let mut silent = finding(Depth::Full, "2026-03-04T00:00:00Z", &[]);
    silent.mirrors[0].suspects.exhaustive = false;
    history.record_round(&silent).unwrap();
    assert_eq!(known().len(), 201, "a check that did not see everything clears nothing");

    history.clear_suspects(&target("a"), &[object("releases/demo-1/000")].into()).unwrap();
    assert_eq!(known().len(), 200);
    history.record_round(&finding(Depth::Full, "2026-03-05T00:00:00Z", &["releases/demo-1/007"])).unwrap();
    assert_eq!(known(), [object("releases/demo-1/007")].into());
}

#[test]
fn what_a_sample_found_altered_stays_until_every_byte_was_read_or_sent_again() {
    let (_folder, history) = fresh();
    let altered = || history.last_state().unwrap()[0].altered;
    let mut sampled = finding(Depth::Metadata, "2026-03-01T00:00:00Z", &["releases/demo-1/large", "releases/demo-1/gone"]);
    sampled.mirrors[0].suspects.missing = [object("releases/demo-1/gone")].into();
    history.record_round(&sampled).unwrap();
    history.record_round(&finding(Depth::Metadata, "2026-03-01T00:05:00Z", &[])).unwrap();
    assert_eq!((history.suspects().unwrap()[&target("a")].len(), altered()), (2, 1));
    history.record_round(&finding(Depth::Files, "2026-03-01T00:10:00Z", &[])).unwrap();
    assert_eq!(history.suspects().unwrap()[&target("a")], [object("releases/demo-1/large")].into(), "sizes tell what is there");
    history.record_round(&finding(Depth::Full, "2026-03-01T00:15:00Z", &[])).unwrap();
    assert!(history.suspects().unwrap().is_empty());
}

#[test]
fn a_run_that_sent_nothing_does_not_outvote_a_check_that_found_the_copy_bad() {
    let (_folder, history) = fresh();
    let known = || history.last_state().unwrap()[0].known_level(7);
    let push = |started: &str, ending| {
        let id = history.begin_run(&RunStart { started: at(started), ..start() }).unwrap();
        let found = Outcome { ending, level: Some(Level::Current), ..outcome("a") };
        history.record_outcome(id, &found).unwrap();
    };
    history.record_round(&round("2026-03-01T00:00:00Z", vec![check("a", Verdict::Forged, None)])).unwrap();
    push("2026-03-02T00:00:00Z", Ending::Unchanged);
    assert_eq!(known(), None);
    push("2026-03-03T00:00:00Z", Ending::Done);
    assert_eq!(known(), Some(Level::Current), "it wrote a pointer of its own");
    push("2026-03-03T06:00:00Z", Ending::Unchanged);
    assert_eq!(known(), Some(Level::Current), "the next one, with nothing to send, does not hide that");

    history.record_round(&finding(Depth::Full, "2026-03-04T00:00:00Z", &["releases/demo-1/a"])).unwrap();
    history.record_round(&finding(Depth::Metadata, "2026-03-05T00:00:00Z", &[])).unwrap();
    push("2026-03-06T00:00:00Z", Ending::Done);
    assert_eq!(known(), None, "neither a check of the metadata nor a push mends an altered file");
    history.clear_suspects(&target("a"), &[object("releases/demo-1/a")].into()).unwrap();
    assert_eq!(known(), Some(Level::Current));
}
