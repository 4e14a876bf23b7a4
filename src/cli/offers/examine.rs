//! `spartacus offers verify`: the place is tried out, from here.

use camino::Utf8Path;
use serde_json::json;

use super::keep::{self, TRIED};
use super::{find, in_turn, message, opened, report};
use crate::base::{ByteCount, ObjectPath, TargetName};
use crate::bundle::Published;
use crate::cli::args::Global;
use crate::cli::cancel::Cancel;
use crate::cli::deploy_key::DeployKey;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::offer::{Trial, conclusion, try_out};
use crate::cli::session::{Session, bundle_failure, hinted};
use crate::cli::surface::{Surface, answer, say};
use crate::cli::target::place::place_digest;
use crate::config::{Target, TargetKind};
use crate::history::{Examined, OfferRecord, OfferState};
use crate::registration::{Message, OfferError, Sealed, as_target};

/// What pushes log in with where an offer has no secret.
pub const DEPLOY_KEY: &str = "keys/deploy_ed25519";

/// Tries the place of an offer out, remembers and tells what was found.
pub async fn verify(surface: &Surface, global: &Global, ticket: &str, needs: Option<ByteCount>) -> Ended {
    let session = Session::open(surface, global)?;
    let record = find(&session, ticket)?;
    let cancel = Cancel::on_signals(surface)?;
    let (record, target, sent) = examine(surface, &session, record, needs, &cancel).await?;
    let found = record.examined.as_ref().map(|found| (found.good, found.examination.clone())).unwrap_or_default();
    let examination: crate::registration::Examination =
        serde_json::from_str(&found.1).map_err(|error| Failure::new(exit::UNEXPECTED, error))?;
    if surface.json {
        let fields = json!({ "ticket": record.ticket, "good": found.0, "findings": examination.findings, "sent": sent });
        answer(surface, "spartacus.offer_examined/1", &fields, "");
    } else {
        say(&conclusion(&target, &examination));
        let word = record.ticket.as_str();
        if found.0 {
            say(&format!("next: spartacus offers accept {word}"));
        } else if !sent {
            say(&format!("next: send the volunteer what was found: spartacus offers show {word} --report"));
        }
    }
    Ok(if found.0 { exit::OK } else { exit::UNHEALTHY })
}

/// Opens an offer, tries its place out, writes down what was found, and sends it to the volunteer: whether it could be sent is told.
/// Nothing was connected to before.
pub async fn examine(
    surface: &Surface,
    session: &Session,
    record: OfferRecord,
    needs: Option<ByteCount>,
    cancel: &Cancel,
) -> Result<(OfferRecord, Target, bool), Failure> {
    if matches!(record.state, OfferState::Rejected | OfferState::Withdrawn | OfferState::Expired) {
        return Err(Failure::told(
            exit::USAGE,
            format!("{} is {}: there is nothing to try out", record.ticket, record.state.word()),
        )
        .hint("if the volunteer offers it again: spartacus offers add FILE"));
    }
    let message = message(session, &record.file)?;
    let sealed = opened(session, &message)?;
    let now = session.clock.now();
    if let Some(offered) = message.request.offered().filter(|offered| offered.expires <= now) {
        return Err(hinted(exit::USAGE, OfferError::Over(offered.expires)));
    }
    let target = candidate(session, &message, &sealed, record.name.clone(), (TRIED, &record.ticket))?;
    keep::keep(session, &sealed, TRIED, &record.ticket)?;
    let needs = match needs {
        Some(needs) => Some(needs),
        None => published_bytes(session).await?,
    };
    let deploy = DeployKey::of(&session.project, &target);
    // What was agreed on before is theirs; any other place may be that of somebody else.
    let is_agreed = record.entry == Some(place_digest(&target.kind));
    for known in session.config.targets.iter().filter(|known| !is_agreed && overlap(&known.kind, &target.kind)) {
        surface.remark(&format!(
            "warning: it lies inside the place of {}, or around it: that would be one copy, not two",
            known.name
        ));
    }
    let claim = (!is_agreed).then(|| claim(&record.ticket));
    let trial = Trial { config: &session.config, clients: &session.clients, target: &target, needs, chroot: None, deploy, claim };
    let trying = try_out(surface, &trial);
    let found = tokio::select! {
        biased;
        () = cancel.token.cancelled() => None,
        found = trying => Some(found),
    };
    // What was sealed for this is not needed any more, whatever came of it.
    keep::forget(session, TRIED, &record.ticket)?;
    let Some(found) = found else {
        return Err(Failure::told(cancel.code().unwrap_or(exit::INTERRUPTED), "cancelled; nothing was decided")
            .hint("what was written for it may lie there still: .spartacus-probe-..."));
    };
    let found = found?;
    let alone = in_turn(&session.project).await?;
    // A newer message may have come meanwhile: then this was about what was offered before.
    let mut newest = find(session, &record.ticket)?;
    if newest.file != record.file || newest.state != record.state {
        return Err(Failure::told(exit::CONFLICT, format!("{}: the volunteer sent something newer meanwhile", record.ticket))
            .hint(format!("spartacus offers verify {}", record.ticket)));
    }
    let examination = serde_json::to_string(&found).map_err(|error| Failure::new(exit::UNEXPECTED, error))?;
    newest.examined = Some(Examined { at: session.clock.now(), good: found.is_good(), examination });
    session.history.set_offer(&newest).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    drop(alone);
    let sent = report::send(surface, session, &newest, sealed.contact.as_ref()).await?;
    Ok((newest, target, sent))
}

