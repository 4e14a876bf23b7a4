//! `spartacus invite`: what people are told who want to mirror the project.

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::args::{Global, Invite as Order};
use super::ask;
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::init::open_key;
use super::outputs;
use super::public::write_whole;
use super::rotate::tell_of_the_next_key;
use super::session::{Session, bundle_failure, file_failure, hinted, read_at_most, refuse_other_content, refuse_own_files};
use super::surface::{Surface, answer};
use super::verify::read_pin;
use crate::base::{ByteCount, Clock, Sha256};
use crate::bundle::{KeyName, Project, Published};
use crate::config::{Config, InvitePolicy};
use crate::registration::{Invite, LONGEST_INVITE, Needs, invite_page};

/// By what places are reached; a folder is one of our own machine.
const PROTOCOLS: [&str; 3] = ["sftp", "webdav", "s3"];
/// How the signed file begins.
const BEGINS: &str = "{\"schema\":\"spartacus.invite/1\"";

/// Writes an invite and its page, or shows one that came from elsewhere.
pub async fn invite(surface: &Surface, global: &Global, order: &Order) -> Ended {
    match &order.show {
        Some(file) => show(surface, order, file),
        None => write(surface, global, order).await,
    }
}

/// 1. What the configuration says, what is published, and the keys, are put together.
/// 2. It is shown, and a maintainer signs it.
/// 3. The file and the page are written; where the project tells of its mirrors, they carry it from the next push on.
async fn write(surface: &Surface, global: &Global, order: &Order) -> Ended {
    let (file, page) = (order.out.join("invite.json"), order.out.join("invite.html"));
    refuse_own_files(global, "--out", &order.out.join("x"))?;
    refuse_other_content("--out", &file, BEGINS, "invite")?;
    let session = Session::open(surface, global)?;
    let (config, project) = (&session.config, &session.project);
    let Some(policy) = &config.invite else {
        return Err(Failure::told(exit::USAGE, format!("{} does not say whom and how it invites", config.path))
            .hint("add invite: {send_to: [mirrors@example.org], recipients: [age1...]}, see targets.example.yaml"));
    };
    let cancel = Cancel::on_signals(surface)?;
    let invite = gather(config, policy, project, Clock::System.now()).await?;
    surface.remark(&told(&invite));
    let path = match &order.key {
        Some(path) => path.clone(),
        None => own_key(project)?,
    };
    if !order.yes {
        let surface = surface.clone();
        cancel.or_answer(move || ask::confirm(&surface, "sign this?", "--yes")).await?;
    }
    let asking = surface.clone();
    let key = cancel.or_answer(move || open_key(&asking, &path)).await?;
    cancel.check()?;
    let signed = invite.to_file(&key);
    // What no volunteer would believe is not written.
    let read = Invite::read(&signed, invite.pin, invite.at).map_err(|error| {
        hinted(exit::FORGED, error).hint("sign with the key of a maintainer: `spartacus key list` tells which may")
    })?;
    let text = String::from_utf8_lossy(&signed);
    std::fs::create_dir_all(&order.out).map_err(|error| file_failure("make", &order.out, error))?;
    write_whole(&file, &text)?;
    write_whole(&page, &invite_page(&read, None))?;
    write_whole(&published_at(project), &text)?;
    outputs::show(&session).await;
    // Not before: volunteers are told that this invite proves the key.
    let told = tell_of_the_next_key(&session, &read)?;
    let spread = if config.project.publish_status {
        "every mirror carries it from the next push or renewal on"
    } else {
        "hand it out, or let mirrors carry it: publish_status: true in targets.yaml"
    };
    let words = format!("{file} is signed and holds until {}\n{page} is for people\n{spread}{}", day(read.expires), told.words);
    answer(
        surface,
        "spartacus.invited/1",
        &json!({"file": file.as_str(), "page": page.as_str(), "expires": read.expires, "pin": read.pin,
            "messages": told.messages, "not_told": told.left_out}),
        &words,
    );
    Ok(exit::OK)
}

/// The newest invite, if mirrors may carry it now.
pub fn to_publish(project: &Project, now: Timestamp) -> Option<Bytes> {
    let (bytes, invite) = newest(project, now)?;
    names_only_our_keys(project, &invite).then(|| bytes.into())
}

