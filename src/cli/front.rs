//! The front database, where a project has one.

use bytes::Bytes;

use super::exit::{self, Failure};
use super::invite::beside_pages;
use super::session::{Session, bundle_failure, hinted};
use crate::bundle::Project;
use crate::config::Config;
use crate::history::{Front, FrontAbout, FrontPage, FrontPages};
use crate::report::{Board, content_type, public_files};

/// Opens the project's front database, which is made if it is not there; `None`: targets.yaml has no `serve:`.
pub fn front(config: &Config, project: &Project) -> Result<Option<Front>, Failure> {
    let Some(policy) = &config.serve else { return Ok(None) };
    let path = policy.database.clone().unwrap_or_else(|| project.state().join("front/front.db"));
    let (failed, pin) = (|error| hinted(exit::UNEXPECTED, error), project.pin().map_err(bundle_failure)?);
    let front = Front::open(&path).map_err(failed)?;
    front.belongs_to(pin).map_err(failed)?;
    Ok(Some(front))
}

/// Puts everything that may be told to everybody into the front database, if there is one.
pub fn publish(session: &Session, board: &Board, metrics: String) -> Result<(), Failure> {
    let (Some(policy), Some(front)) = (&session.config.serve, front(&session.config, &session.project)?) else { return Ok(()) };
    let about = FrontAbout {
        project: session.config.project.name.clone(),
        pin: session.project.pin().map_err(bundle_failure)?,
        round: board.fleet.observer.round_at,
        stale_after_s: policy.stale.as_secs(),
        most_waiting: policy.waiting,
    };
    let now = session.clock.now();
    let page = |path: &str, bytes: Bytes| FrontPage { path: path.to_owned(), kind: content_type(path).to_owned(), bytes };
    let mut pages: Vec<FrontPage> =
        public_files(board).files().map(|(path, text)| page(path, Bytes::copy_from_slice(text.as_bytes()))).collect();
    pages.extend(beside_pages(&session.project, board.fleet.at).into_iter().flatten().map(|(path, bytes)| page(path, bytes)));
    front.publish(&FrontPages { about, pages, metrics }, now).map_err(|error| hinted(exit::UNEXPECTED, error))
}
