//! What was injected and what was reported, as a table.

use jiff::{SignedDuration, Timestamp};
use spartacus::health::{Condition, ReasonCode};
use spartacus::history::{Event, EventKind};

use super::fault::Fault;
use super::minute;
use crate::support::tools::repository;

/// One line of it.
pub struct Row {
    injected: String,
    at: String,
    reported: String,
    after: String,
    cleared: String,
}

impl Row {
    /// What became of a fault of one mirror, and how many events that were. Anything but what is expected fails.
    pub fn of_mirror(fault: Fault, begin: Timestamp, events: &[Event]) -> (Self, usize) {
        let (condition, code) = fault.expected();
        let changes: Vec<(Timestamp, Condition, Option<ReasonCode>)> = events.iter().filter_map(change).collect();
        let mut expected = vec![(condition, Some(code))];
        if condition == Condition::Unreachable {
            expected.push((Condition::Degraded, Some(ReasonCode::Reverifying)));
        }
        expected.push((Condition::Healthy, None));
        let seen: Vec<(Condition, Option<ReasonCode>)> = changes.iter().map(|(_, to, code)| (*to, *code)).collect();
        assert_eq!(seen, expected, "{fault:?} was not reported so: {events:#?}");
        let (reported, cleared) = (changes[0].0, changes[changes.len() - 1].0);
        let healed = begin + SignedDuration::from_mins(fault.lasts());
        let way = if fault.needs_verifying() { ", verified in full" } else { "" };
        let row = Self {
            injected: fault.title().to_owned(),
            at: clock(begin),
            reported: format!("{condition}: {}", words(code)),
            after: minutes(reported.duration_since(begin)),
            cleared: format!("mended {}, {} after that{way}", clock(healed), minutes(cleared.duration_since(healed))),
        };
        (row, changes.len())
    }

    /// A fault that is ours: told once, and no mirror's condition changes.
    pub fn of_ourselves(fault: Fault, begin: Timestamp, events: &[Event]) -> (Self, usize) {
        let [
            Event { at: reported, what: EventKind::ObserverFault { what }, .. },
            Event { at: over, what: EventKind::ObserverBack, .. },
        ] = events
        else {
            panic!("our own outage was not told once and taken back once: {events:#?}")
        };
        assert_eq!(what, "we are offline: none of the places in `health.control` answers");
        let healed = begin + SignedDuration::from_mins(fault.lasts());
        let row = Self {
            injected: fault.title().to_owned(),
            at: clock(begin),
            reported: "our own outage; every condition stays".to_owned(),
            after: minutes(reported.duration_since(begin)),
            cleared: format!("mended {}, {} after that", clock(healed), minutes(over.duration_since(healed))),
        };
        (row, 0)
    }

    /// The pointer that nobody renewed: every mirror is stale at the first look, and healthy after the push.
    pub fn of_age(late: Timestamp, mirrors: &[Vec<Event>]) -> Self {
        for events in mirrors {
            let changes: Vec<_> = events.iter().filter_map(change).filter(|(at, ..)| *at >= late).collect();
            let seen: Vec<(Condition, Option<ReasonCode>)> = changes.iter().map(|(_, to, code)| (*to, *code)).collect();
            assert_eq!(seen, [(Condition::Stale, Some(ReasonCode::Expired)), (Condition::Healthy, None)], "{events:#?}");
        }
        Self {
            injected: "nobody renews the pointer for a month (all)".to_owned(),
            at: "a month later".to_owned(),
            reported: format!("{}: {}", Condition::Stale, words(ReasonCode::Expired)),
            after: "first look".to_owned(),
            cleared: "pushed again, next look".to_owned(),
        }
    }

    fn line(&self) -> String {
        format!("| {} | {} | {} | {} | {} |\n", self.injected, self.at, self.reported, self.after, self.cleared)
    }
}

/// When a condition changed, to what, and the worst reason.
fn change(event: &Event) -> Option<(Timestamp, Condition, Option<ReasonCode>)> {
    match &event.what {
        EventKind::Changed { to, reasons, .. } => Some((event.at, *to, reasons.first().map(|reason| reason.code))),
        _ => None,
    }
}

fn words(code: ReasonCode) -> String {
    serde_json::to_value(code).expect("a word").as_str().expect("a word").replace('_', " ")
}

fn clock(moment: Timestamp) -> String {
    let minutes = moment.duration_since(minute(0)).as_mins();
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(span: SignedDuration) -> String {
    format!("{} min", span.as_mins())
}

/// Expects the table in docs/health.md.
pub fn compare_with_the_manual(rows: &[Row]) {
    let head = "| injected | when | reported as | after | cleared |\n| --- | --- | --- | --- | --- |\n";
    let table: String = [head.to_owned()].into_iter().chain(rows.iter().map(Row::line)).collect();
    let manual = std::fs::read_to_string(repository().join("docs/health.md")).expect("the manual");
    assert!(manual.contains(&table), "docs/health.md does not have what was observed:\n\n{table}");
}
