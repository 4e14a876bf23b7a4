//! The project's own newest state: what tells a project folder that was set back from one that never was further.

use super::exit::{self, Failure};
use super::session::{Session, bundle_failure, hinted};
use crate::bundle::Published;
use crate::history::{Trusted, Whose};

/// Refuses to work with a `.spartacus/metadata` that is older than what was published from here: an old backup was put
/// back, and a version could be published twice, with other content.
pub async fn refuse_if_set_back(session: &Session) -> Result<(), Failure> {
    let seen = session.history.trusted(Whose::Project).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let Some(seen) = seen else { return Ok(()) };
    let now = versions(session).await?.unwrap_or_default();
    let roles = [
        ("root", now.root, seen.root),
        ("timestamp", now.timestamp, seen.timestamp),
        ("snapshot", now.snapshot, seen.snapshot),
        ("targets", now.targets, seen.targets),
    ];
    let Some((role, found, known)) = roles.into_iter().find(|(_, found, known)| found < known) else { return Ok(()) };
    let what = if found == 0 { format!("no {role}") } else { format!("version {found} of {role}") };
    Err(Failure::told(
        exit::CONFLICT,
        format!("{} was set back: it has {what}, and version {known} was published from here", session.project.metadata()),
    )
    .hint(
        "restore the newest backup of .spartacus; without one, copy metadata/ from the mirror that is furthest: spartacus check",
    )
    .hint(format!("how far a copy is: spartacus verify URL --root {}/1.root.json", session.project.metadata())))
}

/// Notes how far the project is; called as soon as something was published.
pub async fn remember(session: &Session) -> Result<(), Failure> {
    let Some(now) = versions(session).await? else { return Ok(()) };
    session.history.set_trusted(Whose::Project, now).map_err(|error| hinted(exit::UNEXPECTED, error))
}

async fn versions(session: &Session) -> Result<Option<Trusted>, Failure> {
    let published = Published::load(&session.project, session.clock.now()).await.map_err(bundle_failure)?;
    Ok(published.map(|state| {
        let verified = state.verified();
        Trusted {
            root: verified.root_version,
            timestamp: verified.timestamp.version,
            snapshot: verified.snapshot.version,
            targets: verified.targets.version,
        }
    }))
}
