//! `spartacus offers accept`: an offer becomes a target.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::add::become_;
use super::examine::{DEPLOY_KEY, examine};
use super::keep::{self, KEPT};
use super::life::Likeness;
use super::{find, in_turn, life, message, opened};
use crate::base::{Addresses, Holds, TargetName};
use crate::bundle;
use crate::cli::alone;
use crate::cli::args::{Global, OffersAccept};
use crate::cli::ask;
use crate::cli::cancel::Cancel;
use crate::cli::check::look_at_mirrors;
use crate::cli::deliver::{Delivery, deliver};
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::newest;
use crate::cli::outputs::show;
use crate::cli::probing::Looking;
use crate::cli::push::{pin, showcase, tell};
use crate::cli::session::{Session, bundle_failure, entry_of, hinted};
use crate::cli::surface::{Surface, answer};
use crate::cli::target::add as entry;
use crate::cli::target::place::place_digest;
use crate::config::{NewTarget, Target, TargetState, add_target, replace_target};
use crate::health::Depth;
use crate::history::{OfferRecord, OfferState};
use crate::registration::{Message, OfferError, Sealed};
use crate::transfer::RunKind;

/// An examination that is older says too little.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// 1. The place is tried out, unless that was done lately and nothing failed.
/// 2. Its secrets are sealed to the project, and the entry is written.
/// 3. The first copy is made and every byte of it hashed as readers get it; then it is on probation.
pub async fn accept(surface: &Surface, global: &Global, order: &OffersAccept) -> Ended {
    let session = Session::open(surface, global)?;
    let cancel = Cancel::on_signals(surface)?;
    let record = find(&session, &order.ticket)?;
    if !record.waits() {
        return Err(Failure::told(
            exit::USAGE,
            format!("{} does not wait for a decision: it is {}", record.ticket, record.state.word()),
        )
        .hint("spartacus offers list"));
    }
    let name = name(&session, &record, order)?;
    let now = session.clock.now();
    let is_fresh = record.examined.as_ref().is_some_and(|found| found.good && found.at > now - FRESH) && order.needs.is_none();
    let (record, sent) = if is_fresh {
        (record, false)
    } else {
        let (record, _, sent) = examine(surface, &session, record, order.needs, &cancel).await?;
        (record, sent)
    };
    if !record.examined.as_ref().is_some_and(|found| found.good) && !order.force {
        let mut failure = Failure::told(exit::UNHEALTHY, format!("{}: something failed, so it is not accepted", record.ticket));
        if !sent {
            failure = failure.hint(format!("tell the volunteer: spartacus offers show {} --report", record.ticket));
        }
        return Err(failure.hint("if it is good enough for you: add --force"));
    }
    if !order.yes {
        let how = if entry_of(&session.config, &record).is_some() { "in place of its entry" } else { "as a new entry" };
        let question = format!("accept {} as {name} and write it into {}, {how}?", record.ticket, global.config);
        let asking = surface.clone();
        cancel.or_answer(move || ask::confirm(&asking, &question, "--yes")).await?;
    }
    let message = message(&session, &record.file)?;
    let sealed = opened(&session, &message)?;
    let record = agree(&session, global, record, &name, &message, &sealed).await?;
    drop(sealed);
    let copied = if order.no_push { None } else { first_copy(surface, global, &name, &cancel).await? };
    let state = copied.unwrap_or(record.state);
    let text = match state {
        _ if record.paused_until.is_some_and(|until| until > now) => {
            format!("{name} is in {}, and left alone until its volunteer's pause is over", global.config)
        }
        OfferState::Probation => format!(
            "{name} is whole, and on probation: it is shown to readers once it was good for {}",
            life::span(session.config.invite.as_ref())
        ),
        OfferState::Active => format!("{name} is agreed on anew"),
        _ => format!(
            "{name} is in {}; its first copy is still to be made and verified\nnext: spartacus push, then spartacus check --full --only {name}",
            global.config
        ),
    };
    let fields = json!({ "ticket": record.ticket, "target": name, "state": state, "config": global.config.as_str(), "expires": record.expires });
    answer(surface, "spartacus.offer_accepted/1", &fields, &text);
    let is_behind = copied == Some(OfferState::Verifying) && record.paused_until.is_none_or(|until| until <= now);
    Ok(if is_behind { exit::UNHEALTHY } else { exit::OK })
}

/// How it will be called. That it can be called so is seen before the place is tried out.
fn name(session: &Session, record: &OfferRecord, order: &OffersAccept) -> Result<TargetName, Failure> {
    let has_entry = entry_of(&session.config, record).is_some();
    let name = match (&record.target, &order.name) {
        (Some(_), Some(_)) if has_entry => {
            return Err(Failure::told(exit::USAGE, "--as: it is a target already, and keeps its name").hint("leave --as out"));
        }
        (Some(target), None) if has_entry => return Ok(target.clone()),
        (_, Some(name)) => TargetName::new(name).map_err(|error| Failure::new(exit::USAGE, error))?,
        (_, None) => record.name.clone(),
    };
    // One that was written just before a crash is its own: that is seen when it is written again.
    let is_ours = |target: &&Target| target.name == name && target.addresses != Addresses::Public;
    if session.config.targets.iter().any(|target| is_ours(&target)) {
        return Err(Failure::told(exit::USAGE, format!("there is already a target named {name}"))
            .hint(format!("spartacus offers accept {} --as NAME", record.ticket)));
    }
    Ok(name)
}

