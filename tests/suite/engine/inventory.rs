//! What targets hold, and what a push or a repair makes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use spartacus::base::{ByteCount, Holds, Level};
use spartacus::bundle::{BundleEntry, Release};
use spartacus::plan::{Inventory, Upload, plan};
use spartacus::store::Store as _;
use spartacus::transfer::{Ending, Journal as _, Look, NoJournal, Outcome, Settled, run, survey};

use super::actor::{Actor, Cue, Notebook, job_on, orders};
use super::world::{Objects, holds_all_of, inline, path, published, read, release, world};

async fn push(actor: &Actor, release: &Arc<Release>) -> Outcome {
    run(orders(release, vec![job_on(actor.clone())])).await.outcomes.remove(0)
}

async fn repair(actor: &Actor, release: &Arc<Release>, look: Look) -> Outcome {
    let mut job = job_on(actor.clone());
    job.look = look;
    run(orders(release, vec![job])).await.outcomes.remove(0)
}

fn sizes() -> Look {
    Look::Sizes { suspects: BTreeSet::new() }
}

/// Release `version`, changed.
fn changed(version: usize, change: impl FnOnce(&mut Objects)) -> Objects {
    let mut objects = published(&release(version));
    change(&mut objects);
    objects
}

fn set(objects: &mut Objects, at: &str, bytes: &[u8]) {
    objects.insert(path(at), Bytes::copy_from_slice(bytes));
}

