//! What our account can do, apart from what it should not.

use super::challenge::Challenge;
use super::{Check, Finding, Login};
use crate::base::{ByteCount, ObjectPath};
use crate::store::{ErrorKind, Store, StoreError, SwapClass, probe};

/// Whether a failed call is the answer of somebody who knows us. Otherwise it says nothing about rights: we did not get in, or
/// the line broke.
pub(super) fn is_answer(error: &StoreError) -> bool {
    use ErrorKind::{
        Corrupt, Exists, Locked, NoSpace, NotFound, Other, PermissionDenied, Protocol, RateLimited, TooLarge, Unavailable,
        Unsupported,
    };
    let refused = matches!(error.kind, Exists | Locked | NoSpace | NotFound | PermissionDenied | TooLarge | Unsupported);
    refused || matches!(error.kind, Corrupt | Other | Protocol | RateLimited | Unavailable)
}

/// We were not let in.
pub(super) fn not_let_in(login: &Login, error: &StoreError) -> Finding {
    Finding::failed(Check::Login, error.to_string(), way_in(login, error))
}

fn way_in(login: &Login, error: &StoreError) -> String {
    if let Some(advice) = &error.advice {
        return advice.clone();
    }
    match (login, error.kind) {
        // sshd looks at the chroot after it has accepted the key, and hangs up without a word.
        (Login::Sftp(_), ErrorKind::ConnectionLost) => {
            "if the account has a chroot: every folder down to it must belong to root \
            and be writable by nobody else, or sshd hangs up after the login and says `bad ownership or modes` in its log; \
            `namei -l FOLDER` on that server shows the owner and rights of each"
                .to_owned()
        }
        (Login::Sftp(settings), ErrorKind::Unauthenticated) => format!(
            "put the line of our key into the authorized_keys of {}; in that line look at from= (our address) and expiry-time=",
            settings.user
        ),
        (_, ErrorKind::Unauthenticated) => "correct the user, the key or the password".to_owned(),
        (_, ErrorKind::Unreachable | ErrorKind::Timeout) => {
            "see that the server runs and that its port is open to us, and correct the address".to_owned()
        }
        (_, ErrorKind::Tls) => "get a certificate for this name that browsers accept, with its whole chain".to_owned(),
        _ => "correct the address or the login, and look into the server's log".to_owned(),
    }
}

/// Something was refused that a push needs.
pub(super) fn cannot(check: Check, login: &Login, error: &StoreError) -> Finding {
    let fix = match (&error.advice, error.kind) {
        (Some(advice), _) => advice.clone(),
        (None, ErrorKind::NoSpace) => "make room on the disk, or raise the quota".to_owned(),
        (None, _) if !is_answer(error) => "look into the server's log, and examine the place once more".to_owned(),
        (None, _) => rights(login),
    };
    Finding::failed(check, error.to_string(), fix)
}

/// The rights that a push needs.
fn rights(login: &Login) -> String {
    match login {
        // The top of a chroot has to stay root's, or nobody gets in any more.
        Login::Sftp(settings) if matches!(settings.base.as_str(), "/" | "." | "") => format!(
            "make a folder below it that belongs to the account (install -d -o {} FOLDER) and write it as `path`; the top of a chroot \
             must stay root's",
            settings.user
        ),
        Login::Sftp(settings) => {
            format!("the folder must belong to the account, if it is not the chroot itself: chown {} FOLDER", settings.user)
        }
        Login::S3(settings) => {
            let below = if settings.prefix.is_empty() { String::new() } else { format!("{}/", settings.prefix) };
            format!(
                "allow the key s3:PutObject, s3:GetObject and s3:DeleteObject on arn:aws:s3:::{}/{below}*, and s3:ListBucket",
                settings.bucket
            )
        }
        Login::Webdav(_) => {
            "allow the account GET, PUT, DELETE, MKCOL and PROPFIND in this collection; the web server's own user \
            must be able to write to the folder behind it"
                .to_owned()
        }
        Login::Folder(path) => format!("whoever runs this must be able to write to {path}"),
    }
}

/// Whether a copy of the project lies there already, and whose it is. That we get in proves nothing: one key of ours opens the
/// accounts of all volunteers.
pub(super) async fn owner(store: &dyn Store, claim: &ObjectPath) -> Finding {
    let check = Check::Owner;
    let pointer = ObjectPath::new("metadata/timestamp.json".to_owned()).expect("a name of ours is a good path");
    match store.stat(&pointer).await {
        Ok(None) => return Finding::passed(check, "no copy lies there yet"),
        Ok(Some(_)) => {}
        Err(error) => {
            let what = format!("whether a copy lies there already cannot be seen: {error}");
            return Finding::warning(check, what, "let our account read what it wrote");
        }
    }
    match store.stat(claim).await {
        Ok(Some(_)) => Finding::passed(check, format!("a copy lies there, and beside it {claim}")),
        Ok(None) => Finding::failed(
            check,
            "a copy of the project lies there already: it may be the mirror of somebody else",
            format!(
                "if it is yours: put an empty file {claim} there, beside the folder metadata, and let it be looked at once more"
            ),
        ),
        Err(error) => Finding::failed(check, error.to_string(), "see that our account may read there"),
    }
}

/// How readers see a replacement while it is made.
pub(super) async fn swap(store: &dyn Store, challenge: &Challenge) -> Finding {
    let check = Check::Swap;
    if !store.capabilities().read {
        return Finding::not_tried(check, "the account may not read, so nobody could watch");
    }
    let profile = match probe::swap(store, challenge.pointer()).await {
        Ok(profile) => profile,
        Err(error) => return Finding::not_tried(check, error.to_string()),
    };
    let fix = "nothing needs to be done: readers that verify wait and ask again; a maintainer may insist on atomic ones \
        (`policy: {require_atomic: true}`)";
    match profile.swap {
        Some(SwapClass::Atomic) => Finding::passed(check, "atomic: readers get the old file or the new one"),
        Some(SwapClass::Gap) => Finding::warning(check, "gap: for a moment readers may find nothing", fix),
        Some(SwapClass::Torn) => Finding::warning(check, "torn: for a moment readers may get part of a file", fix),
        None => Finding::not_tried(check, "too little could be read meanwhile to tell"),
    }
}

/// Whether there is room for what will come.
pub(super) async fn space(store: &dyn Store, needed: Option<ByteCount>) -> Finding {
    let free = match store.space().await {
        Ok(Some(space)) => ByteCount(space.free_bytes),
        Ok(None) => return Finding::not_tried(Check::Space, "the server does not tell"),
        Err(error) => return Finding::not_tried(Check::Space, error.to_string()),
    };
    match needed {
        Some(needed) if free < needed => Finding::failed(
            Check::Space,
            format!("{free} are free, {needed} are needed"),
            format!("make room: disk or quota must hold {needed}"),
        ),
        Some(needed) => Finding::passed(Check::Space, format!("{free} are free, {needed} are needed")),
        None => Finding::passed(Check::Space, format!("{free} are free")),
    }
}
