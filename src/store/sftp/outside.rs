//! Attempts on files beside the base: what a chroot should keep out of reach.

use super::channel::unexpected;
use super::codec::{Handle, OpenFlags, Reply, Request};
use super::failure::Failure;
use super::session::{RemotePath, Session};
use super::tree;
use crate::store::overreach::{Aim, Attempt, Met};

/// A file that every system with accounts lets everyone on it read, and that no chroot of a mirror needs.
const SYSTEM_FILE: &str = "/etc/passwd";
/// Rights of the empty file that is tried: nobody but the owner.
const PRIVATE: u32 = 0o600;

/// Tries to list, read and write beside the base; `name` is a name that nobody uses.
pub(super) async fn attempts(session: &Session, name: &str) -> Vec<Attempt> {
    vec![list(session).await, read(session).await, write(session, name).await]
}

async fn list(session: &Session) -> Attempt {
    let aim = Aim::ListingOutside;
    let (base, above) = (session.base(), session.base().join(".."));
    let names = async |folder: &RemotePath| -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = tree::list(session, folder).await?.into_iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        Ok(names)
    };
    let found = match names(&above).await {
        Ok(found) => found,
        Err(failure) => return failed(aim, &failure),
    };
    // At the top of a jail the folder above is the folder itself.
    if names(base).await.is_ok_and(|own| own == found) {
        return Attempt::new(aim, Met::Harmless, "the base is the topmost folder that the account sees");
    }
    let own = base.shown();
    let own = own.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let others: Vec<String> = found.into_iter().filter(|name| name != own).collect();
    Attempt::listed(aim, "name", &others)
}

async fn read(session: &Session) -> Attempt {
    let opened = open(session, &RemotePath::new(SYSTEM_FILE), OpenFlags::READ, None).await;
    match opened {
        Ok(handle) => match close(session, &handle).await {
            Ok(()) => Attempt::new(Aim::ReadingOutside, Met::Done, format!("{SYSTEM_FILE} of the server can be read")),
            Err(failure) => failed(Aim::ReadingOutside, &failure),
        },
        Err(failure) => failed(Aim::ReadingOutside, &failure),
    }
}

/// An empty file in the folder above and at the very top. Where that is the base after all, the server keeps us in.
async fn write(session: &Session, name: &str) -> Attempt {
    let aim = Aim::WritingOutside;
    let places = [session.base().join("..").join(name), RemotePath::new(format!("/{name}"))];
    let mut refusal = None;
    for place in &places {
        match open(session, place, OpenFlags::WRITE_NEW, Some(PRIVATE)).await {
            // It is there whatever becomes of the handle.
            Ok(handle) => drop(close(session, &handle).await),
            Err(failure) => {
                if !failure.is_answer() {
                    // Without an answer it may have been made all the same; if it was not, there is nothing to remove.
                    let _ = remove(session, place).await;
                }
                refusal.get_or_insert_with(|| failed(aim, &failure));
                continue;
            }
        }
        let inside = exists(session, &session.base().join(name)).await;
        let left = remove(session, place).await;
        if !inside {
            return Attempt::new(aim, Met::Done, format!("{} could be made", place.shown())).leaving(left);
        }
        if left.is_some() {
            return Attempt::new(aim, Met::Harmless, "the server keeps the account inside the base").leaving(left);
        }
    }
    refusal.unwrap_or_else(|| Attempt::new(aim, Met::Harmless, "the server keeps the account inside the base"))
}

async fn open(session: &Session, path: &RemotePath, flags: OpenFlags, mode: Option<u32>) -> Result<Handle, Failure> {
    let slot = session.slot().await?;
    match slot.ask(Request::Open { path: path.as_bytes(), flags, mode }).await? {
        Reply::Handle(handle) => Ok(handle),
        other => Err(unexpected(&other)),
    }
}

async fn close(session: &Session, handle: &Handle) -> Result<(), Failure> {
    session.slot().await?.order(Request::Close { handle }).await
}

async fn exists(session: &Session, path: &RemotePath) -> bool {
    let Ok(slot) = session.slot().await else { return false };
    matches!(tree::attributes(&slot, path).await, Ok(Some(_)))
}

/// What stays, if anything.
async fn remove(session: &Session, path: &RemotePath) -> Option<String> {
    let removed = async { tree::remove(&*session.slot().await?, path).await };
    removed.await.err().map(|failure| format!("{} ({failure})", path.shown()))
}

/// An answer is a refusal, whatever it says; no answer is none.
fn failed(aim: Aim, failure: &Failure) -> Attempt {
    let met = if failure.is_answer() { Met::Refused } else { Met::Unclear };
    Attempt::new(aim, met, failure.to_string())
}
