//! `spartacus status`: what is remembered, without network.

use std::pin::pin;
use std::time::Duration;

use super::args::{Global, Status};
use super::board::{board, everybody};
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::invite::not_published;
use super::public::write_public;
use super::session::{Session, hinted, paused, refuse_own_files};
use super::surface::{Surface, answer, clear, closed_output, say};
use crate::base::sanitise;
use crate::config::Target;
use crate::history::{HistoryError, MirrorState};
use crate::report::{self, FirstBytes};

/// Runs that are shown.
const RUNS: u32 = 5;

/// Events that are told of one mirror.
const EVENTS: u32 = 10;

/// Tells the last known state of every target, or everything about one.
pub async fn status(surface: &Surface, global: &Global, order: &Status) -> Ended {
    let session = Session::open(surface, global)?;
    if let Some(name) = &order.explain {
        return explain(surface, &session, name);
    }
    let targets = session.selected(&global.only)?;
    if let Some(folder) = &order.html {
        refuse_own_files(global, "--html", folder)?;
        let written = write_public(&session.project, &board(&session, &everybody(&session)).await?, folder)?;
        answer(
            surface,
            "spartacus.public/1",
            &serde_json::json!({"folder": folder.as_str(), "files": written}),
            &format!("{written} files in {folder}"),
        );
        return Ok(exit::OK);
    }
    let Some(seconds) = order.watch else {
        tell(surface, &session, &targets)?;
        return Ok(exit::OK);
    };
    let mut ended = pin!(tokio::signal::ctrl_c());
    loop {
        clear();
        tell(surface, &session, &targets)?;
        if closed_output() {
            return Ok(exit::OK);
        }
        tokio::select! {
            ended = &mut ended => {
                ended?;
                return Ok(exit::OK);
            }
            () = tokio::time::sleep(Duration::from_secs(seconds.into())) => {}
        }
    }
}

/// All that is remembered, at this moment.
fn tell(surface: &Surface, session: &Session, targets: &[&Target]) -> Result<(), Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let (history, now) = (&session.history, session.clock.now());
    let known = history.last_state().map_err(fail)?;
    let runs = history.last_runs(RUNS).map_err(fail)?;
    let mirrors: Vec<MirrorState> = targets.iter().map(|target| state_of(target, &known)).collect();
    let newest = runs.first();
    let (release, version) = (newest.and_then(|run| run.start.release.as_ref()), newest.map_or(0, |run| run.start.version));
    let wanted = session.config.policy.replicas.wanted(mirrors.len(), paused(targets));
    let all = fleet(session, targets)?;
    if surface.json {
        say(&report::status_json(now, release, version, wanted, all.observer.fault.as_deref(), &mirrors, &all.mirrors, &runs));
        return Ok(());
    }
    if all.mirrors.iter().any(|mirror| mirror.standing.seen_at.is_some()) {
        let hours: Result<Vec<FirstBytes>, HistoryError> =
            targets.iter().map(|target| history.first_bytes(&target.name, now)).collect();
        say(&report::health_table(&all, &hours.map_err(fail)?, surface.style));
        say("");
    }
    if let Some(fault) = &all.observer.fault {
        say(&report::own_fault(fault));
    }
    say(&report::status_table(&mirrors, now, surface.style));
    say(&report::runs_table(&runs, surface.style));
    let failing = report::failing_routes(&history.alert_routes().map_err(fail)?);
    if !failing.is_empty() {
        say(&failing);
    }
    endings(session, targets)?;
    if let Some(words) = not_published(&session.project, now) {
        say(words);
    }
    say(&report::status_headline(release, version, wanted, &mirrors));
    Ok(())
}

/// What is agreed with volunteers, and ends soon.
fn endings(session: &Session, targets: &[&Target]) -> Result<(), Failure> {
    for record in session.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))? {
        let target = targets.iter().find(|target| record.state.is_mirror() && Some(&target.name) == record.target.as_ref());
        if let (Some(target), Some(words)) = (target, report::ends_soon(record.expires, session.clock.now())) {
            say(&format!("{}: what is agreed with its volunteer {words}, unless it is renewed", target.name));
        }
    }
    Ok(())
}

fn explain(surface: &Surface, session: &Session, name: &str) -> Ended {
    let Some(target) = session.config.targets.iter().find(|target| target.name.as_str() == name) else {
        let known: Vec<&str> = session.config.targets.iter().map(|target| target.name.as_str()).collect();
        return Err(Failure::told(exit::USAGE, format!("there is no mirror {}", sanitise(name)))
            .hint(format!("mirrors are: {}", known.join(", "))));
    };
    let events = session.history.events_of(&target.name, EVENTS).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let all = fleet(session, &[target])?;
    let mirror = &all.mirrors[0];
    if surface.json {
        say(&report::explanation_json(&all, mirror, &events));
    } else {
        say(report::explanation(&all, mirror, &events).trim_end());
    }
    Ok(exit::OK)
}

fn state_of(target: &Target, known: &[MirrorState]) -> MirrorState {
    let never = MirrorState { target: target.name.clone(), check: None, outcome: None, sent: None, altered: 0 };
    known.iter().find(|state| state.target == target.name).cloned().unwrap_or(never)
}
