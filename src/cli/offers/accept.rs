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
use crate::base::TargetName;
use crate::bundle;
use crate::cli::alone;
use crate::cli::args::{Global, OffersAccept};
use crate::cli::ask;
use crate::cli::cancel::Cancel;
use crate::cli::check::look_at_mirrors;
use crate::cli::deliver::{Delivery, deliver};
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::newest;
use crate::cli::probing::Looking;
use crate::cli::push::{pin, showcase, tell};
use crate::cli::session::{Session, bundle_failure, hinted};
use crate::cli::surface::{Surface, answer};
use crate::cli::target::add as entry;
use crate::config::{add_target, replace_target};
use crate::health::Depth;
use crate::history::{OfferRecord, OfferState};
use crate::registration::{Message, Sealed};
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
    let now = session.clock.now();
    let is_fresh = record.examined.as_ref().is_some_and(|found| found.good && found.at > now - FRESH) && order.needs.is_none();
    let record = if is_fresh { record } else { examine(surface, &session, record, order.needs, &cancel).await?.0 };
    if !record.examined.as_ref().is_some_and(|found| found.good) && !order.force {
        return Err(Failure::told(exit::UNHEALTHY, format!("{}: something failed, so it is not accepted", record.ticket))
            .hint(format!("tell the volunteer: spartacus offers show {} --report", record.ticket))
            .hint("if it is good enough for you: add --force"));
    }
    let name = match (&record.target, &order.name) {
        (Some(target), None) => target.clone(),
        (Some(_), Some(_)) => {
            return Err(Failure::told(exit::USAGE, "--as: it is a target already, and keeps its name").hint("leave --as out"));
        }
        (None, Some(name)) => TargetName::new(name).map_err(|error| Failure::new(exit::USAGE, error))?,
        (None, None) => record.name.clone(),
    };
    if !order.yes {
        let (asking, question) =
            (surface.clone(), format!("accept {} as {name} and write it into {}?", record.ticket, global.config));
        cancel.or_answer(move || ask::confirm(&asking, &question, "--yes")).await?;
    }
    let message = message(&session, &record.file)?;
    let sealed = opened(&session, &message)?;
    let record = agree(&session, global, record, &name, &message, &sealed).await?;
    drop(sealed);
    let state =
        if order.no_push { record.state } else { first_copy(surface, global, &name, &cancel).await?.unwrap_or(record.state) };
    let text = match state {
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
    Ok(if order.no_push || !matches!(state, OfferState::Verifying) { exit::OK } else { exit::UNHEALTHY })
}

/// Secrets, memory and configuration, in this order: whatever breaks off in between, the next try goes on.
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
    let new = sealed
        .target(offered, name.clone(), |secret| keep::reference(KEPT, name.as_str(), secret), DEPLOY_KEY)
        .map_err(|error| hinted(exit::FORGED, error))?;
    // Somebody else may have written the file, and the volunteer something newer, while we asked.
    let text = entry::read(global)?;
    let known = find(session, &before.ticket)?;
    if known.file != before.file {
        return Err(Failure::told(exit::CONFLICT, format!("{}: the volunteer sent something newer meanwhile", before.ticket))
            .hint(format!("spartacus offers accept {}", before.ticket)));
    }
    let is_there = before.target.is_some() && session.config.targets.iter().any(|target| target.name == *name);
    let edited = if is_there { replace_target(&text, &new) } else { add_target(&text, &new) };
    let edited = edited.map_err(|error| hinted(exit::USAGE, error))?;
    entry::check(global, &edited)?;
    keep::keep(session, sealed, KEPT, name.as_str())?;
    let now = session.clock.now();
    let mut record = known;
    // A place that has changed has to show itself anew.
    let goes_on = record.state.is_mirror() && is_there && life::likeness(session, &record, sealed) != Likeness::None;
    if !goes_on {
        become_(&mut record, OfferState::Verifying, now);
        record.since = Some(now);
    }
    record.target = Some(name.clone());
    record.agreed = Some(record.file.clone());
    record.expires = offered.expires;
    record.sealed = !sealed.secrets.is_empty();
    (record.words, record.erase) = (None, false);
    session.history.set_offer(&record).map_err(failed)?;
    if let Err(failure) = entry::replace(global, &edited) {
        session.history.set_offer(&before).map_err(failed)?;
        return Err(failure);
    }
    Ok(record)
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
    let all = session.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(all.into_iter().find(|record| record.target.as_ref() == Some(name)).map(|record| record.state))
}
