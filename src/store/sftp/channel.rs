//! One SFTP channel: requests go out in order, replies find the request that they answer.
//!
//! Two tasks serve it. The writer takes packets off a short queue and hands them to SSH, several in one piece; the
//! reader cuts the stream into packets and looks up each number. Both end with the channel. When it ends, for
//! whatever reason, every request under way fails with that reason.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::codec::{self, Extensions, Outgoing, Reply, Request};
use super::connect::Ssh;
use super::failure::Failure;
use super::guard::Notes;
use super::line::LineControl;
use super::reader::Framer;

/// Data under way on one channel, in KiB: 16 writes of 255 KiB. More only fills buffers, since OpenSSH opens its
/// window by 2 MiB a channel.
const BUDGET_KIB: u32 = 4096;
/// Packets between the callers and SSH.
const QUEUE: usize = 32;
/// Data up to this size is copied behind its header; larger data goes out by itself, uncopied.
const COPIED: usize = 16 * 1024;

pub(super) struct Channel {
    outgoing: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
    budget: Arc<Semaphore>,
    /// Files being worked on.
    pub load: AtomicUsize,
    patience: Duration,
}

struct Shared {
    state: Mutex<State>,
    ended: CancellationToken,
    control: LineControl,
    notes: Arc<Notes>,
    started: Instant,
    /// Milliseconds from `started` to the last packet that SSH took or gave.
    last_progress: AtomicU64,
}

#[derive(Default)]
struct State {
    last_id: u32,
    waiting: HashMap<u32, Waiting>,
    end: Option<Failure>,
}

struct Waiting {
    tell: oneshot::Sender<Result<Reply, Failure>>,
    /// Given back when the reply comes, even if its reader is not looking.
    _budget: Option<OwnedSemaphorePermit>,
}

impl Channel {
    /// Opens a channel, starts SFTP on it and hears what the server can do.
    pub async fn open(ssh: &Ssh, patience: Duration) -> Result<(Self, Extensions), Failure> {
        let channel = ssh.handle.channel_open_session().await?;
        let (receiving, sending) = channel.split();
        // Not waited for: a refusal comes to the reader, and the first packet is under way meanwhile.
        sending.request_subsystem(true, "sftp").await?;
        sending.data_bytes(codec::init().head).await?;

        let shared = Arc::new(Shared {
            state: Mutex::default(),
            ended: CancellationToken::new(),
            control: ssh.control.clone(),
            notes: Arc::clone(&ssh.notes),
            started: Instant::now(),
            last_progress: AtomicU64::new(0),
        });
        let (tell_version, version) = oneshot::channel();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        tokio::spawn(read(receiving, Arc::clone(&shared), tell_version));
        tokio::spawn(write(sending, Arc::clone(&shared), queue));
        let budget = Arc::new(Semaphore::new(BUDGET_KIB as usize));
        let channel = Self { outgoing, shared, budget, load: AtomicUsize::new(0), patience };
        let extensions = version.await.map_err(|_| channel.shared.end())?;
        Ok((channel, extensions))
    }

    /// Whether requests can still be made.
    pub fn is_open(&self) -> bool {
        !self.shared.ended.is_cancelled()
    }

    /// Room for `length` bytes of data on the way.
    pub async fn budget(&self, length: u64) -> OwnedSemaphorePermit {
        let kib = u32::try_from(length.div_ceil(1024)).unwrap_or(BUDGET_KIB).clamp(1, BUDGET_KIB);
        Arc::clone(&self.budget).acquire_many_owned(kib).await.expect("the budget is never closed")
    }

    /// Puts a request on its way; requests of one task arrive in the order in which it sent them.
    pub async fn send(&self, request: Request<'_>, budget: Option<OwnedSemaphorePermit>) -> Result<Answer, Failure> {
        let slot = self.outgoing.reserve().await.map_err(|_| self.shared.end())?;
        let (tell, told) = oneshot::channel();
        let id = self.shared.register(Waiting { tell, _budget: budget })?;
        slot.send(request.encode(id));
        Ok(Answer { told, asked: Instant::now(), shared: Arc::clone(&self.shared), patience: self.patience })
    }

