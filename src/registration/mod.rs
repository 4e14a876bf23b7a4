//! How a volunteer's web space becomes a mirror.
//!
//! Purpose: to examine a place that somebody offers, before anything of ours goes there: whether it works, and whether we were
//! given more than we need.
//! Comes in: a [`Place`]: a way in, and the address that readers will use. Goes out: an [`Examination`]: findings, each with
//! what is to be mended and how.
//! Must not know: history, the command line, the web; what was pushed before.

mod examination;

pub use examination::{Check, Examination, Finding, Login, Outcome, Place, PublicFace, examine, examine_chroot};
