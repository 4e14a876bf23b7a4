//! Rounds of checks, one at a time: two at once would count what they saw twice.

use std::time::Duration;

use super::cancel::Cancel;
use super::exit::{self, Failure};
use super::session::{Session, bundle_failure};
use super::surface::Surface;
use crate::bundle::{BundleError, ProjectLock};

/// The errand that rounds lock for (see [`crate::bundle::Project::lock_for`]).
const ROUND: &str = "round";
/// Between two tries to get the lock.
const AGAIN: Duration = Duration::from_millis(200);

/// Takes the lock of rounds, or says at once who looks at the mirrors already. It is not the project's lock: a push and a
/// round can go on together.
pub fn alone(session: &Session) -> Result<ProjectLock, Failure> {
    session.project.lock_for(ROUND).map_err(|error| match &error {
        BundleError::Locked { holder, .. } => {
            let who = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            Failure::told(exit::CONFLICT, format!("this round is skipped: {who} looks at the mirrors already"))
                .hint("what it finds: spartacus status")
        }
        _ => bundle_failure(error),
    })
}

/// The same for a round that is part of something larger and cannot be skipped: it waits for its turn.
pub async fn in_turn(session: &Session, cancel: &Cancel) -> Result<ProjectLock, Failure> {
    loop {
        match session.project.lock_for(ROUND) {
            Err(BundleError::Locked { .. }) => {}
            taken => return taken.map_err(bundle_failure),
        }
        tokio::select! {
            () = cancel.token.cancelled() => cancel.check()?,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Waits up to `most`, a random time: rounds that cron starts everywhere at the same minute shall not meet at the mirrors.
/// A signal ends the waiting.
pub async fn pause(surface: &Surface, most: Duration, cancel: &Cancel) -> Result<(), Failure> {
    let pause = most.mul_f64(fastrand::f64());
    surface.remark(&format!("the round begins in {:.1} s", pause.as_secs_f64()));
    tokio::select! {
        () = cancel.token.cancelled() => {
            Err(Failure::told(cancel.code().unwrap_or(exit::INTERRUPTED), "cancelled before the round began"))
        }
        () = tokio::time::sleep(pause) => Ok(()),
    }
}