    /// Puts a request on its way whose answer nobody waits for, if there is room for it now.
    pub fn send_unheard(&self, request: Request<'_>) {
        let Ok(slot) = self.outgoing.try_reserve() else { return };
        let (tell, _) = oneshot::channel();
        if let Ok(id) = self.shared.register(Waiting { tell, _budget: None }) {
            slot.send(request.encode(id));
        }
    }

    /// Asks and waits.
    pub async fn ask(&self, request: Request<'_>) -> Result<Reply, Failure> {
        self.send(request, None).await?.reply().await
    }

    /// Asks for something that is answered with "ok".
    pub async fn order(&self, request: Request<'_>) -> Result<(), Failure> {
        self.send(request, None).await?.done().await
    }
}

/// A reply that is still to come.
pub(super) struct Answer {
    told: oneshot::Receiver<Result<Reply, Failure>>,
    asked: Instant,
    shared: Arc<Shared>,
    patience: Duration,
}

impl Answer {
    /// The same with another patience: forcing a large file to a slow disk takes its time.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = self.patience.max(patience);
        self
    }

    /// Waits for the reply. A refusal is an error; the end of a file or listing is not, but a [`Reply::Status`].
    pub async fn reply(mut self) -> Result<Reply, Failure> {
        loop {
            let give_up = self.shared.quiet_since(self.asked) + self.patience;
            tokio::select! {
                biased;
                told = &mut self.told => return refuse_bad_status(told.unwrap_or_else(|_| Err(self.shared.end()))?),
                () = tokio::time::sleep_until(give_up) => {}
            }
            if self.shared.quiet_since(self.asked) + self.patience <= Instant::now() {
                let silent = Failure::Silent(self.patience);
                // The numbers of unanswered requests cannot be used again, so the whole connection goes.
                self.shared.fail(Failure::Lost(silent.to_string()));
                self.shared.control.cut();
                return Err(silent);
            }
        }
    }

    /// Waits for "ok".
    pub async fn done(self) -> Result<(), Failure> {
        match self.reply().await? {
            Reply::Status { code: codec::StatusCode::OK, .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

fn refuse_bad_status(reply: Reply) -> Result<Reply, Failure> {
    match reply {
        Reply::Status { code, message } if code != codec::StatusCode::OK && code != codec::StatusCode::EOF => {
            Err(Failure::status(code, &message))
        }
        other => Ok(other),
    }
}

/// An answer of the wrong kind.
pub(super) fn unexpected(reply: &Reply) -> Failure {
    let kind = match reply {
        Reply::Status { .. } => "a status",
        Reply::Handle(_) => "a handle",
        Reply::Data(_) => "data",
        Reply::Names(_) => "names",
        Reply::Attributes(_) => "attributes",
        Reply::Extended(_) => "an extension",
    };
    Failure::Protocol(format!("the server answers with {kind}, which was not asked for"))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a number for a request.
    fn register(&self, waiting: Waiting) -> Result<u32, Failure> {
        let mut state = self.state();
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        // Numbers wrap after four thousand million requests; those still waiting are skipped.
        loop {
            state.last_id = state.last_id.wrapping_add(1);
            if !state.waiting.contains_key(&state.last_id) {
                break;
            }
        }
        let id = state.last_id;
        state.waiting.insert(id, waiting);
        Ok(id)
    }

    fn answer(&self, id: u32, reply: Reply) -> Result<(), Failure> {
        let waiting = self.state().waiting.remove(&id);
        let waiting = waiting.ok_or_else(|| Failure::Protocol("an answer to a request that was not made".to_owned()))?;
        // Whoever asked may have been cancelled.
        let _ = waiting.tell.send(Ok(reply));
        Ok(())
    }

    /// Ends the channel; the first reason counts.
    fn fail(&self, failure: Failure) {
        let waiting = {
            let mut state = self.state();
            let end = state.end.get_or_insert(failure).clone();
            std::mem::take(&mut state.waiting).into_values().map(|waiting| (waiting, end.clone())).collect::<Vec<_>>()
        };
        for (waiting, end) in waiting {
            let _ = waiting.tell.send(Err(end));
        }
        self.ended.cancel();
    }

    /// Why the channel ended.
    fn end(&self) -> Failure {
        self.state().end.clone().unwrap_or_else(|| Failure::Lost("the connection ended".to_owned()))
    }

    fn progress(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_progress.store(elapsed, Ordering::Relaxed);
    }

    /// Since when nothing has moved: neither an answer nor bytes of ours, so that a slow uplink is not mistaken for a
    /// silent server.
    fn quiet_since(&self, asked: Instant) -> Instant {
        let progress = self.started + Duration::from_millis(self.last_progress.load(Ordering::Relaxed));
        asked.max(progress).max(self.control.last_sent())
    }

    fn lost(&self) -> Failure {
        Failure::Lost(self.notes.farewell().unwrap_or_else(|| "the server closed the channel".to_owned()))
    }
}

async fn read(mut channel: ChannelReadHalf, shared: Arc<Shared>, tell_version: oneshot::Sender<Extensions>) {
    let mut framer = Framer::default();
    let mut tell_version = Some(tell_version);
    let failure = loop {
        let message = tokio::select! {
            message = channel.wait() => message,
            () = shared.ended.cancelled() => return,
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                framer.push(&data);
                if let Err(failure) = take_packets(&mut framer, &shared, &mut tell_version) {
                    // Nothing that follows can be trusted to begin where a packet begins.
                    shared.control.cut();
                    break failure;
                }
            }
            Some(ChannelMsg::Failure) => break Failure::Unsupported("the server offers no SFTP".to_owned()),
            Some(ChannelMsg::Eof | ChannelMsg::Close) | None => break shared.lost(),
            // Exit codes, and what a server says on its error output.
            Some(_) => {}
        }
    };
    shared.fail(failure);
}

fn take_packets(
    framer: &mut Framer,
    shared: &Shared,
    tell_version: &mut Option<oneshot::Sender<Extensions>>,
) -> Result<(), Failure> {
    while let Some(packet) = framer.next()? {
        shared.progress();
        if let Some(tell) = tell_version.take() {
            let _ = tell.send(codec::decode_version(packet)?);
        } else {
            let (id, reply) = codec::decode_reply(packet)?;
            shared.answer(id, reply)?;
        }
    }
    Ok(())
}

async fn write(channel: ChannelWriteHalf<Msg>, shared: Arc<Shared>, mut queue: mpsc::Receiver<Outgoing>) {
    while let Some(first) = queue.recv().await {
        for piece in gather(first, &mut queue) {
            let sent = tokio::select! {
                sent = channel.data_bytes(piece) => sent,
                // Also out of a wait for a window that will never open.
                () = shared.ended.cancelled() => return,
            };
            if sent.is_err() {
                shared.fail(shared.lost());
                return;
            }
            shared.progress();
        }
    }
    // Every caller is gone: the store was dropped.
    let _ = channel.close().await;
}

/// The packets that wait, joined so that small ones share an SSH packet.
fn gather(first: Outgoing, queue: &mut mpsc::Receiver<Outgoing>) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut joined = BytesMut::new();
    let mut next = Some(first);
    while let Some(packet) = next {
        joined.extend_from_slice(&packet.head);
        if packet.data.len() <= COPIED {
            joined.extend_from_slice(&packet.data);
        } else {
            pieces.push(joined.split().freeze());
            pieces.push(packet.data);
        }
        // Bounded, since callers refill the queue meanwhile.
        next = if pieces.len() < QUEUE && joined.len() < 4 * COPIED { queue.try_recv().ok() } else { None };
    }
    if !joined.is_empty() {
        pieces.push(joined.freeze());
    }
    pieces
}