/// What is wrong with the newest invite, so that it is not published although it holds.
pub fn not_published(project: &Project, now: Timestamp) -> Option<&'static str> {
    let (_, invite) = newest(project, now)?;
    (!names_only_our_keys(project, &invite))
        .then_some("the newest invite names a deploy key that is not used any more, and is not published: spartacus invite")
}

fn newest(project: &Project, now: Timestamp) -> Option<(Vec<u8>, Invite)> {
    let bytes = read_at_most(&published_at(project), LONGEST_INVITE).ok()?;
    let invite = Invite::read(&bytes, project.pin().ok()?, now).ok()?;
    Some((bytes, invite))
}

/// Whoever follows an invite lets in each key that it names; one that was removed may be in other hands.
fn names_only_our_keys(project: &Project, invite: &Invite) -> bool {
    let Ok(mut ours) = project.deploy_keys() else { return false };
    if ours.is_empty() {
        ours.extend(public_half(project, "deploy_ed25519.pub"));
    }
    if ours.is_empty() {
        // Nothing is known here of any key.
        return true;
    }
    // The kind and the key itself: comments may change.
    let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let ours: Vec<Vec<String>> = ours.iter().map(|line| words(line)).collect();
    invite.deploy_keys.iter().all(|line| ours.contains(&words(line)))
}

