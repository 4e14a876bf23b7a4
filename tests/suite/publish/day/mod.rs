//! A day in fast time: 288 rounds of the real program over real servers, one fault after the other, each in its own hour.
//!
//! The program is not told that it is watched: `faketime` sets the clock that it sees, and stops it for as long as one
//! command runs, so that every round begins at its minute exactly. The table of what was injected and what was reported
//! stands in docs/health.md, and must be what was observed.

mod fault;
mod table;
mod world;

use jiff::{SignedDuration, Timestamp};
use spartacus::health::Condition;
use spartacus::history::{Event, EventKind};

use fault::Fault;
use table::Row;
use world::World;

/// Minutes between two rounds.
const EVERY: i64 = 5;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Midnight: a day after every certificate has begun and before the good ones end.
fn midnight() -> Timestamp {
    "2027-03-01T00:00:00Z".parse().expect("a moment")
}

/// A minute of the day.
fn minute(count: i64) -> Timestamp {
    midnight() + SignedDuration::from_mins(count)
}

/// What happens at a minute, besides the rounds.
#[derive(Debug, Clone, Copy)]
enum Act {
    Inject(Fault),
    Heal(Fault),
    /// `check --full` of the mirror that the fault is about.
    Verify(Fault),
}

/// The faults with the minute in which each begins: one an hour, from one o'clock on; a fault that a sample has to find
/// gets two.
fn begins() -> Vec<(Fault, i64)> {
    let mut hour = 1;
    let mut found = Vec::new();
    for fault in Fault::ALL {
        found.push((fault, hour * 60 + fault.begins()));
        hour += if fault.lasts() > 60 { 2 } else { 1 };
    }
    assert!(hour <= 24, "the day is too short");
    found
}

fn acts() -> Vec<(i64, Act)> {
    let mut acts = Vec::new();
    for (fault, begin) in begins() {
        let end = begin + fault.lasts();
        acts.extend([(begin, Act::Inject(fault)), (end, Act::Heal(fault))]);
        // Two: a quarantined mirror needs as many.
        acts.extend([10, 15].into_iter().filter(|_| fault.needs_verifying()).map(|later| (end + later, Act::Verify(fault))));
    }
    acts.sort_by_key(|(minute, _)| *minute);
    acts
}

#[test]
fn every_fault_of_a_day_is_reported_in_time_and_nothing_else_is() {
    let world = World::begin();
    let mut acts = acts().into_iter().peekable();
    for now in (EVERY..DAY).step_by(usize::try_from(EVERY).expect("a few")) {
        while let Some((minute, act)) = acts.next_if(|(minute, _)| *minute <= now) {
            match act {
                Act::Inject(fault) => fault.inject(&world),
                Act::Heal(fault) => fault.heal(&world, self::minute(minute)),
                Act::Verify(fault) => world.check(self::minute(minute), &["--full", "--only", fault.mirror()]),
            }
        }
        let canaries = begins().into_iter().any(|(fault, begin)| fault.needs_canaries() && (begin..begin + 55).contains(&now));
        world.check(minute(now), if canaries { &["--files", "--write"] } else { &["--files"] });
    }
    assert!(acts.next().is_none(), "every fault was healed within the day");
    // A month without anybody who renews the pointer; then somebody does.
    let (late, renewed) = (minute(32 * DAY), minute(32 * DAY + 2));
    world.check(late, &["--files"]);
    world.push_again(renewed);
    world.check(minute(32 * DAY + EVERY), &["--files"]);

    let history = world.history();
    let mut rows = Vec::new();
    let mut explained = 0;
    for (fault, begin) in begins() {
        let (begin, next) = (minute(begin), minute(begin + fault.is_over_after()));
        let (row, events) = match fault {
            Fault::AllGone => Row::of_ourselves(fault, begin, &within(&World::events_about_ourselves(&history), begin, next)),
            _ => Row::of_mirror(fault, begin, &within(&World::events(&history, fault.mirror()), begin, next)),
        };
        rows.push(row);
        explained += events;
    }
    let mirrors = world.mirrors();
    let lives: Vec<Vec<Event>> = mirrors.iter().map(|mirror| World::events(&history, mirror)).collect();
    rows.push(Row::of_age(late, &lives));
    // Twice for each mirror: when it grew old, and when that was over.
    explained += 2 * mirrors.len();

    let changes: Vec<&Event> = lives.iter().flatten().filter(|event| is_change(event)).collect();
    assert_eq!(changes.len(), explained, "changes that no fault explains are among these:\n{changes:#?}");
    table::compare_with_the_manual(&rows);
}

fn within(events: &[Event], begin: Timestamp, end: Timestamp) -> Vec<Event> {
    events.iter().filter(|event| event.at >= begin && event.at < end).cloned().collect()
}

/// A change of condition; the first word on a mirror is none.
fn is_change(event: &Event) -> bool {
    matches!(&event.what, EventKind::Changed { from, .. } if *from != Condition::Unknown)
}
