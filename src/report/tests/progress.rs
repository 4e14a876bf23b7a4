//! What is said while a run goes on.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::sample::{HOSTILE, done, failed, target};
use super::text::is_dangerous;
use crate::base::{ByteCount, Clock, ObjectPath};
use crate::report::progress::{EventWriter, Lines, Progress, follow};
use crate::transfer::{Event, Stage};

fn progress(bytes: u64) -> Event {
    Event::Progress { target: target("alpha"), bytes: ByteCount(bytes) }
}

fn story() -> Vec<Event> {
    let alpha = target("alpha");
    vec![
        Event::RunStarted { targets: vec![alpha.clone(), target("beta")] },
        Event::StageEntered { target: alpha.clone(), stage: Stage::Connecting },
        Event::StageEntered { target: alpha.clone(), stage: Stage::Uploading },
        Event::Planned { target: alpha.clone(), objects: 12, bytes: ByteCount(3 << 20) },
        Event::Sent { target: alpha.clone(), path: ObjectPath::new("a").unwrap(), bytes: ByteCount(1) },
        Event::Retrying { target: alpha, what: "alpha: put a: timed out".into(), attempt: 1, pause_ms: 500 },
        Event::TargetFinished { outcome: Box::new(done("alpha")) },
        Event::TargetFinished { outcome: Box::new(failed("beta")) },
        Event::RunFinished,
    ]
}

#[test]
fn plain_lines_tell_the_story_once() {
    let mut text = Vec::new();
    let mut lines = Lines::new(&mut text);
    for event in story() {
        lines.show(&event, Instant::now()).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
    working on 2 targets
    alpha: uploading
    alpha: 12 files to send, 3.0 MiB
    alpha: try 1 failed, again in 0.5 s: put a: timed out
    alpha: done, complete, 12 files, 3.0 MiB, 2.1 s
    beta: failed: put releases/demo-1/a.iso: no space left
    ");
}

#[test]
fn mere_progress_is_told_at_most_every_ten_seconds() {
    let mut text = Vec::new();
    let mut lines = Lines::new(&mut text);
    let begun = Instant::now();
    lines.show(&Event::Planned { target: target("alpha"), objects: 1, bytes: ByteCount(4096) }, begun).unwrap();
    for second in 0..25 {
        lines.show(&progress(second * 100), begun + Duration::from_secs(second)).unwrap();
    }
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["alpha: 1000 B of 4.0 KiB sent", "alpha: 1.9 KiB of 4.0 KiB sent"]);
}

#[tokio::test]
async fn events_are_written_one_a_line_and_shown_until_the_channel_closes() {
    let (sender, receiver) = mpsc::channel(32);
    for event in story() {
        sender.send(event).await.unwrap();
    }
    let hostile = Event::Retrying { target: target("alpha"), what: HOSTILE.into(), attempt: 2, pause_ms: 0 };
    sender.send(hostile).await.unwrap();
    drop(sender);
    let (mut shown, mut file) = (Vec::new(), Vec::new());
    let clock = Clock::Fixed("2026-03-01T10:00:00Z".parse().unwrap());
    let writer = EventWriter::begin(&mut file, clock).unwrap();
    follow(receiver, Progress::Lines(Lines::new(&mut shown)), Some(writer)).await.unwrap();

    let (shown, file) = (String::from_utf8(shown).unwrap(), String::from_utf8(file).unwrap());
    assert!(!shown.chars().chain(file.chars()).any(|character| character != '\n' && is_dangerous(character)));
    let objects: Vec<serde_json::Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 1 + story().len() + 1);
    assert_eq!(objects[0]["schema"], "spartacus.events/1");
    assert_eq!(objects[10]["what"], HOSTILE, "escaped, not changed");
    assert!(objects.iter().all(|object| object["at"] == "2026-03-01T10:00:00Z" && object["event"].is_string()));
}

/// A terminal or a disk that takes nothing.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_lost_terminal_is_ignored_and_a_lost_events_file_is_not() {
    let feed = || async {
        let (sender, receiver) = mpsc::channel(32);
        for event in story() {
            sender.send(event).await.unwrap();
        }
        receiver
    };
    let mut file = Vec::new();
    let writer = EventWriter::begin(&mut file, Clock::System).unwrap();
    follow(feed().await, Progress::Lines(Lines::new(Gone)), Some(writer)).await.unwrap();
    assert_eq!(String::from_utf8(file).unwrap().lines().count(), 1 + story().len());

    assert!(EventWriter::begin(Gone, Clock::System).is_err());
}