/// One place lies in the other, as far as their settings tell: a server may have many names.
fn overlap(one: &TargetKind, other: &TargetKind) -> bool {
    let within = |one: &str, other: &str| {
        let steps = |path: &str| -> Vec<String> {
            path.split('/').filter(|step| !matches!(*step, "" | ".")).map(ToOwned::to_owned).collect()
        };
        let (one, other) = (steps(one), steps(other));
        one.starts_with(&other) || other.starts_with(&one)
    };
    match (one, other) {
        (TargetKind::Sftp(one), TargetKind::Sftp(other)) => {
            // Where the login folder lies is not known here, but that it is below the root.
            let same_start = one.path.starts_with('/') == other.path.starts_with('/') || one.path == "/" || other.path == "/";
            let same_account = (&one.host, one.port, &one.user) == (&other.host, other.port, &other.user);
            same_account && same_start && within(&one.path, &other.path)
        }
        (TargetKind::Webdav(one), TargetKind::Webdav(other)) => {
            one.url.origin() == other.url.origin() && within(one.url.path(), other.url.path())
        }
        (TargetKind::S3(one), TargetKind::S3(other)) => {
            (&one.endpoint, &one.bucket) == (&other.endpoint, &other.bucket) && within(&one.prefix, &other.prefix)
        }
        _ => false,
    }
}

/// What whoever offers a place puts there to show that it is theirs.
fn claim(ticket: &str) -> ObjectPath {
    ObjectPath::new(format!(".spartacus-offer-{ticket}")).expect("tickets are letters, digits and dashes")
}

/// The target that an offer would become, with its secrets in these files.
pub fn candidate(
    session: &Session,
    message: &Message,
    sealed: &Sealed,
    name: TargetName,
    (folder, of): (&str, &str),
) -> Result<Target, Failure> {
    let refuse = |error| hinted(exit::FORGED, error);
    let offered =
        message.request.offered().ok_or_else(|| Failure::told(exit::UNEXPECTED, "what was written down as an offer is none"))?;
    let new = sealed.target(offered, name, |secret| keep::reference(folder, of, secret), DEPLOY_KEY).map_err(refuse)?;
    as_target(&new, Utf8Path::new(&session.config.path)).map_err(refuse)
}

async fn published_bytes(session: &Session) -> Result<Option<ByteCount>, Failure> {
    let published = Published::load(&session.project, session.clock.now()).await.map_err(bundle_failure)?;
    Ok(published.map(|state| ByteCount(state.verified().bundles.iter().map(|bundle| bundle.bytes).sum())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn place(kind: &str) -> TargetKind {
        let text =
            format!("project: {{name: demo}}\ntargets:\n  - name: one\n    public_url: https://one.example/\n    {kind}\n");
        let loaded = Config::from_text(Utf8Path::new("targets.yaml"), &text).expect(kind);
        loaded.config.targets.into_iter().next().expect("one target").kind
    }

    fn sftp(user: &str, path: &str) -> TargetKind {
        let key = "A".repeat(43);
        place(&format!("sftp: {{host: one.example, user: {user}, path: {path}, key: k, host_keys: [\"SHA256:{key}\"]}}"))
    }

    fn webdav(url: &str) -> TargetKind {
        place(&format!("webdav: {{url: \"{url}\", user: u, password: {{file: p}}}}"))
    }

    fn s3(bucket: &str, prefix: &str) -> TargetKind {
        let prefix = if prefix.is_empty() { String::new() } else { format!("prefix: {prefix}, ") };
        let keys = "access_key: {file: a}, secret_key: {file: b}";
        place(&format!("s3: {{endpoint: \"https://s3.example\", bucket: {bucket}, {prefix}{keys}}}"))
    }

    #[test]
    fn a_place_inside_another_is_noticed_and_a_neighbour_is_none() {
        for (one, other, expected) in [
            (sftp("u", "/pub"), sftp("u", "/pub"), true),
            (sftp("u", "/pub"), sftp("u", "/pub/demo"), true),
            (sftp("u", "/"), sftp("u", "/pub"), true),
            (sftp("u", "/pub"), sftp("u", "/public"), false),
            (sftp("u", "/pub"), sftp("v", "/pub"), false),
            (sftp("u", "."), sftp("u", "pub"), true),
            (sftp("u", "/"), sftp("u", "pub"), true),
            (sftp("u", "pub"), sftp("u", "/pub"), false),
            (sftp("u", "."), sftp("u", "/srv/pub"), false),
            (webdav("https://one.example/dav/"), webdav("https://one.example/dav/demo/"), true),
            (webdav("https://one.example/"), webdav("https://one.example/dav/"), true),
            (webdav("https://one.example/dav/"), webdav("https://one.example/dav2/"), false),
            (webdav("https://one.example/dav/"), webdav("https://two.example/dav/"), false),
            (s3("files", ""), s3("files", "demo"), true),
            (s3("files", "demo"), s3("files", "demo/one"), true),
            (s3("files", "demo"), s3("files", "demo-two"), false),
            (s3("files", "demo"), s3("other", "demo"), false),
            (s3("files", ""), webdav("https://one.example/"), false),
        ] {
            assert_eq!((overlap(&one, &other), overlap(&other, &one)), (expected, expected), "{one:?} and {other:?}");
        }
    }
}
