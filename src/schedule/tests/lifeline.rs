//! The loop, on a clock that stands still unless everybody waits.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::at;
use crate::history::JobRecord;
use crate::schedule::{Due, Job, JobEnd, MirrorPast, Past, Rhythm, Work, keep_time};

const BEGIN: &str = "2026-03-05T12:00:00Z";

/// Does nothing, remembers everything, and cancels after a while.
struct Diary {
    begin: Instant,
    ends: SignedDuration,
    cancel: CancellationToken,
    past: Past,
    done: Vec<(i64, String)>,
    told: Vec<String>,
    /// What a job answers; else it is done.
    answers: BTreeMap<Job, JobEnd>,
    /// Questions that cannot be answered.
    unreadable: u32,
}

impl Diary {
    fn new(ends: SignedDuration) -> Self {
        let paris = MirrorPast { name: "paris".parse().unwrap(), answers: true, verified: Some(at(BEGIN)), on_trial: None };
        Self {
            begin: Instant::now(),
            ends,
            cancel: CancellationToken::new(),
            past: Past { renewal: Some(at("2026-03-20T00:00:00Z")), mirrors: vec![paris], ..Past::default() },
            done: Vec::new(),
            told: Vec::new(),
            answers: BTreeMap::new(),
            unreadable: 0,
        }
    }

    fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from(self.begin.elapsed()).unwrap()
    }

    fn count(&self, job: &str) -> usize {
        self.done.iter().filter(|(_, done)| done == job).count()
    }

    async fn live(&mut self, once: bool) -> bool {
        let cancel = self.cancel.clone();
        keep_time(self, 7, once, &cancel).await
    }
}

#[async_trait(?Send)]
impl Work for Diary {
    fn now(&self) -> Timestamp {
        at(BEGIN).saturating_add(self.elapsed()).unwrap()
    }

    async fn past(&mut self) -> Result<(Past, Rhythm), ()> {
        if self.elapsed() >= self.ends {
            self.cancel.cancel();
        }
        if self.unreadable > 0 {
            self.unreadable -= 1;
            return Err(());
        }
        Ok((self.past.clone(), Rhythm { every: std::time::Duration::from_mins(5) }))
    }

    async fn carry_out(&mut self, job: &Job) -> JobEnd {
        self.done.push((self.elapsed().as_secs(), job.to_string()));
        let now = self.now();
        match self.answers.get(job) {
            Some(end) => return end.clone(),
            None if *job == Job::Round => self.past.round = Some(now),
            None if *job == Job::Files => (self.past.round, self.past.files) = (Some(now), Some(now)),
            None => {}
        }
        JobEnd::Done
    }

    async fn note(&mut self, job: &Job, record: JobRecord) {
        self.past.jobs.insert(job.to_string(), record);
    }

    fn told(&mut self, job: &Job, end: &JobEnd) {
        self.told.push(format!("{job}: {end:?}"));
    }

    fn waiting(&mut self, _next: Option<&Due>) {}
}

#[tokio::test(start_paused = true)]
async fn a_day_has_its_rounds_its_looks_at_files_and_its_tidying() {
    let mut diary = Diary::new(SignedDuration::from_hours(24));
    assert!(diary.live(false).await);
    let rounds = diary.count("round");
    // Every five minutes, a tenth more or less, and looks at files are rounds too.
    assert!((280..=300).contains(&rounds), "{rounds}");
    assert!((4..=5).contains(&diary.count("files")), "{:?}", diary.count("files"));
    assert!((1..=2).contains(&diary.count("tidy")), "{:?}", diary.count("tidy"));
    assert_eq!((diary.count("repair"), diary.count("renew")), (0, 0));
    let begun: Vec<i64> = diary.done.iter().filter(|(_, job)| job == "round").map(|(moment, _)| *moment).collect();
    assert!(begun.windows(2).all(|pair| pair[1] - pair[0] >= 269), "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_stops_no_other_and_is_tried_again_later_and_later() {
    let mut diary = Diary::new(SignedDuration::from_hours(2));
    diary.past.renewal = Some(at(BEGIN));
    diary.answers.insert(Job::Renew, JobEnd::Failed("no key".into()));
    assert!(!diary.live(false).await);
    let tries: Vec<i64> = diary.done.iter().filter(|(_, job)| job == "renew").map(|(moment, _)| moment / 60).collect();
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63]);
    assert!(diary.count("round") >= 22);
    assert!(diary.told.contains(&"renew: Failed(\"no key\")".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_somebody_else_is_at_is_no_failure() {
    let mut diary = Diary::new(SignedDuration::from_mins(10));
    for job in [Job::Round, Job::Files] {
        diary.answers.insert(job, JobEnd::Skipped("another one".into()));
    }
    assert!(diary.live(false).await);
    assert_eq!(diary.past.jobs["round"].failures, 0);
    assert!((9..=11).contains(&diary.count("round")), "{:?}", diary.done);
}

#[tokio::test(start_paused = true)]
async fn once_does_each_job_that_is_due_and_ends() {
    let mut diary = Diary::new(SignedDuration::from_hours(1));
    diary.past.repair = Some(at(BEGIN));
    assert!(diary.live(true).await);
    let done: Vec<&str> = diary.done.iter().map(|(_, job)| job.as_str()).collect();
    assert_eq!(done, ["round", "repair", "files", "tidy"]);
    assert_eq!(diary.elapsed(), SignedDuration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_asked_again() {
    let mut diary = Diary::new(SignedDuration::from_mins(10));
    diary.unreadable = 3;
    assert!(!diary.live(false).await);
    assert_eq!(diary.done[0], (90, "round".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_job_is_noted_as_failed_before_it_begins() {
    struct Killed(Diary);
    #[async_trait(?Send)]
    impl Work for Killed {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        async fn past(&mut self) -> Result<(Past, Rhythm), ()> {
            self.0.past().await
        }
        async fn carry_out(&mut self, job: &Job) -> JobEnd {
            let noted = self.0.past.jobs[&job.to_string()];
            assert_eq!((noted.began, noted.failures), (self.now(), 1));
            JobEnd::Done
        }
        async fn note(&mut self, job: &Job, record: JobRecord) {
            self.0.note(job, record).await;
        }
        fn told(&mut self, _job: &Job, _end: &JobEnd) {}
        fn waiting(&mut self, _next: Option<&Due>) {}
    }
    let mut killed = Killed(Diary::new(SignedDuration::from_mins(1)));
    let cancel = killed.0.cancel.clone();
    keep_time(&mut killed, 7, true, &cancel).await;
    assert_eq!(killed.0.past.jobs["round"].failures, 0);
}