/// Secrets, configuration and memory, in this order: whatever breaks off in between, the next try finds the same entry and goes on.
async fn agree(
    session: &Session,
    global: &Global,
    before: OfferRecord,
    name: &TargetName,
    message: &Message,
    sealed: &Sealed,
) -> Result<OfferRecord, Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let _lock = session.project.lock().map_err(bundle_failure)?;
    let _alone = in_turn(&session.project).await?;
    let offered =
        message.request.offered().ok_or_else(|| Failure::told(exit::UNEXPECTED, "what was written down as an offer is none"))?;
    let now = session.clock.now();
    if offered.expires <= now {
        return Err(hinted(exit::USAGE, OfferError::Over(offered.expires)));
    }
    // Somebody else may have written the file, and the volunteer something newer, while we asked.
    let text = entry::read(global)?;
    let mut record = find(session, &before.ticket)?;
    if record.sequence != before.sequence || record.state != before.state || !record.waits() {
        return Err(Failure::told(exit::CONFLICT, format!("{}: something newer came meanwhile", before.ticket))
            .hint(format!("spartacus offers show {}", before.ticket)));
    }
    let new = sealed
        .target(offered, name.clone(), |secret| keep::reference(KEPT, &record.ticket, secret), DEPLOY_KEY)
        .map_err(|error| hinted(exit::FORGED, error))?;
    let place = place_digest(&new.kind);
    let config = entry::parse(global, &text)?;
    let old = entry_of(&config, &record);
    // Whoever offers what is another's already must not get a say in its entry.
    let all = session.history.offers().map_err(failed)?;
    let is_another_s = all
        .iter()
        .any(|other| other.ticket != record.ticket && other.target.as_ref() == Some(name) && entry_of(&config, other).is_some());
    let written_before = old.is_none()
        && !is_another_s
        && config
            .targets
            .iter()
            .any(|target| target.name == *name && target.addresses == Addresses::Public && place_digest(&target.kind) == place);
    // A place that has changed has to show itself anew.
    let goes_on = record.state.is_mirror() && old.is_some() && life::likeness(session, &record, sealed) != Likeness::None;
    let edited = match old {
        Some(old) => {
            refuse_more_than_offered(old)?;
            Some(replace_target(&text, &NewTarget { tags: old.tags.clone(), ..new }))
        }
        None if written_before => None,
        None => Some(add_target(&text, &new)),
    };
    let edited = edited.transpose().map_err(|error| {
        hinted(exit::USAGE, error).hint(format!("another name: spartacus offers accept {} --as NAME", before.ticket))
    })?;
    if let Some(edited) = &edited {
        entry::check(&global.config, edited)?;
    }
    keep::keep(session, sealed, KEPT, &record.ticket)?;
    if let Some(edited) = &edited {
        entry::replace(global, edited)?;
    }
    if !goes_on {
        become_(&mut record, OfferState::Verifying, now);
        record.since = Some(now);
    }
    (record.target, record.entry) = (Some(name.clone()), Some(place));
    record.agreed = Some(record.file.clone());
    record.expires = offered.expires;
    record.sealed = !sealed.secrets.is_empty();
    record.changed = now;
    (record.words, record.erase) = (None, false);
    session.history.set_offer(&record).map_err(failed)?;
    Ok(record)
}

/// What a maintainer wrote into an entry by hand would be lost with it.
fn refuse_more_than_offered(old: &Target) -> Result<(), Failure> {
    let more = [
        ("state", old.state != TargetState::Active),
        ("holds", old.holds != Holds::All),
        ("proxy", old.proxy.is_some()),
        ("ca", old.ca.is_some()),
    ];
    let found: Vec<&str> = more.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::told(
        exit::USAGE,
        format!("the entry of {} has more than an offer says ({}): it is not replaced", old.name, found.join(", ")),
    )
    .hint("take these keys out of targets.yaml, accept the update, and put them back"))
}

/// Everything that is published, sent and then read back as readers do. `None`: there is nothing yet.
async fn first_copy(
    surface: &Surface,
    global: &Global,
    name: &TargetName,
    cancel: &Cancel,
) -> Result<Option<OfferState>, Failure> {
    // Anew, for the target is in it now.
    let session = Session::open(&surface.silent(), global)?;
    let targets = session.selected(&[name.to_string()])?;
    {
        let _lock = session.project.lock().map_err(bundle_failure)?;
        newest::refuse_if_set_back(&session).await?;
        let release = bundle::current_release(&session.project, &showcase(&session), session.clock.now()).await;
        let Some(release) = release.map_err(bundle_failure)?.map(Arc::new) else {
            surface.remark("nothing was published yet: the first push brings the first copy");
            return Ok(None);
        };
        let looks = BTreeMap::new();
        let delivery =
            Delivery { kind: RunKind::Repair, targets: targets.clone(), release, pin: pin(&session.project)?, looks, cancel };
        let run = deliver(surface, global, &session, delivery).await?;
        if !surface.json {
            tell(surface, &run);
        }
    }
    cancel.check()?;
    surface.remark("every byte of it is read as readers do");
    let _round = alone::in_turn(&session, cancel).await?;
    look_at_mirrors(&session, &targets, &Looking::only(Depth::Full), cancel).await?;
    // Anew once more: it is on probation now.
    show(&Session::open(&surface.silent(), global)?).await;
    let all = session.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(all.into_iter().find(|record| record.target.as_ref() == Some(name)).map(|record| record.state))
}
