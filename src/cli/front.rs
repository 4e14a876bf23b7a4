//! The front database, where a project has one.

use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};

use super::exit::{self, Failure};
use super::invite::beside_pages;
use super::session::{Session, bundle_failure, hinted};
use crate::base::Sha256;
use crate::bundle::Project;
use crate::config::Config;
use crate::history::{Front, FrontAbout, FrontPage, FrontPages, HistoryError};
use crate::report::{Board, content_type, public_files};

/// So long an answer of the front database is waited for: longer than SQLite waits for another process.
const PATIENCE: Duration = Duration::from_secs(8);

/// Something that is done with the database.
type Errand = Box<dyn FnOnce(&Front) + Send>;

/// The project's front database. A thread of its own works on it: strangers may write into its files, and can make reading them last
/// for ever. Whoever waits learns that after [`PATIENCE`], and goes on; the thread ends with the process.
pub struct FrontDoor {
    path: Utf8PathBuf,
    errands: Sender<Errand>,
}

impl FrontDoor {
    fn open(path: Utf8PathBuf, pin: Sha256) -> Result<Self, Failure> {
        let (errands, waiting) = channel::<Errand>();
        let (opened, told) = channel();
        let place = path.clone();
        std::thread::spawn(move || {
            let front = Front::open(&place).and_then(|front| front.belongs_to(pin).map(|()| front));
            // Nobody listens any more: then nothing is to be done either.
            match front {
                Ok(front) => {
                    let _ = opened.send(Ok(()));
                    for errand in waiting {
                        errand(&front);
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        wait_for(&path, &told)?;
        Ok(Self { path, errands })
    }

    /// Does `work`, and gives what comes of it.
    pub fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Front) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, told) = channel();
        // Where the thread is gone, or nobody waits any more, that shows in what follows.
        let _ = self.errands.send(Box::new(move |front| {
            let _ = done.send(work(front));
        }));
        wait_for(&self.path, &told)
    }
}

fn wait_for<T>(path: &Utf8Path, told: &Receiver<Result<T, HistoryError>>) -> Result<T, Failure> {
    let told = told.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(HistoryError::FrontBusy { path: path.to_owned() }));
    told.map_err(|error| hinted(exit::UNEXPECTED, error))
}

/// Opens the project's front database, which is made if it is not there; `None`: targets.yaml has no `serve:`.
pub fn front(config: &Config, project: &Project) -> Result<Option<FrontDoor>, Failure> {
    let Some(policy) = &config.serve else { return Ok(None) };
    let path = policy.database.clone().unwrap_or_else(|| project.state().join("front/front.db"));
    // Only to open and close that one would give up the locks that we hold on it.
    let identity = |path: &Utf8Path| std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    if identity(&path).is_some_and(|front| Some(front) == identity(&project.state().join("state.db"))) {
        return Err(hinted(exit::UNEXPECTED, HistoryError::NotFront { path }));
    }
    FrontDoor::open(path, project.pin().map_err(bundle_failure)?).map(Some)
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
    front.ask(move |front| front.publish(&FrontPages { about, pages, metrics }, now))
}
