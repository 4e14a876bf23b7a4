//! The examination of a place: the volunteer and the maintainer make the same one, each with a login of their own.
//!
//! 1. Is the way there encrypted, and are we let in?
//! 2. A challenge: an object with a random name is written, read back, read through the public address, replaced, removed.
//! 3. How do readers see a replacement, and is there room?
//! 4. Attempts that should fail: an account that can do more than a mirror needs harms its owner if our key is stolen.
//!
//! Whatever is made on the way is removed at the end, also after a failure.

mod account;
mod challenge;
mod chroot;
mod encryption;
mod face;
mod finding;
mod lines;
mod place;
mod privilege;
mod readers;

pub use chroot::examine_chroot;
pub use face::PublicFace;
pub use finding::{Check, Examination, Finding, Outcome};
pub use place::{Login, Place};

use challenge::Challenge;
use place::Opened;

/// Examines `place`; each finding is told as soon as it is known.
///
/// Takes as long as the server does: some seconds, and up to three times [`Place::patience`] where readers see changes late.
/// Dropped midway it leaves objects behind, below names that begin with `.spartacus-probe-` or `spartacus-probe-`.
pub async fn examine(place: &Place, tell: &mut (dyn FnMut(&Finding) + Send)) -> Examination {
    let mut told = Told { findings: Vec::new(), tell };
    told.all(encryption::judge(place));
    match place.login.open(&place.target).await {
        Ok(opened) => {
            inside(place, &opened, &mut told).await;
            opened.store().close().await;
        }
        Err(error) => told.add(account::not_let_in(&place.login, &error)),
    }
    Examination { findings: told.findings }
}

async fn inside(place: &Place, opened: &Opened, told: &mut Told<'_>) {
    if let Some(claim) = &place.claim {
        told.add(account::owner(opened.store(), claim).await);
    }
    let challenge = Challenge::new();
    let let_in = challenge.try_out(place, opened.store(), told).await;
    challenge.remove(place, opened.store(), told).await;
    if !let_in {
        return;
    }
    told.add(account::swap(opened.store(), &challenge).await);
    told.add(account::space(opened.store(), place.needed).await);
    let attempts = opened.overreach(challenge.name()).await;
    for attempt in &attempts {
        told.add(privilege::judge(attempt, &attempts, &place.login));
    }
    told.all(attempts.iter().filter_map(privilege::left_behind));
}

/// Findings, passed on as they come.
struct Told<'a> {
    findings: Vec<Finding>,
    tell: &'a mut (dyn FnMut(&Finding) + Send),
}

impl Told<'_> {
    fn add(&mut self, finding: Finding) {
        (self.tell)(&finding);
        self.findings.push(finding);
    }

    fn all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }
}
