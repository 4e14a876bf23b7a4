//! How every mirror is.
//!
//! Purpose: look at mirrors as readers see them (and through their stores where there is no public face), and turn
//! what was observed into a [`Verdict`] with its evidence.
//! Comes in: mirrors as [`crate::reader::Source`]s, the pin, what we published last. Goes out: [`Round`].
//! Must not know: how it is told or stored.

mod check;
mod findings;
mod lists;
mod name_servers;
mod observation;
mod patience;
mod probe;
mod record;
pub mod resilience;
mod round;
mod speed;
mod standing;
mod store_source;
mod unreachable;
mod vantage;

pub use check::{Companions, Expectation, Mirror, check};
pub use name_servers::{NameServerSight, ask_name_servers};
pub use observation::Observation;
pub use probe::{
    Account, CertificateSight, Control, Family, FileCounts, Phase, Phases, ProbeClock, ProbeOrders, Probes, Reach, ReachProbe,
    Sample, SampleOrder, Throughput, Trouble, TroubleClass, When, WriteOrder, WriteProbe, WriteStep,
};
pub use record::{Depth, Evidence, MirrorCheck, Round, Seen, Suspects, Verdict};
pub use round::{AT_ONCE, RoundOrders, round};
pub use speed::{median, paces, quantile};
pub use standing::{
    Around, Condition, Counters, Pace, Reason, ReasonCode, Standing, condition_of, is_silent_elsewhere, judge, observer_fault,
};
pub use store_source::StoreSource;
pub use unreachable::Unreachable;
pub use vantage::{
    Admission, Elsewhere, Glance, LONGEST_TESTIMONY, LONGEST_VALID, Refusal, Testimony, admit, is_blind, to_read_again,
};
