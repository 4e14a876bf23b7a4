//! What is due when.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::at;
use crate::history::JobRecord;
use crate::schedule::{Due, Job, MirrorPast, Past, Rhythm, plan};

const RHYTHM: Rhythm = Rhythm { every: std::time::Duration::from_mins(5) };
const NOW: &str = "2026-03-05T12:00:00Z";

fn ago(minutes: i64) -> Timestamp {
    at(NOW).saturating_sub(SignedDuration::from_mins(minutes)).unwrap()
}

fn mirror(name: &str) -> MirrorPast {
    MirrorPast { name: name.parse().unwrap(), answers: true, verified: Some(ago(60)), on_trial: None }
}

/// All is well: looked at a minute ago, files an hour ago, nothing to renew for days.
fn calm() -> Past {
    Past {
        round: Some(ago(1)),
        files: Some(ago(60)),
        pushed: Some(ago(120)),
        renewal: Some(ago(-5 * 24 * 60)),
        repair: None,
        mirrors: vec![mirror("paris"), mirror("lyon")],
        jobs: [("tidy".to_owned(), JobRecord { began: ago(60), failures: 0 })].into(),
    }
}

/// Minutes from now until a job is due; negative: overdue.
fn due_in(past: &Past, job: &Job) -> Option<i64> {
    let jobs = plan(past, RHYTHM, 7, at(NOW));
    jobs.iter().find(|due| due.job == *job).map(|due| due.at.duration_since(at(NOW)).as_mins())
}

fn full(name: &str) -> Job {
    Job::Full(name.parse().unwrap())
}

#[test]
fn when_all_is_well_nothing_is_due_now() {
    assert!(plan(&calm(), RHYTHM, 7, at(NOW)).iter().all(|due| due.at > at(NOW)));
    let round = due_in(&calm(), &Job::Round).unwrap();
    assert!((3..=4).contains(&round), "{round}");
    let files = due_in(&calm(), &Job::Files).unwrap();
    assert!((5 * 60 - 36..=5 * 60 + 36).contains(&files), "{files}");
    assert_eq!(due_in(&calm(), &Job::Repair), None);
    assert_eq!(due_in(&calm(), &Job::Renew), Some(5 * 24 * 60));
}

#[test]
fn before_anything_was_published_there_is_nothing_to_look_for() {
    let jobs: Vec<Job> = plan(&Past::default(), RHYTHM, 7, at(NOW)).into_iter().map(|due| due.job).collect();
    assert_eq!(jobs, [Job::Tidy]);
}

#[test]
fn what_was_never_done_is_due_now_and_the_timestamp_comes_first() {
    let fresh = Past { renewal: Some(ago(0)), mirrors: vec![mirror("paris")], ..Past::default() };
    let now: Vec<Job> = plan(&fresh, RHYTHM, 7, at(NOW)).into_iter().filter(|due| due.at <= at(NOW)).map(|due| due.job).collect();
    assert_eq!(now, [Job::Renew, Job::Round, Job::Files, Job::Tidy]);
}

#[test]
fn files_are_looked_at_soon_after_a_push() {
    let pushed = Past { pushed: Some(ago(2)), ..calm() };
    assert_eq!(due_in(&pushed, &Job::Files), Some(8));
    // Once looked at they have their six hours again.
    let looked = Past { pushed: Some(ago(2)), files: Some(ago(1)), ..calm() };
    assert!(due_in(&looked, &Job::Files).unwrap() > 5 * 60);
}

#[test]
fn missed_rounds_are_made_up_for_once() {
    let asleep = Past { round: Some(ago(3 * 24 * 60)), files: Some(ago(3 * 24 * 60)), ..calm() };
    let overdue: Vec<Job> =
        plan(&asleep, RHYTHM, 7, at(NOW)).into_iter().filter(|due| due.at <= at(NOW)).map(|due| due.job).collect();
    assert_eq!(overdue, [Job::Round, Job::Files]);
}

#[test]
fn every_byte_is_read_once_a_week_and_not_of_all_mirrors_at_once() {
    let mirrors: Vec<MirrorPast> = (0..200).map(|number| mirror(&format!("m{number}"))).collect();
    let past = Past { mirrors, ..calm() };
    let mut of_day = [0; 8];
    for due in plan(&past, RHYTHM, 7, at(NOW)).into_iter().filter(|due| matches!(due.job, Job::Full(_))) {
        let hours = due.at.duration_since(at(NOW)).as_hours();
        // Half a week after the last time at the earliest, a week and a half at the latest.
        assert!((83..=252).contains(&hours), "{due:?}");
        of_day[usize::try_from(hours / 24 - 3).unwrap()] += 1;
    }
    assert_eq!(of_day.iter().sum::<i32>(), 200);
    assert!(of_day.iter().all(|count| *count < 60), "{of_day:?}");
}