/// The newest invite that still holds, and its page, to lie beside the public pages: paths and contents.
pub fn beside_pages(project: &Project, now: Timestamp) -> Option<[(&'static str, Bytes); 2]> {
    let file = to_publish(project, now)?;
    let invite = Invite::read(&file, project.pin().ok()?, now).ok()?;
    Some([("invite.json", file), ("invite.html", invite_page(&invite, None).into())])
}

fn published_at(project: &Project) -> Utf8PathBuf {
    project.state().join("invite.json")
}

async fn gather(config: &Config, policy: &InvitePolicy, project: &Project, now: Timestamp) -> Result<Invite, Failure> {
    let published = Published::load(project, now).await.map_err(bundle_failure)?;
    let bundles = published.as_ref().map(|state| state.verified().bundles.clone()).unwrap_or_default();
    let newest = published.as_ref().and_then(|state| state.verified().newest.clone());
    let newest_bytes = bundles.iter().find(|bundle| Some(&bundle.name) == newest.as_ref()).map_or(0, |bundle| bundle.bytes);
    let roots = roots(project)?;
    let own = public_half(project, "age_recipient.txt")?;
    let mut deploy_keys = project.deploy_keys().map_err(bundle_failure)?;
    if deploy_keys.is_empty() {
        deploy_keys.push(public_half(project, "deploy_ed25519.pub")?);
    }
    let from = if policy.from.is_empty() {
        config.health.seen_from.iter().map(ToString::to_string).collect()
    } else {
        policy.from.clone()
    };
    let mut recipients = vec![own];
    recipients.extend(policy.recipients.iter().filter(|other| **other != recipients[0]).cloned().collect::<Vec<_>>());
    if recipients.len() < 2 {
        return Err(Failure::told(exit::USAGE, "invite: recipients: names only the project's own identity")
            .hint("age-keygen -o offline.txt on another machine, and add the public key that it prints"));
    }
    // Whole seconds, as all moments that are signed.
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Ok(Invite {
        project: config.project.name.clone(),
        pin: Sha256::of(&roots[0]),
        roots: Invite::encoded_roots(&roots),
        at,
        expires: at + SignedDuration::try_from(policy.valid).unwrap_or(SignedDuration::ZERO),
        needs: Needs {
            bundles: bundles.len() as u64,
            files: bundles.iter().map(|bundle| bundle.files).sum(),
            bytes: ByteCount(bundles.iter().map(|bundle| bundle.bytes).sum()),
            newest,
            newest_bytes: ByteCount(newest_bytes),
            growth_per_year: policy.growth,
        },
        protocols: PROTOCOLS.map(str::to_owned).into(),
        deploy_keys,
        from,
        recipients,
        send_to: policy.send_to.clone(),
        conditions: policy.conditions.clone(),
    })
}

/// All roots, oldest first.
fn roots(project: &Project) -> Result<Vec<Bytes>, Failure> {
    let mut found = Vec::new();
    loop {
        let path = project.metadata().join(format!("{}.root.json", found.len() + 1));
        match std::fs::read(&path) {
            Ok(bytes) => found.push(Bytes::from(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !found.is_empty() => return Ok(found),
            Err(error) => return Err(file_failure("read", &path, error)),
        }
    }
}

fn public_half(project: &Project, name: &str) -> Result<String, Failure> {
    let path = project.keys().join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        file_failure("read", &path, error).hint(format!("`spartacus init` made {path}: bring it back from a backup"))
    })?;
    Ok(text.trim().to_owned())
}

fn own_key(project: &Project) -> Result<Utf8PathBuf, Failure> {
    let keyring = project.keyring().map_err(bundle_failure)?;
    let here = |name: String| {
        let path = project.maintainer_key(&name.parse::<KeyName>().ok()?);
        path.exists().then_some(path)
    };
    keyring.targets.keys.iter().find_map(|key| here(keyring.name_of(key))).ok_or_else(|| {
        Failure::told(exit::USAGE, format!("no maintainer's secret key lies in {}", project.keys()))
            .hint("spartacus invite --key FILE")
    })
}

/// Reads an invite that came from elsewhere, and says what is in it.
fn show(surface: &Surface, order: &Order, file: &Utf8Path) -> Ended {
    let (_, invite) = verified(file, order.pin, order.root.as_deref(), &format!("spartacus invite --show {file}"))?;
    answer(
        surface,
        "spartacus.invite_shown/1",
        &json!({"invite": invite}),
        &format!("{}\na maintainer of the project signed it", told(&invite)),
    );
    Ok(exit::OK)
}

/// An invite that came from elsewhere, as its file has it and as it reads. `again` is the command that lacked the pin.
pub fn verified(
    file: &Utf8Path,
    pin: Option<Sha256>,
    root: Option<&Utf8Path>,
    again: &str,
) -> Result<(Vec<u8>, Invite), Failure> {
    let pin = match (pin, root) {
        (Some(pin), _) => pin,
        (None, Some(root)) => Sha256::of(&read_pin(root)?),
        (None, None) => {
            return Err(Failure::told(exit::USAGE, "an invite is verified against the project's pin")
                .hint(format!("{again} --pin SHA256   (or --root 1.root.json), as the project tells it elsewhere")));
        }
    };
    let bytes = read_at_most(file, LONGEST_INVITE)?;
    let invite = authentic(file, &bytes, pin)?;
    if invite.expires <= Clock::System.now() {
        return Err(over(file, &invite));
    }
    Ok((bytes, invite))
}

/// The invite that a file is, if a maintainer of the project with this pin signed it, whether it still holds or not.
pub fn authentic(file: &Utf8Path, bytes: &[u8], pin: Sha256) -> Result<Invite, Failure> {
    Invite::recall(bytes, pin).map_err(|error| {
        let failure = hinted(exit::FORGED, error);
        Failure { error: failure.error.context(format!("{file} is not to be trusted")), ..failure }
    })
}

/// That an invite is authentic and does not hold any more, and where the newest one is.
pub fn over(file: &Utf8Path, invite: &Invite) -> Failure {
    let held = day(invite.expires);
    Failure::told(exit::USAGE, format!("{file} is over: a maintainer signed it, and it held until {held}"))
        .hint(format!("get the newest one: {}", newest_at(invite)))
        .hint(format!("verify it, then put it in the place of {file}: spartacus invite --show invite.json --pin {}", invite.pin))
}

/// Where the newest invite of a project is found, as far as an older one tells.
fn newest_at(invite: &Invite) -> String {
    format!(
        "fleet/N.invite.json on a mirror of the project (the highest N), invite.json on its web front, or ask {}",
        invite.send_to.join(" or ")
    )
}

fn told(invite: &Invite) -> String {
    let needs = &invite.needs;
    let newest = needs.newest.as_ref().map(|name| format!("; newest {name}, {}", needs.newest_bytes)).unwrap_or_default();
    let growth = needs.growth_per_year.map(|growth| format!("; about {growth} more in a year")).unwrap_or_default();
    let mut lines = vec![
        format!("invite of {} (pin {})", invite.project, invite.pin),
        format!("  stored      {} in {} files; bundles: {}{newest}{growth}", needs.bytes, needs.files, needs.bundles),
        format!("  holds       {} to {}", day(invite.at), day(invite.expires)),
        format!("  send to     {}", invite.send_to.join(", ")),
    ];
    let mut list = |title: &str, items: &[String]| lines.extend(items.iter().map(|item| format!("  {title:<12}{item}")));
    list("from", &invite.from);
    list("deploy key", &invite.deploy_keys);
    list("recipient", &invite.recipients);
    list("condition", &invite.conditions);
    lines.join("\n")
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}
