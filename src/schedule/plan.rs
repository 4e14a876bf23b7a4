//! What is due when: one pure function of what was done, of how mirrors stand, and of the clock.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::TargetName;
use crate::history::JobRecord;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Rounds and looks at files come up to a tenth earlier or later: regular visits are easy to serve differently.
const JITTER: f64 = 0.1;
/// Between two looks at all files.
const FILES: SignedDuration = SignedDuration::from_hours(6);
/// So long after a push its files are looked at: caches and slow web servers have had their time.
const AFTER_PUSH: SignedDuration = SignedDuration::from_mins(10);
/// Between two verifications of a mirror that has to prove itself, at first; the pause grows with how long that lasts.
const PROOF: SignedDuration = SignedDuration::from_mins(15);
/// A job is begun again this long after it was begun, at the earliest, whatever else says.
const BREATH: SignedDuration = MINUTE;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// A new timestamp: without it every mirror becomes stale.
    Renew,
    /// One look at every mirror's metadata.
    Round,
    /// Repairs of what rounds found.
    Repair,
    /// The same, and every file.
    Files,
    /// Every byte of one mirror.
    Full(TargetName),
    /// Records that nobody needs any more are removed.
    Tidy,
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renew => formatter.pad("renew"),
            Self::Round => formatter.pad("round"),
            Self::Repair => formatter.pad("repair"),
            Self::Files => formatter.pad("files"),
            Self::Full(mirror) => formatter.pad(&format!("full {mirror}")),
            Self::Tidy => formatter.pad("tidy"),
        }
    }
}

/// A job and its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When; in the past if it was missed.
    pub at: Timestamp,
    /// What.
    pub job: Job,
}

/// How often things are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Time between two rounds (`health.every`).
    pub every: Duration,
}

/// What was done, and what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// When the last look at all mirrors began, however deep.
    pub round: Option<Timestamp>,
    /// When the last look at all files of all mirrors began.
    pub files: Option<Timestamp>,
    /// When the last run to the mirrors ended.
    pub pushed: Option<Timestamp>,
    /// When half the life of the timestamp is gone; `None`: nothing was published.
    pub renewal: Option<Timestamp>,
    /// From when on a mirror may be repaired; `None`: no mirror needs it.
    pub repair: Option<Timestamp>,
    /// The mirrors that take part.
    pub mirrors: Vec<MirrorPast>,
    /// When each job was last begun, by its words.
    pub jobs: BTreeMap<String, JobRecord>,
}

/// What is known of one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorPast {
    /// Which.
    pub name: TargetName,
    /// It answered the last time. One that does not is not asked for every byte.
    pub answers: bool,
    /// When every byte of it was last hashed and right.
    pub verified: Option<Timestamp>,
    /// Since when it has to be verified before it counts again (quarantined, or back after it was away); `None`: it need not.
    pub on_trial: Option<Timestamp>,
}

/// The jobs, each once, the earliest first; of those with one moment the more urgent first.
///
/// Pure: the same arguments give the same moments, so asking again changes nothing, and neither does a restart. What was
/// missed is due once, however often it was missed. `seed` is the project's own, so that projects differ.
#[must_use]
pub fn plan(past: &Past, rhythm: Rhythm, seed: u64, now: Timestamp) -> Vec<Due> {
    let mut jobs = Vec::new();
    if let Some(moment) = past.renewal {
        jobs.push(Due { at: moment, job: Job::Renew });
    }
    // Without a release there is nothing that a mirror could be held against.
    if past.renewal.is_some() && !past.mirrors.is_empty() {
        let every = SignedDuration::try_from(rhythm.every).unwrap_or(DAY);
        jobs.push(Due { at: regularly(past.round, every, seed, "round", now), job: Job::Round });
        jobs.push(Due { at: files(past, seed, now), job: Job::Files });
        jobs.extend(past.mirrors.iter().filter(|mirror| mirror.answers).map(|mirror| full(past, mirror, seed, now)));
        jobs.extend(past.repair.map(|moment| Due { at: moment, job: Job::Repair }));
    }
    let tidied = past.jobs.get(&Job::Tidy.to_string()).map(|record| record.began);
    jobs.push(Due { at: regularly(tidied, DAY, seed, "tidy", now), job: Job::Tidy });
    for due in &mut jobs {
        if let Some(record) = past.jobs.get(&due.job.to_string()) {
            due.at = due.at.max(again(*record, now));
        }
    }
    jobs.sort_by(|one, other| (one.at, &one.job).cmp(&(other.at, &other.job)));
    jobs
}

/// `last + period`, a little earlier or later. A moment that the clock has not reached yet (it was set back) counts as now.
fn regularly(last: Option<Timestamp>, period: SignedDuration, seed: u64, what: &str, now: Timestamp) -> Timestamp {
    let Some(last) = last.map(|last| last.min(now)) else { return now };
    let swing = 1.0 + JITTER * (2.0 * share(seed, what, last.as_second()) - 1.0);
    later(last, SignedDuration::from_secs_f64(period.as_secs_f64() * swing))
}

fn files(past: &Past, seed: u64, now: Timestamp) -> Timestamp {
    let regular = regularly(past.files, FILES, seed, "files", now);
    match past.pushed {
        Some(pushed) if past.files.is_none_or(|files| files < pushed) => regular.min(later(pushed.min(now), AFTER_PUSH)),
        _ => regular,
    }
}

/// Each mirror has a moment of the week of its own, so that never all are read at once. One that has to prove itself does not
/// wait for it.
fn full(past: &Past, mirror: &MirrorPast, seed: u64, now: Timestamp) -> Due {
    let job = Job::Full(mirror.name.clone());
    let begun = past.jobs.get(&job.to_string()).map(|record| record.began);
    let last = mirror.verified.max(begun).map(|last| last.min(now));
    let at = match (mirror.on_trial, last) {
        (Some(since), Some(last)) => later(last, last.duration_since(since).clamp(PROOF, DAY)),
        (Some(since), None) => since,
        // At the same hour of some day within a week, half a week after the last time at the earliest.
        (None, Some(last)) => slot(later(last, WEEK / 2), WEEK, seed, &mirror.name),
        // Within a day of the first look at it, which is when this is asked for the first time.
        (None, None) => slot(past.round.unwrap_or(now).min(now), DAY, seed, &mirror.name),
    };
    Due { at, job }
}

/// The first moment after `after` that lies at this mirror's own place in the period.
fn slot(after: Timestamp, period: SignedDuration, seed: u64, mirror: &TargetName) -> Timestamp {
    let (period, after) = (period.as_secs(), after.as_second());
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a share of a week in seconds")]
    let place = (share(seed, mirror.as_str(), 0) * period as f64) as i64;
    let wait = (place - after).rem_euclid(period);
    Timestamp::from_second(after + wait).unwrap_or(Timestamp::MAX)
}

/// After a failure a minute, then each time twice as long, at most an hour; without one a breath.
fn again(record: JobRecord, now: Timestamp) -> Timestamp {
    let pause = match record.failures {
        0 => BREATH,
        failures => MINUTE.checked_mul(1 << (failures - 1).min(6)).unwrap_or(HOUR).min(HOUR),
    };
    later(record.began.min(now), pause)
}

fn later(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// A number from 0 to 1 that these three decide.
fn share(seed: u64, what: &str, moment: i64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, what, moment).hash(&mut hasher);
    fastrand::Rng::with_seed(hasher.finish()).f64()
}
