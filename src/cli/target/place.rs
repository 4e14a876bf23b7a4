//! Which server a profile is of.

use super::list::place;
use crate::base::Sha256;
use crate::config::TargetKind;

/// A digest of protocol and address. What a probe found out counts only as long as the target is still there.
#[must_use]
pub fn place_digest(kind: &TargetKind) -> Sha256 {
    Sha256::of(format!("{} {}", kind.word(), place(kind)).as_bytes())
}
