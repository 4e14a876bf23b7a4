//! Putting a file on the server.
//!
//! 1. Open a temporary name beside the final one.
//! 2. Write, with many requests under way; then force to disk, and close, in the same flight.
//! 3. When every one of these answered "ok", give it its name (`publish`). A rename sent along with them would publish
//!    a torn file when a write fails.
//!
//! A server that runs out of handles is given fewer files at once. A rename whose answer was lost is looked into before
//! everything is sent again.
//!
//! Large files go on where an earlier try stopped, and are then read back before they get their name: servers exist
//! that fill with zeros what lies before the offset of a write, and say "ok".

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::codec::{OpenFlags, Request};
use super::download;
use super::failure::Failure;
use super::file::{Lane, OpenFile};
use super::publish::publish;
use super::session::{RemotePath, Session};
use super::slots::Slot;
use super::temporary::{TemporaryName, TemporaryNames};
use super::tree::{self, Sight};
use crate::base::{ByteCount, ObjectPath, Sha256};
use crate::store::{Body, Write};

/// From this size on an upload is resumed: below, starting again costs less than asking.
const RESUMED_FROM: u64 = 16 << 20;
/// Bytes that may be under way on a channel, and so may be missing before the end of a broken upload.
const WINDOW: u64 = 4 << 20;
/// Up to this size, what lies under a final name is read back when it is not known who wrote it: lines that upload
/// slower than they download are the rule, but a larger object is as likely to be an older one.
const READ_BACK_UP_TO: u64 = 64 << 20;
/// A disk with less room than this counts as full when a write failed for no told reason.
const NO_ROOM: u64 = 1 << 20;

/// What the uploads of one store share.
#[derive(Debug)]
pub(super) struct Uploads {
    pub names: TemporaryNames,
    /// The server spoiled a resumed upload: never again.
    pub resume_broken: AtomicBool,
    pub sync_from: ByteCount,
    pub unclear: Unclear,
}

/// One upload.
struct Upload<'a> {
    session: &'a Session,
    uploads: &'a Uploads,
    slot: Arc<Slot>,
    body: &'a Body,
    temporary: RemotePath,
    sync: bool,
}

/// Uploads `body` and gives it its name.
pub(super) async fn put(
    session: &Session,
    uploads: &Uploads,
    path: &ObjectPath,
    body: &Body,
    write: Write,
) -> Result<(), Failure> {
    let name: TemporaryName =
        uploads.names.take(path, body.sha256()).map_err(|error| Failure::Local(format!("no temporary name: {error}")))?;
    let final_name = session.path(path);
    if uploads.unclear.take(path, body) && already_there(session, &final_name, body).await? {
        return Ok(());
    }
    loop {
        let upload = Upload {
            session,
            uploads,
            slot: Arc::new(session.slot().await?),
            body,
            temporary: session.path(name.path()),
            sync: session.facts.fsync && (write == Write::Replace || body.length() >= uploads.sync_from.0),
        };
        let done = match upload.fill().await {
            Ok(()) => publish(session, &upload.slot, &upload.temporary, path, write)
                .await
                .inspect_err(|failure| uploads.unclear.note(path, body, failure)),
            Err(failure) => Err(failure),
        };
        match done {
            Ok(()) => {
                upload.slot.confirm();
                return Ok(());
            }
            // Back to the queue, which is shorter now.
            Err(Failure::Crowded) => {}
            Err(failure) => return Err(upload.clean_up(failure).await),
        }
    }
}

