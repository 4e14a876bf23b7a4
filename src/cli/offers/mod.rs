//! `spartacus offers`: what volunteers offered, and what becomes of it.

mod accept;
mod add;
mod examine;
mod front;
mod keep;
mod life;
mod list;
mod reject;
mod report;
mod show;

use camino::Utf8Path;

use super::args::{Global, Offers};
use super::exit::{self, Ended, Failure};
use super::session::{Session, bundle_failure, hinted};
use super::surface::Surface;
use crate::base::sanitise;
use crate::bundle::{BundleError, Project, ProjectLock};
use crate::config::sealed::{Identity, identities};
use crate::history::OfferRecord;
use crate::registration::{Message, Sealed};

pub use life::{mature, settle};

/// The errand that whoever writes offers down locks for.
const ERRAND: &str = "offers";

/// Does what is asked. Before it, what came through the web front is taken in; after it, volunteers are told there.
pub async fn offers(surface: &Surface, global: &Global, order: &Offers) -> Ended {
    if let Ok(session) = Session::open(&surface.silent(), global) {
        front::exchange(surface, &session).await;
    }
    let ended = decide(surface, global, order).await;
    if !matches!(order, Offers::List | Offers::Show { .. })
        && let Ok(session) = Session::open(&surface.silent(), global)
    {
        front::exchange(surface, &session).await;
    }
    ended
}

async fn decide(surface: &Surface, global: &Global, order: &Offers) -> Ended {
    match order {
        Offers::Add { files } => add::add(surface, global, files).await,
        Offers::List => list::list(surface, global),
        Offers::Show { ticket, report } => show::show(surface, global, ticket, *report),
        Offers::Verify { ticket, needs } => examine::verify(surface, global, ticket, *needs).await,
        Offers::Accept(order) => accept::accept(surface, global, order).await,
        Offers::Reject { tickets, because } => reject::reject(surface, global, tickets, because.as_deref()).await,
    }
}

/// Keeps others from writing offers down meanwhile.
async fn in_turn(project: &Project) -> Result<ProjectLock, Failure> {
    // Held for milliseconds; whoever holds it longer is stuck.
    for _ in 0..100 {
        match project.lock_for(ERRAND) {
            Err(BundleError::Locked { .. }) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            taken => return taken.map_err(bundle_failure),
        }
    }
    Err(Failure::told(exit::CONFLICT, "another process writes offers down").hint("try again"))
}

/// The offer that is meant: by its ticket or the beginning of it, by the name that it has or would like to have.
fn find(session: &Session, word: &str) -> Result<OfferRecord, Failure> {
    let all = session.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let is_name = |record: &&OfferRecord| {
        record.target.as_ref().is_some_and(|target| target.as_str() == word) || record.name.as_str() == word
    };
    let is_ticket = |record: &&OfferRecord| word.len() >= 3 && record.ticket.starts_with(word);
    let mut meant: Vec<&OfferRecord> = all.iter().filter(is_ticket).collect();
    if meant.is_empty() {
        meant = all.iter().filter(is_name).collect();
    }
    match meant[..] {
        [record] => Ok(record.clone()),
        [] => Err(Failure::told(exit::USAGE, format!("no offer is called {}", sanitise(word))).hint("spartacus offers list")),
        _ => {
            let mut failure = Failure::told(exit::USAGE, format!("{} offers are called {}", meant.len(), sanitise(word)));
            failure.details = meant.iter().map(|record| format!("{}  {}", record.ticket, record.name)).collect();
            Err(failure.hint("name one by its ticket"))
        }
    }
}

/// A message that was written down, verified anew. It may be over.
fn message(session: &Session, file: &str) -> Result<Message, Failure> {
    let pin = session.project.pin().map_err(bundle_failure)?;
    Message::recall(file.as_bytes(), pin).map_err(|error| hinted(exit::FORGED, error))
}

/// What is sealed in it, opened with the project's identity.
fn opened(session: &Session, message: &Message) -> Result<Sealed, Failure> {
    let offered =
        message.request.offered().ok_or_else(|| Failure::told(exit::UNEXPECTED, "what was written down as an offer is none"))?;
    Sealed::open(offered, &message.volunteer, &own_identities(&session.project.age_identity())?)
        .map_err(|error| hinted(exit::FORGED, error))
}

fn own_identities(path: &Utf8Path) -> Result<Vec<Identity>, Failure> {
    identities(path).map_err(|error| hinted(exit::USAGE, error))
}
