//! Text for people.

use jiff::Timestamp;

use super::sample;
use crate::base::{Level, Quorum};
use crate::report::{
    Style, check_table, render_error, round_headline, run_headline, run_table, runs_table, status_headline, status_table, words,
};
use crate::transfer::Run;

#[test]
fn a_run_is_a_table_and_below_it_what_went_wrong() {
    insta::assert_snapshot!(run_table(&sample::run(), Style::default()), @r"
    target  protocol  result  level     files     sent  retries   time
    alpha   sftp      done    complete     12  3.0 MiB        0  2.1 s
    beta    webdav    failed  -             3  4.0 KiB        4  4 min
    gamma   sftp      done    complete     12  3.0 MiB        0  2.1 s

    beta: failed: put releases/demo-1/a.iso: no space left
      caused by: 507 Insufficient Storage
      hint: ask the operator for space, or set `holds: newest 3` on target beta
    gamma: note: readers may find no timestamp.json for a moment (swap: gap)
    ");
}

#[test]
fn a_round_is_told_worst_first_with_its_evidence() {
    insta::assert_snapshot!(check_table(&sample::round(), Style::default()), @r"
    mirror   verdict                        level     release  version  files   hashed   time
    gamma    FORGED OR ALTERED              -         demo-1         7     12  3.0 MiB  0.9 s
    delta    BEHIND 2                       -         demo-1         7     12  3.0 MiB  0.9 s
    epsilon  STALE since 2026-02-01 00:00Z  -         demo-1         7     12  3.0 MiB  0.9 s
    beta     UNREADABLE                     -         -              -      0      0 B  0.9 s
    alpha    CURRENT                        verified  demo-1         7     12  3.0 MiB  0.9 s

    gamma: FORGED OR ALTERED (read from https://gamma.example/)
      releases/demo-1/a.iso: sha256 is 01ba4719, signed is e3b0c442
    beta: UNREADABLE (read from https://beta.example/)
      connection refused

    probes:
      alpha  sample: 8 pieces hashed (9.0 MiB), 1 altered; not read: releases/demo-1/a.iso: no answer in time
      alpha  speed: 8.3 MiB/s (1.0 MiB in 120 ms)
      alpha  write: FAILED to show readers what was written: readers do not find it, 7.0 GiB free
    ");
}

#[test]
fn status_tells_what_is_remembered() {
    let (mirrors, runs) = sample::remembered();
    insta::assert_snapshot!(status_table(&mirrors, now(), Style::default()), @r"
    mirror   verdict                 level     since     checked   verified  last run
    gamma    FORGED OR ALTERED       -         25 h ago  24 h ago  -         push done 26 h ago
    delta    BEHIND 2                -         25 h ago  24 h ago  -         -
    epsilon  STALE since 2026-02-01  -         25 h ago  24 h ago  -         -
             00:00Z
    beta     UNREADABLE              -         25 h ago  24 h ago  -         push failed 26 h ago
    alpha    CURRENT                 verified  25 h ago  24 h ago  24 h ago  push done 26 h ago
    zeta     never checked           -         -         -         -         renew done 26 h ago
    ");
    insta::assert_snapshot!(runs_table(&runs, Style::default()), @r"
    run  kind   release  version  began              copies            result
      2  renew  demo-1         8  2026-03-01 10:00Z  1 of 1, wanted 3  unfinished
      1  push   demo-1         7  2026-03-01 10:00Z  2 of 3, wanted 3  too few
    ");
    let release = "demo-1".parse().unwrap();
    assert_eq!(status_headline(Some(&release), 7, 3, &mirrors), "last known: demo-1 complete on 2 of 6 mirrors, wanted 3");
    assert_eq!(status_headline(Some(&release), 8, 1, &mirrors), "last known: demo-1 complete on 1 of 6 mirrors");
}

#[test]
fn the_headline_names_the_lowest_level_and_what_is_missing() {
    let run = sample::run();
    assert_eq!(run_headline(&run), "demo-1 complete on 2 of 3 mirrors, wanted 3");
    let met = Run { wanted: 2, quorum: Quorum::Met, level: Some(Level::Verified), ..run.clone() };
    assert_eq!(run_headline(&met), "demo-1 verified on 2 of 3 mirrors");
    let one = Run { wanted: 1, release: None, outcomes: vec![sample::done("alpha")], level: Some(Level::Current), ..run.clone() };
    assert_eq!(run_headline(&one), "version 7 current on 1 of 1 mirror");
    let none = Run { level: None, outcomes: vec![sample::failed("a"), sample::failed("b")], wanted: 2, cancelled: true, ..run };
    assert_eq!(run_headline(&none), "demo-1 current on 0 of 2 mirrors, wanted 2 (cancelled)");
    assert_eq!(round_headline(&sample::round()), "demo-1 verified on 1 of 5 mirrors, wanted 2");
}

/// A day and two hours after the sample's run.
fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

#[test]
fn durations_and_ages_are_told_in_one_or_two_units() {
    let durations = [0, 950, 119_999, 120_000, 7_199_000, 12_000_000].map(words::duration);
    assert_eq!(durations, ["0.0 s", "0.9 s", "119.9 s", "2 min", "119 min", "3 h 20 min"]);
    let ages = ["12:00:30", "11:59:01", "11:58:59", "10:00:01", "10:00:00"]
        .map(|time| words::ago(format!("2026-03-02T{time}Z").parse().unwrap(), now()));
    assert_eq!(ages, ["just now", "just now", "1 min ago", "119 min ago", "2 h ago"]);
    assert_eq!(words::ago("2026-02-01T00:00:00Z".parse().unwrap(), now()), "29 days ago");
}

#[derive(Debug, thiserror::Error)]
#[error("beta: put a: failed")]
struct Outer(#[source] std::io::Error);

#[test]
fn an_error_is_told_with_each_cause_once_and_its_hints() {
    let error = Outer(std::io::Error::other("disk\u{1b}[31m gone"));
    let hints = ["spartacus target probe beta".to_owned()];
    insta::assert_snapshot!(render_error(&error, &hints), @r"
    error: beta: put a: failed
      caused by: disk\u{1b}[31m gone
    hint: spartacus target probe beta
    ");
}

#[test]
fn tables_fit_eighty_columns_even_with_long_names() {
    let style = Style { width: 80, ..Style::default() };
    let long = "a".repeat(64);
    let mut run = sample::run();
    run.outcomes[0].target = sample::target(&long);
    let mut round = sample::round();
    round.mirrors[4].target = sample::target(&long);
    let (mirrors, runs) = sample::remembered();
    // Only the tables: evidence and causes hold paths that must stay whole, to be copied.
    let tables =
        [run_table(&run, style), check_table(&round, style), status_table(&mirrors, now(), style), runs_table(&runs, style)];
    for table in tables {
        for line in table.split("\n\n").next().unwrap().lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let style = Style { colour: true, ..Style::default() };
    let coloured = check_table(&sample::round(), style);
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = strip_colour(&coloured);
    assert_eq!(plain, check_table(&sample::round(), Style::default()));
}

/// Removes `ESC [ ... m` sequences.
fn strip_colour(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest: String = pieces.map(|piece| piece.split_once('m').unwrap().1).collect();
    (first + &rest).lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[test]
fn no_control_character_reaches_a_terminal() {
    let style = Style::default();
    let error = Outer(std::io::Error::other(sample::HOSTILE));
    let texts = [
        run_table(&sample::hostile_run(), style),
        check_table(&sample::hostile_round(), style),
        status_table(&sample::hostile_states(), now(), style),
        render_error(&error, &[sample::HOSTILE.to_owned()]),
    ];
    for text in texts {
        let bad = text.chars().find(|&character| character != '\n' && is_dangerous(character));
        assert_eq!(bad, None, "{text:?}");
        assert!(text.contains("evil") || text.contains("alpha"));
    }
}

pub(super) fn is_dangerous(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