/// Whether an earlier rename, whose answer was lost, was carried out: then sending everything again is not needed.
async fn already_there(session: &Session, path: &RemotePath, body: &Body) -> Result<bool, Failure> {
    let slot = Arc::new(session.slot().await?);
    match tree::look(&slot, path).await? {
        Sight::Found(found) if found.size == Some(body.length()) => {}
        _ => return Ok(false),
    }
    match download::digest(session, &slot, path, body.length()).await {
        Ok((length, digest)) => Ok(length == body.length() && digest == body.sha256()),
        // It may not be read: sent again, then.
        Err(failure) if failure.is_answer() => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Waits until every request was answered with "ok".
async fn all(answers: &mut FuturesUnordered<impl Future<Output = Result<(), Failure>>>) -> Result<(), Failure> {
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

/// Objects whose rename was sent and never answered.
#[derive(Debug, Default)]
pub(super) struct Unclear(Mutex<HashSet<(ObjectPath, Sha256)>>);

impl Unclear {
    fn note(&self, path: &ObjectPath, body: &Body, failure: &Failure) {
        let worth_reading = body.length() < READ_BACK_UP_TO;
        if worth_reading && matches!(failure, Failure::Lost(_) | Failure::Silent(_)) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((path.clone(), body.sha256()));
        }
    }

    fn take(&self, path: &ObjectPath, body: &Body) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !noted.is_empty() && noted.remove(&(path.clone(), body.sha256()))
    }
}

impl Upload<'_> {
    /// Brings the whole body under the temporary name.
    async fn fill(&self) -> Result<(), Failure> {
        let offset = self.resume_offset().await?;
        if offset > 0 {
            match self.resume(offset).await {
                Ok(true) => return Ok(()),
                Err(failure) if !failure.is_answer() => return Err(failure),
                // Spoiled, or refused ("illegal seek"): from the start, and no more of this here.
                Ok(false) | Err(_) => self.uploads.resume_broken.store(true, Ordering::Relaxed),
            }
        }
        self.send_from(0).await
    }

    /// Goes on at `offset`; tells whether what lies there in the end is what we meant.
    async fn resume(&self, offset: u64) -> Result<bool, Failure> {
        self.send_from(offset).await?;
        let (length, digest) = download::digest(self.session, &self.slot, &self.temporary, self.body.length()).await?;
        Ok(length == self.body.length() && digest == self.body.sha256())
    }

    /// Where to go on: a window before the end of what is there, since writes overtake each other.
    async fn resume_offset(&self) -> Result<u64, Failure> {
        if self.body.length() < RESUMED_FROM || self.uploads.resume_broken.load(Ordering::Relaxed) {
            return Ok(0);
        }
        // In one flight with the question for room, so that a large file is not sent to a disk that cannot hold it.
        let (there, space) = tokio::join!(tree::look(&self.slot, &self.temporary), tree::space(self.session, &self.slot));
        let there = match there? {
            Sight::Found(found) => found.size.filter(|size| *size <= self.body.length()).unwrap_or(0),
            Sight::Nothing | Sight::Hidden => 0,
        };
        if let Ok(Some(space)) = space
            && (space.free_bytes < self.body.length() - there || space.free_files == Some(0))
        {
            return Err(Failure::NoSpace(format!(
                "{} free, {} to send",
                ByteCount(space.free_bytes),
                ByteCount(self.body.length() - there)
            )));
        }
        let lanes = if self.session.facts.openssh { self.session.facts.channels as u64 } else { 1 };
        Ok(there.saturating_sub(WINDOW * lanes))
    }

    /// Writes everything from `offset` on, and closes.
    async fn send_from(&self, offset: u64) -> Result<(), Failure> {
        let (line, mut pace) = (self.session.control(), self.session.pace());
        let mut lanes = self.open_lanes(offset).await?;
        let mut answers = FuturesUnordered::new();
        let length = u64::from(self.session.facts.write_length);
        let mut position = offset;
        let mut turn = 0;
        while position < self.body.length() {
            let file = &lanes[turn % lanes.len()];
            turn += 1;
            let piece = length.min(self.body.length() - position);
            let waiting = file.lane.budget(piece);
            tokio::pin!(waiting);
            let budget = loop {
                if answers.is_empty() {
                    // Others hold it, perhaps for a limit of ours: the server owes this file nothing.
                    break waiting.await;
                }
                let step = async {
                    tokio::select! {
                        budget = &mut waiting => Ok::<_, Failure>(Some(budget)),
                        // The first refusal ends it: no use in sending the rest.
                        Some(answer) = answers.next() => Result::<(), Failure>::map(answer, |()| None),
                    }
                };
                if let Some(budget) = line.steady(&mut pace, step).await? {
                    break budget;
                }
            };
            let data = self.body.read_at(position, piece).await.map_err(|error| Failure::Local(error.to_string()))?;
            if data.len() as u64 != piece {
                return Err(Failure::Local("the body is shorter than announced".to_owned()));
            }
            let request = Request::Write { handle: &file.handle, offset: position, data };
            answers.push(line.steady(&mut pace, file.lane.send(request, Some(budget))).await?.done());
            position += piece;
        }
        if lanes.len() > 1 {
            // Only on its own channel does a request wait for those before it.
            line.steady(&mut pace, all(&mut answers)).await?;
        }
        if self.sync {
            let request = Request::Sync { handle: &lanes[0].handle };
            let answer = lanes[0].lane.send(request, None).await?.patient(self.session.timeouts.first_byte);
            answers.push(answer.done());
        }
        for file in &mut lanes {
            // Some servers write only now.
            let answer = file.close().await?.patient(self.session.timeouts.first_byte);
            answers.push(answer.done());
        }
        line.steady(&mut pace, all(&mut answers)).await
    }

    /// Opens the temporary file; a large one, far away, on every channel, since each has a window of its own. Only
    /// OpenSSH is known to bear that.
    async fn open_lanes(&self, offset: u64) -> Result<Vec<OpenFile>, Failure> {
        let flags = if offset == 0 { OpenFlags::WRITE_NEW } else { OpenFlags::WRITE };
        let first = match OpenFile::open(Lane::Own(Arc::clone(&self.slot)), &self.temporary, flags).await {
            // Out of handles, most likely (one server allows a single open file), and has no word for it.
            Err(failure) if failure.is_unexplained() && self.slot.has_company() && self.slot.narrow() => {
                return Err(Failure::Crowded);
            }
            opened => opened?,
        };
        let mut lanes = vec![first];
        if self.session.facts.openssh && self.body.length() - offset >= RESUMED_FROM {
            for channel in self.session.channels_besides(&self.slot) {
                match OpenFile::open(Lane::Lent(channel), &self.temporary, OpenFlags::WRITE).await {
                    Ok(lane) => lanes.push(lane),
                    // Out of handles, perhaps: it goes without.
                    Err(failure) if failure.is_answer() => break,
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(lanes)
    }

    /// Removes what is of no use to a later try, and finds out whether the disk is full.
    async fn clean_up(&self, failure: Failure) -> Failure {
        if matches!(failure, Failure::Lost(_) | Failure::Silent(_) | Failure::Crawling(_)) {
            return failure;
        }
        let full = match &failure {
            // "Failure" is all that OpenSSH says of a full disk.
            answer if answer.is_answer() && !answer.is_absent() => self.is_full().await,
            _ => false,
        };
        let resumable = self.body.length() >= RESUMED_FROM && matches!(failure, Failure::Local(_));
        if !resumable {
            // It may never have been made; and the failure told is the one before.
            let _ = self.slot.order(Request::Remove { path: self.temporary.as_bytes() }).await;
        }
        if full { Failure::NoSpace(format!("{failure}, and the disk is full")) } else { failure }
    }

    async fn is_full(&self) -> bool {
        match tree::space(self.session, &self.slot).await {
            Ok(Some(space)) => space.free_bytes < self.body.length().clamp(1, NO_ROOM) || space.free_files == Some(0),
            _ => false,
        }
    }
}