fn code(outcome: &Outcome) -> &str {
    outcome.failure.as_ref().map_or("", |failure| failure.code.as_str())
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_or_not_ours_to_judge_is_never_overwritten() {
    let newer_in_parts = changed(3, |objects| drop(objects.remove(&path("metadata/3.snapshot.json"))));
    let newer_spoilt = changed(3, |objects| set(objects, "metadata/3.targets.json", b"{}"));
    let foreign_root = changed(1, |objects| set(objects, "metadata/2.root.json", b"<html>"));
    let unknown_root = changed(1, |objects| {
        objects.insert(path("metadata/2.root.json"), published(&release(3))[&path("metadata/2.root.json")].clone());
    });
    let fork_in_parts = {
        let mut objects = published(&world().fork);
        objects.remove(&path("metadata/2.snapshot.json"));
        objects
    };
    let cases = [
        ("newer", published(&release(3)), Ending::Conflict, "conflict"),
        ("newer in parts", newer_in_parts, Ending::Conflict, "conflict"),
        ("newer with a spoilt list", newer_spoilt, Ending::Conflict, "conflict"),
        ("another of the same version", published(&world().fork), Ending::Conflict, "conflict"),
        ("another of the same version, in parts", fork_in_parts, Ending::Conflict, "conflict"),
        ("a root that we do not know", unknown_root, Ending::Conflict, "conflict"),
        ("a root that nobody knows", foreign_root, Ending::Failed, "corrupt"),
    ];
    for (case, objects, ending, failure) in cases {
        for look in [Look::Pointer, sizes(), Look::Bytes] {
            let actor = Actor::new("target", &objects, []);
            let outcome = repair(&actor, &release(2), look).await;
            assert_eq!((outcome.ending, code(&outcome)), (ending, failure), "{case}: {outcome:?}");
            assert_eq!(actor.store.snapshot(), objects, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_is_made_whole() {
    let lose = |name: &'static str| changed(1, move |objects| drop(objects.remove(&path(name))));
    let cases = [
        ("nothing", Objects::new()),
        ("no pointer", lose("metadata/timestamp.json")),
        ("no snapshot", lose("metadata/1.snapshot.json")),
        ("no list of bundles", lose("metadata/1.targets.json")),
        ("a forged pointer", changed(1, |objects| set(objects, "metadata/timestamp.json", b"{\"signed\":{\"version\":9}}"))),
        ("half a pointer", changed(1, |objects| set(objects, "metadata/timestamp.json", b"{\"sig"))),
        ("an endless pointer", changed(1, |objects| set(objects, "metadata/timestamp.json", &vec![b' '; 20_000]))),
        ("a parking page", changed(1, |objects| set(objects, "metadata/timestamp.json", b"<html>"))),
        ("a forged snapshot", changed(1, |objects| set(objects, "metadata/1.snapshot.json", b"{}"))),
    ];
    for (case, objects) in cases {
        let actor = Actor::new("target", &objects, []);
        let outcome = push(&actor, &release(2)).await;
        assert_eq!(outcome.ending, Ending::Done, "{case}: {outcome:?}");
        holds_all_of(&actor.store.snapshot(), &release(2)).unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_pointer_does_not_cost_the_files() {
    let actor = Actor::new("target", &changed(3, |objects| set(objects, "metadata/timestamp.json", b"{\"sig")), []);
    let outcome = push(&actor, &release(3)).await;
    // Five roles and lists, two roots, the pointer, one convenience.
    assert_eq!((outcome.ending, outcome.objects_sent), (Ending::Done, 9), "{outcome:?}");
    holds_all_of(&actor.store.snapshot(), &release(3)).expect("whole");
}

#[tokio::test(start_paused = true)]
async fn where_metadata_was_forged_no_file_is_believed_by_its_size() {
    let endless = vec![b' '; 20_000];
    let forged: [(&str, &[u8]); 3] = [
        ("metadata/timestamp.json", b"{\"signed\":{\"version\":1}}"),
        ("metadata/timestamp.json", &endless),
        ("metadata/1.snapshot.json", b"{}"),
    ];
    for (spoilt, with) in forged {
        let objects = changed(1, |objects| {
            set(objects, spoilt, with);
            let length = objects[&path("releases/v1/README")].len();
            set(objects, "releases/v1/README", &vec![b'!'; length]);
        });
        let actor = Actor::new("target", &objects, []);
        let outcome = push(&actor, &release(2)).await;
        assert_eq!(outcome.ending, Ending::Done, "{spoilt}: {outcome:?}");
        holds_all_of(&actor.store.snapshot(), &release(2)).unwrap_or_else(|wrong| panic!("{spoilt}: {wrong}"));
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_without_end_locks_no_target() {
    let endless = |objects: &mut Objects, name: &str| set(objects, name, &vec![b' '; 600_000]);
    let snapshot = changed(1, |objects| endless(objects, "metadata/1.snapshot.json"));
    // Of all the releases the third knows a second root.
    let root = changed(3, |objects| {
        endless(objects, "metadata/2.root.json");
        objects.remove(&path("metadata/timestamp.json"));
        objects.insert(path("metadata/timestamp.json"), published(&release(1))[&path("metadata/timestamp.json")].clone());
    });
    for (case, objects, to) in [("a snapshot", snapshot, 2), ("a root", root, 3)] {
        for look in [Look::Pointer, sizes()] {
            let actor = Actor::new("target", &objects, []);
            let outcome = repair(&actor, &release(to), look).await;
            assert_eq!(outcome.ending, Ending::Done, "{case}: {outcome:?}");
            holds_all_of(&actor.store.snapshot(), &release(to)).unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_state_that_comes_meanwhile_stays() {
    let actor = Actor::new("target", &published(&release(1)), [Cue::Rival(published(&release(3)))]);
    let outcome = push(&actor, &release(2)).await;
    assert_eq!((outcome.ending, code(&outcome)), (Ending::Conflict, "conflict"), "{outcome:?}");
    assert_eq!(read(&actor.store.snapshot()).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn names_that_a_listing_leaves_out_are_not_missing() {
    let actor = Actor::new("target", &published(&release(2)), [Cue::HidesDots]);
    let outcome = repair(&actor, &release(2), sizes()).await;
    assert_eq!((outcome.ending, actor.puts()), (Ending::Unchanged, 0), "{outcome:?}");
    actor.store.tamper(&path("releases/v1/.hidden"), "short");
    let outcome = repair(&actor, &release(2), sizes()).await;
    assert_eq!((outcome.ending, outcome.objects_sent), (Ending::Done, 2), "{outcome:?}");
    let fresh = Actor::new("target", &Objects::new(), [Cue::HidesDots]);
    assert_eq!(push(&fresh, &release(2)).await.ending, Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn repair_finds_what_its_look_can_see() {
    let flip = |name: &str| {
        changed(2, |objects| {
            let mut bytes = objects[&path(name)].to_vec();
            bytes[3] ^= 1;
            set(objects, name, &bytes);
        })
    };
    let suspect = |name: &str| Look::Sizes { suspects: [path(name)].into() };
    let cases = [
        ("a missing file", changed(2, |objects| drop(objects.remove(&path("releases/v1/docs/deep/a")))), sizes()),
        ("a short file", changed(2, |objects| set(objects, "releases/v1/README", b"x")), sizes()),
        ("an altered role of the same length", flip("metadata/2.snapshot.json"), sizes()),
        ("an altered root of the same length", flip("metadata/1.root.json"), sizes()),
        ("an altered convenience", flip("index.html"), sizes()),
        ("an altered file, suspected", flip("releases/v1/README"), suspect("releases/v1/README")),
        ("an altered file, read", flip("releases/v2/README"), Look::Bytes),
    ];
    for (case, objects, look) in cases {
        let actor = Actor::new("target", &objects, []);
        let outcome = repair(&actor, &release(2), look).await;
        assert_eq!(outcome.ending, Ending::Done, "{case}: {outcome:?}");
        assert!(outcome.objects_sent <= 2, "{case}: {outcome:?}");
        assert_eq!(actor.store.snapshot(), published(&release(2)), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_tells_the_missing_from_the_wrong() {
    let objects = changed(2, |objects| {
        set(objects, "releases/v1/README", b"longer than it was");
        objects.remove(&path("releases/v1/.hidden"));
    });
    let actor = Actor::new("target", &objects, []);
    let pin = world().pin.clone();
    for how in [Look::Sizes { suspects: [].into() }, Look::Bytes] {
        let found = survey(&actor, &release(2), &pin, Holds::All, &NoJournal, &how).await.expect("a look succeeds");
        assert_eq!(found.lacking, [path("releases/v1/.hidden"), path("releases/v1/README")].into(), "{how:?}");
        assert_eq!(found.missing, [path("releases/v1/.hidden")].into(), "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn replaced_bytes_of_the_same_length_are_read_back() {
    let altered = path("releases/v1/README");
    let objects = changed(2, |objects| set(objects, "releases/v1/README", &[0; 12]));
    let actor = Actor::new("target", &objects, [Cue::Alters(altered.clone())]);
    let outcome = repair(&actor, &release(2), Look::Sizes { suspects: [altered].into() }).await;
    assert_eq!((outcome.ending, code(&outcome)), (Ending::Failed, "corrupt"), "{outcome:?}");
    assert_eq!(actor.puts(), 2, "sent again once");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_alters_metadata_gets_no_pointer() {
    let mut caught = 0;
    for name in ["metadata/1.targets.json", "metadata/timestamp.json"] {
        let actor = Actor::new("target", &Objects::new(), [Cue::Alters(path(name))]);
        let outcome = push(&actor, &release(1)).await;
        caught += usize::from(outcome.ending == Ending::Failed);
    }
    // New objects are only sampled; the pointer is always read back.
    assert!(caught >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_may_hold_more_gets_what_it_lacks() {
    let actor = Actor::new("target", &Objects::new(), []);
    let mut little = job_on(actor.clone());
    little.holds = Holds::Newest(1);
    let found = run(orders(&release(2), vec![little])).await;
    assert_eq!(found.outcomes[0].ending, Ending::Done);
    assert!(!actor.store.snapshot().contains_key(&path("releases/v1/README")));
    assert_eq!(push(&actor, &release(3)).await.ending, Ending::Done);
    holds_all_of(&actor.store.snapshot(), &release(3)).expect("all bundles are there");
}

async fn push_holding(actor: &Actor, holds: Holds, journal: &Notebook) -> Outcome {
    let mut job = job_on(actor.clone());
    job.holds = holds;
    let mut wanted = orders(&release(2), vec![job]);
    wanted.common.journal = Arc::new(journal.clone());
    run(wanted).await.outcomes.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_may_hold_more_gets_it_without_a_new_release() {
    let (actor, journal) = (Actor::new("target", &Objects::new(), []), Notebook::default());
    assert_eq!(push_holding(&actor, Holds::Newest(1), &journal).await.ending, Ending::Done);
    let before = actor.calls();
    let same = push_holding(&actor, Holds::Newest(1), &journal).await;
    assert_eq!((same.ending, actor.calls() - before), (Ending::Unchanged, 1), "{same:?}");

    // The upload of what is new is cut off: the next push goes on.
    let cut = actor.playing([Cue::SilentPut(path("releases/v1/docs/deep/a"))]);
    let mut job = job_on(cut);
    job.holds = Holds::All;
    let mut wanted = orders(&release(2), vec![job]);
    wanted.common.journal = Arc::new(journal.clone());
    wanted.common.timeouts.target = Some(std::time::Duration::from_secs(90));
    assert_eq!(run(wanted).await.outcomes.remove(0).ending, Ending::Failed);

    let grown = push_holding(&actor, Holds::All, &journal).await;
    assert_eq!(grown.ending, Ending::Done, "{grown:?}");
    assert!(grown.notes.iter().any(|note| note.starts_with("more is expected of it")), "{grown:?}");
    holds_all_of(&actor.store.snapshot(), &release(2)).expect("all bundles are there");
    let before = actor.calls();
    let same = push_holding(&actor, Holds::All, &journal).await;
    assert_eq!((same.ending, actor.calls() - before), (Ending::Unchanged, 1), "{same:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_held_more_before_keeps_it_and_is_sent_nothing_twice() {
    let (actor, journal) = (Actor::new("target", &Objects::new(), []), Notebook::default());
    for holds in [Holds::All, Holds::Newest(1), Holds::All] {
        let first = actor.puts() == 0;
        let outcome = push_holding(&actor, holds, &journal).await;
        assert_eq!(outcome.ending, if first { Ending::Done } else { Ending::Unchanged }, "{holds}: {outcome:?}");
    }
    holds_all_of(&actor.store.snapshot(), &release(2)).expect("all bundles are there");
}

#[tokio::test(start_paused = true)]
async fn a_pointer_that_we_do_not_remember_to_have_written_vouches_for_no_file() {
    let little = changed(2, |objects| objects.retain(|name, _| !name.as_str().starts_with("releases/v1/")));
    let (actor, journal) = (Actor::new("target", &little, []), Notebook::default());
    journal.settle(actor.store.target(), Settled { version: 1, holds: Holds::All });
    let outcome = push_holding(&actor, Holds::All, &journal).await;
    assert_eq!(outcome.ending, Ending::Done, "{outcome:?}");
    holds_all_of(&actor.store.snapshot(), &release(2)).expect("all bundles are there");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_a_killed_run_made_is_no_bundle() {
    let objects = changed(2, |objects| {
        objects.retain(|path, _| !path.as_str().starts_with("releases/v1/"));
        // Stores in memory show only folders with something in them.
        set(objects, "releases/v1/.spartacus-1.part", b"x");
    });
    let actor = Actor::new("target", &objects, []);
    let outcome = push(&actor, &release(3)).await;
    assert_eq!((outcome.ending, outcome.level), (Ending::Done, Some(Level::Complete)), "{outcome:?}");
    holds_all_of(&actor.store.snapshot(), &release(3)).expect("what is called complete is there");
}

#[tokio::test(start_paused = true)]
async fn what_an_older_pointer_vouches_for_is_looked_at_before_the_copy_is_called_complete() {
    for lost in ["releases/v1/README", "metadata/1.v1.json", "metadata/1.root.json", "releases/v1/SHA256SUMS.alice.minisig"] {
        let actor = Actor::new("target", &changed(1, |objects| drop(objects.remove(&path(lost)))), []);
        let outcome = push(&actor, &release(2)).await;
        assert_eq!((outcome.ending, outcome.level), (Ending::Done, Some(Level::Complete)), "{lost}: {outcome:?}");
        holds_all_of(&actor.store.snapshot(), &release(2)).unwrap_or_else(|wrong| panic!("{lost}: {wrong}"));
    }
    // The pointer is ours already, so nothing but the root was looked at.
    let actor = Actor::new("target", &changed(3, |objects| drop(objects.remove(&path("metadata/2.root.json")))), []);
    let outcome = push(&actor, &release(3)).await;
    assert_eq!((outcome.ending, outcome.level), (Ending::Done, Some(Level::Current)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drop_box_gets_everything_and_is_not_called_complete() {
    for objects in [Objects::new(), published(&release(1))] {
        for look in [Look::Pointer, sizes(), Look::Bytes] {
            let actor = Actor::new("target", &objects, [Cue::ShowsNothing]);
            let outcome = repair(&actor, &release(2), look).await;
            assert_eq!((outcome.ending, outcome.level), (Ending::Done, Some(Level::Current)), "{outcome:?}");
            holds_all_of(&actor.store.snapshot(), &release(2)).expect("everything was sent");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_for_all_that_lies_there() {
    let actor = Actor::new("target", &published(&release(1)), []);
    let whole: u64 = published(&release(2)).values().map(|bytes| bytes.len() as u64).sum();
    let added: u64 = whole - published(&release(1)).values().map(|bytes| bytes.len() as u64).sum::<u64>();
    let mut job = job_on(actor.clone());
    job.limits.max_bytes = Some(ByteCount(added + 1000));
    let found = run(orders(&release(2), vec![job])).await;
    assert_eq!(code(&found.outcomes[0]), "max_bytes", "{:?}", found.outcomes[0]);
    assert_eq!(actor.puts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_older_bundles_that_nobody_deletes() {
    let length = |objects: &Objects| objects.values().map(|bytes| bytes.len() as u64).sum::<u64>();
    let older = length(&changed(2, |objects| objects.retain(|path, _| path.as_str().starts_with("releases/v1/"))));
    let newest: u64 = {
        let release = release(2);
        let other = release.metadata.iter().chain(&release.roots).map(|object| object.length).sum::<u64>();
        release.bundles[1].files.iter().map(|file| file.length).sum::<u64>() + other
    };
    let fresh = Actor::new("target", &Objects::new(), []);
    let used = Actor::new("target", &published(&release(1)), []);
    for (actor, allowed, expected) in
        [(fresh, newest, ""), (used.clone(), newest + older - 1, "max_bytes"), (used, newest + older, "")]
    {
        let mut job = job_on(actor);
        job.holds = Holds::Newest(1);
        job.limits.max_bytes = Some(ByteCount(allowed));
        let outcome = run(orders(&release(2), vec![job])).await.outcomes.remove(0);
        assert_eq!(code(&outcome), expected, "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("holds:"), "{outcome:?}");
    }
}

#[test]
fn a_plan_costs_a_few_words_for_each_object() {
    let files: Vec<_> = (0..100_000).map(|number| inline(path(format!("releases/v9/{number}")), Bytes::new())).collect();
    let mut wide = (*release(1)).clone();
    let created = wide.bundles[0].created;
    wide.bundles = vec![BundleEntry { name: "v9".parse().expect("a name"), created, files: Arc::new(files) }];
    let plans: Vec<_> = (0..30).map(|_| plan(&wide, Holds::All, &Inventory::empty())).collect();
    assert!(plans.iter().all(|plan| plan.size().0 > 100_000));
    assert!(size_of::<Upload<'_>>() <= 2 * size_of::<usize>());
}
