//! What probes saw of a mirror beside its metadata and files.
//!
//! A probe that was not made in a round (not due, nothing to ask, not allowed by the volunteer) has left nothing here: that
//! says nothing about the mirror.

mod record;

pub use record::{
    CertificateSight, Family, Phase, Phases, Probes, Reach, Sample, Throughput, Trouble, TroubleClass, WriteProbe, WriteStep,
};
