//! The rules of the schedule, each by itself; and the loop, on a clock that is moved by hand.

mod lifeline;
mod mend;
mod plan;

use jiff::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