#[test]
fn a_mirror_on_trial_is_verified_soon_and_later_and_later() {
    let tried = |since, verified, began: Option<i64>| {
        let on_trial = MirrorPast { on_trial: Some(ago(since)), verified, ..mirror("paris") };
        let mut past = Past { mirrors: vec![on_trial], ..calm() };
        if let Some(began) = began {
            past.jobs.insert("full paris".into(), JobRecord { began: ago(began), failures: 0 });
        }
        due_in(&past, &full("paris")).unwrap()
    };
    assert_eq!(tried(5, None, None), -5);
    // A verification from before it fell from grace proves nothing: a quarter of an hour after the last one.
    assert_eq!(tried(5, Some(ago(60)), None), -45);
    assert_eq!(tried(5, None, Some(5)), 10);
    assert_eq!(tried(120, None, Some(60)), 0);
    assert_eq!(tried(10 * 24 * 60, None, Some(60)), 23 * 60);
}

#[test]
fn a_mirror_that_does_not_answer_is_not_asked_for_every_byte() {
    let silent = MirrorPast { answers: false, on_trial: Some(ago(60)), ..mirror("paris") };
    let past = Past { mirrors: vec![silent], ..calm() };
    assert_eq!(due_in(&past, &full("paris")), None);
    assert!(due_in(&past, &Job::Round).is_some());
}

#[test]
fn a_job_that_fails_is_tried_later_and_later() {
    for (failures, pause) in [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
        let mut past = Past { repair: Some(ago(60)), ..calm() };
        past.jobs.insert("repair".into(), JobRecord { began: ago(0), failures });
        assert_eq!(due_in(&past, &Job::Repair), Some(pause), "{failures} failures");
    }
}

#[test]
fn a_clock_that_was_set_back_stops_nothing() {
    let ahead = Past { round: Some(ago(-365 * 24 * 60)), files: Some(ago(-365 * 24 * 60)), ..calm() };
    assert!(due_in(&ahead, &Job::Round).unwrap() <= 5);
    assert!(due_in(&ahead, &Job::Files).unwrap() <= 7 * 60);
}

fn moments() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of((-20_000_i64..20_000).prop_map(ago))
}

fn pasts() -> impl Strategy<Value = Past> {
    let mirrors = proptest::collection::vec((0..40_u8, any::<bool>(), moments(), moments()), 0..12);
    let jobs = proptest::collection::vec((0..5_usize, -2_000_i64..2_000, 0..20_u32), 0..5);
    (moments(), moments(), moments(), moments(), moments(), mirrors, jobs).prop_map(
        |(round, files, pushed, renewal, repair, mirrors, jobs)| {
            let mut found: Vec<MirrorPast> = Vec::new();
            for (number, answers, verified, on_trial) in mirrors {
                let name = format!("m{number}").parse().unwrap();
                if found.iter().all(|mirror| mirror.name != name) {
                    found.push(MirrorPast { name, answers, verified, on_trial });
                }
            }
            let names = ["round", "files", "renew", "repair", "full m1"];
            let jobs = jobs
                .into_iter()
                .map(|(name, minutes, failures)| (names[name].to_owned(), JobRecord { began: ago(minutes), failures }));
            Past { round, files, pushed, renewal, repair, mirrors: found, jobs: jobs.collect() }
        },
    )
}

proptest! {
    #[test]
    fn the_plan_is_sorted_has_each_job_once_and_does_not_change_by_asking(past in pasts(), seed: u64) {
        let jobs = plan(&past, RHYTHM, seed, at(NOW));
        prop_assert_eq!(&jobs, &plan(&past, RHYTHM, seed, at(NOW)));
        prop_assert!(jobs.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].job != pair[1].job));
        let rounds = jobs.iter().any(|due| due.job == Job::Round);
        prop_assert_eq!(rounds, past.renewal.is_some() && !past.mirrors.is_empty());
    }

    #[test]
    fn no_job_is_begun_again_within_a_minute(past in pasts(), seed: u64) {
        for Due { at: moment, job } in plan(&past, RHYTHM, seed, at(NOW)) {
            if let Some(record) = past.jobs.get(&job.to_string()) {
                prop_assert!(moment.duration_since(record.began.min(at(NOW))) >= SignedDuration::from_mins(1));
            }
        }
    }

    #[test]
    fn rounds_keep_their_distance(minutes in 0_i64..5, seed: u64) {
        let past = Past { round: Some(ago(minutes)), ..calm() };
        let jobs = plan(&past, RHYTHM, seed, at(NOW));
        let due = jobs.iter().find(|due| due.job == Job::Round).unwrap();
        let seconds = due.at.duration_since(ago(minutes)).as_secs();
        prop_assert!((269..=330).contains(&seconds), "{}", seconds);
    }
}
