//! Programs that are told: they get the message and nothing of ours, and none is waited for without end.

use std::path::Path;

use super::super::letter::{Letter, Urgency};
use super::super::way::{Way, send};
use super::*;
use crate::base::{Audience, RouteName};

fn letter() -> Letter {
    Letter {
        id: "1.2".to_owned(),
        thread: "1".to_owned(),
        at: "2026-03-01T10:00:00Z".parse().unwrap(),
        project: "demo".to_owned(),
        route: RouteName::new("oncall").unwrap(),
        audience: Audience::Volunteer,
        urgency: Urgency::Warning,
        title: "paris is stale".to_owned(),
        text: "paris is stale\n".repeat(20_000),
        items: Vec::new(),
        lasting: Vec::new(),
    }
}

fn shell(line: &str, argument: &Path) -> Way {
    Way::Command(["/bin/sh", "-c", line, &argument.display().to_string()].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_program_gets_the_whole_message_on_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event");
    let to = ["ann@example.org".parse().unwrap()];
    send(&shell("cat > \"$0\"", &file), &letter(), &to).await.unwrap();
    let event: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!((&event["schema"], &event["to"][0]), (&"spartacus.alert/1".into(), &"ann@example.org".into()));
    assert_eq!(event["text"].as_str().unwrap().len(), 300_000);
    // One that reads nothing of it is fine too.
    send(&shell("exit 0", folder.path()), &letter(), &[]).await.unwrap();
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_its_words_made_safe() {
    let failed = send(&shell("printf 'no\\033[31mline\\n' >&2; exit 3", Path::new("x")), &letter(), &[]).await.unwrap_err();
    assert_eq!(failed.to_string(), "/bin/sh ended with exit status: 3: no\\u{1b}[31mline");
    let failed = send(&Way::Command(vec!["/nowhere/notify".to_owned()]), &letter(), &[]).await.unwrap_err();
    assert!(failed.to_string().starts_with("/nowhere/notify did not start: "), "{failed}");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let failed = send(&shell("sleep 1000 & echo $$ $! > \"$0\"; wait", &file), &letter(), &[]).await.unwrap_err();
    assert_eq!(failed.to_string(), "not done within 10 s");
    let pids = std::fs::read_to_string(file).unwrap();
    for pid in pids.split_whitespace() {
        // A process that was ended and not yet waited for by init shows as a zombie.
        let state = move || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let begun = std::time::Instant::now();
        while !state().is_empty() && !state().contains(") Z ") {
            assert!(begun.elapsed() < Duration::from_secs(30), "{pid} lives on: {}", state());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(pids.split_whitespace().count(), 2);
}
