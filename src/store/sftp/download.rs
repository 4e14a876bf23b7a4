//! Reading: several reads under way, their bytes delivered in order.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};

use super::channel::unexpected;
use super::codec::{OpenFlags, Reply, Request};
use super::failure::Failure;
use super::file::{Lane, OpenFile};
use super::line::LineControl;
use super::session::{RemotePath, Session};
use super::slots::Slot;
use crate::base::{Hasher, Sha256};
use crate::net::Pace;

/// Most reads under way for one file.
const MOST_READS: usize = 16;

/// Opens a file and reads the range (or all of it) as a stream. The slot is the caller's: one that holds a slot and
/// waits for another would in the end wait for itself.
pub(super) async fn open(
    session: &Session,
    slot: Arc<Slot>,
    path: &RemotePath,
    range: Option<Range<u64>>,
) -> Result<impl Stream<Item = Result<Bytes, Failure>> + Send + use<>, Failure> {
    let file = OpenFile::open(Lane::Own(slot), path, OpenFlags::READ).await?;
    let range = range.unwrap_or(0..u64::MAX);
    let reading = Reading {
        file: Arc::new(file),
        next: range.start,
        end: range.end.max(range.start),
        length: u64::from(session.facts.read_length),
        ahead: 1,
        under_way: VecDeque::new(),
        control: session.control().clone(),
        pace: session.pace(),
    };
    Ok(stream::unfold(reading, |mut reading| async move {
        let piece = reading.next_piece().await?;
        Some((piece, reading))
    }))
}

/// Reads a file through: its length and digest. Stops beyond `cap` bytes.
pub(super) async fn digest(session: &Session, slot: &Arc<Slot>, path: &RemotePath, cap: u64) -> Result<(u64, Sha256), Failure> {
    let mut pieces = Box::pin(open(session, Arc::clone(slot), path, None).await?);
    let mut hasher = Hasher::new();
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        length += piece.len() as u64;
        if length > cap {
            break;
        }
        hasher.update(&piece);
    }
    Ok((length, hasher.finish()))
}

struct Reading {
    file: Arc<OpenFile>,
    next: u64,
    end: u64,
    length: u64,
    /// Reads allowed under way: grows with every whole piece, so that small files cost one or two and large ones fill
    /// the line.
    ahead: usize,
    under_way: VecDeque<BoxFuture<'static, Result<Piece, Failure>>>,
    control: LineControl,
    pace: Pace,
}

struct Piece {
    bytes: Bytes,
    last: bool,
}

impl Reading {
    async fn next_piece(&mut self) -> Option<Result<Bytes, Failure>> {
        while self.under_way.len() < self.ahead && self.next < self.end {
            let length = self.length.min(self.end - self.next);
            let (file, offset) = (Arc::clone(&self.file), self.next);
            // A task of its own, so that all of them move while only the first is waited for.
            let read = tokio::spawn(async move { read_whole(&file, offset, length).await });
            let read = read.map(|joined| joined.unwrap_or_else(|error| Err(Failure::Lost(error.to_string()))));
            self.under_way.push_back(read.boxed());
            self.next += length;
        }
        let piece = match self.control.steady(&mut self.pace, self.under_way.pop_front()?).await {
            Ok(piece) => piece,
            Err(failure) => {
                self.stop();
                return Some(Err(failure));
            }
        };
        if piece.last {
            self.stop();
        }
        self.ahead = (self.ahead * 2).min(MOST_READS);
        if piece.bytes.is_empty() { None } else { Some(Ok(piece.bytes)) }
    }

    fn stop(&mut self) {
        self.under_way.clear();
        self.next = self.end;
    }
}

/// `length` bytes at `offset`, or what there is before the end. Servers may answer with less than was asked for.
async fn read_whole(file: &OpenFile, offset: u64, length: u64) -> Result<Piece, Failure> {
    let mut found = BytesMut::new();
    loop {
        let have = found.len() as u64;
        let wanted = u32::try_from(length - have).map_err(|_| Failure::Protocol("a read of 4 GiB".to_owned()))?;
        if wanted == 0 {
            return Ok(Piece { bytes: found.freeze(), last: false });
        }
        let budget = file.lane.budget(u64::from(wanted)).await;
        let request = Request::Read { handle: &file.handle, offset: offset + have, length: wanted };
        match file.lane.send(request, Some(budget)).await?.reply().await? {
            Reply::Data(bytes) if bytes.len() as u64 > u64::from(wanted) => {
                return Err(Failure::Protocol("the server answers a read with more than was asked for".to_owned()));
            }
            Reply::Data(bytes) if bytes.is_empty() => return Ok(Piece { bytes: found.freeze(), last: true }),
            Reply::Data(bytes) if have == 0 && bytes.len() as u64 == u64::from(wanted) => {
                return Ok(Piece { bytes, last: false });
            }
            Reply::Data(bytes) => found.extend_from_slice(&bytes),
            // Refusals are errors already: this is the end of the file.
            Reply::Status { .. } => return Ok(Piece { bytes: found.freeze(), last: true }),
            other => return Err(unexpected(&other)),
        }
    }
}
