//! `spartacus rotate`: another deploy key, with a time in which both are there.

mod ask;
mod letters;

use std::fmt::Write as _;

use serde_json::json;

use self::ask::{Answer, Asked, ask, users};
use super::args::{Global, Rotate};
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{Session, bundle_failure};
use super::surface::{Surface, answer};
use crate::alert::KeyNews;
use crate::base::{escape, sanitise};
use crate::bundle::{BundleError, Rotation};
use crate::config::Target;

/// The form of all of its reports.
const SCHEMA: &str = "spartacus.rotation/1";

/// Does what is asked.
pub async fn rotate(surface: &Surface, global: &Global, order: &Rotate) -> Ended {
    let session = Session::open(surface, global)?;
    match order {
        Rotate::Begin => begin(surface, &session),
        Rotate::Status => status(surface, global, &session).await,
        Rotate::Finish { force } => finish(surface, &session, *force).await,
        Rotate::Cancel { force } => cancel(surface, &session, *force).await,
    }
}

/// Makes the next key, and says what is to be done with it.
fn begin(surface: &Surface, session: &Session) -> Ended {
    let _alone = session.project.lock().map_err(bundle_failure)?;
    let day = session.clock.now().strftime("%Y-%m-%d");
    let comment = sanitise(&format!("spartacus deploy {} {day}", session.config.project.name));
    let line = session.project.begin_rotation(&comment).map_err(|error| match error {
        BundleError::Exists { .. } => Failure::told(exit::USAGE, "a change of the deploy key is under way already")
            .hint("who takes which key: spartacus rotate status")
            .hint("to end it: spartacus rotate finish, or spartacus rotate cancel"),
        other => bundle_failure(other),
    })?;
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let targets = users(session, &every);
    let pin = session.project.pin().map_err(bundle_failure)?;
    let written = letters::write(session, &targets, KeyNews::Next { line: &line, pin })?;
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let who = if names.is_empty() { "no target".to_owned() } else { names.join(", ") };
    let text = format!(
        "the next deploy key is {}:\n\n  {}\n\nlogging in with the deploy key: {who}\nnext:\n  spartacus invite                  names both keys from \
         now on{}\n  each volunteer adds that line to authorized_keys, with the same options as the present one\n  spartacus rotate status           tells \
         who takes which key; pushes go on meanwhile, with either\n  spartacus rotate finish           when all of them take the next one",
        session.project.next_deploy_key(),
        escape(&line),
        letters::waiting(written)
    );
    let told: Vec<Asked> = targets.iter().map(|target| Asked { target: target.name.clone(), answers: None }).collect();
    tell(surface, session, "under_way", &told, written, &text)?;
    Ok(exit::OK)
}

/// Who takes which key.
async fn status(surface: &Surface, global: &Global, session: &Session) -> Ended {
    under_way(session)?;
    let stop = Cancel::on_signals(surface)?;
    // A project without targets has none that would be cut off, so that is no error here.
    let among: Vec<&Target> =
        if global.only.is_empty() { session.config.targets.iter().collect() } else { session.selected(&global.only)? };
    let asked = ask(session, &users(session, &among), &stop).await?;
    let behind = asked.iter().filter(|asked| !opens(asked)).count();
    let mut text = lines(&asked);
    let _ = match (asked.len(), behind) {
        (0, _) => write!(text, "no target logs in with the deploy key: spartacus rotate finish"),
        (_, 0) => write!(text, "all take the next key: spartacus rotate finish"),
        (all, behind) => write!(text, "{} of {all} take the next key", all - behind),
    };
    tell(surface, session, "under_way", &asked, 0, &text)?;
    Ok(if behind == 0 { exit::OK } else { exit::UNHEALTHY })
}

/// 1. Every target is asked which key it takes.
/// 2. The next key takes the place of the old one, which is gone then.
/// 3. Volunteers hear that the old line can be removed.
async fn finish(surface: &Surface, session: &Session, force: bool) -> Ended {
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let targets = users(session, &every);
    let mut asked = Vec::new();
    if session.project.rotation() != Rotation::Switched {
        under_way(session)?;
        let stop = Cancel::on_signals(surface)?;
        asked = ask(session, &targets, &stop).await?;
        let lost: Vec<&Asked> = asked.iter().filter(|asked| asked.needs_the_old_one()).collect();
        guard(surface, &lost, force, "the old key", "finish")?;
    }
    {
        let _alone = session.project.lock().map_err(bundle_failure)?;
        session.project.finish_rotation().map_err(bundle_failure)?;
    }
    let line = session.project.deploy_keys().map_err(bundle_failure)?.into_iter().next().unwrap_or_default();
    let written = letters::write(session, &targets, KeyNews::Changed { line: &line })?;
    let text = format!(
        "{}{} is the new key, and the old one is removed:\n\n  {}\n\nnext:\n  spartacus invite                  names only the new key from now \
         on{}\n  volunteers can remove the old line from authorized_keys",
        lines(&asked),
        session.project.deploy_key(),
        escape(&line),
        letters::waiting(written)
    );
    tell(surface, session, "finished", &asked, written, &text)?;
    Ok(exit::OK)
}

/// Removes the next key, unless somebody takes no other.
async fn cancel(surface: &Surface, session: &Session, force: bool) -> Ended {
    under_way(session)?;
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let stop = Cancel::on_signals(surface)?;
    let asked = ask(session, &users(session, &every), &stop).await?;
    let lost: Vec<&Asked> = asked.iter().filter(|asked| asked.needs_the_next_one()).collect();
    guard(surface, &lost, force, "the next key", "cancel")?;
    let _alone = session.project.lock().map_err(bundle_failure)?;
    session.project.cancel_rotation().map_err(bundle_failure)?;
    let text = "the next deploy key is removed, and the present one goes on\nnext:\n  spartacus invite                  names only that one from now \
                on\n  volunteers can remove the line that they added";
    tell(surface, session, "cancelled", &asked, 0, text)?;
    Ok(exit::OK)
}

/// A change has to be under way.
fn under_way(session: &Session) -> Result<(), Failure> {
    match session.project.rotation() {
        Rotation::UnderWay => Ok(()),
        Rotation::Switched => Err(Failure::told(exit::USAGE, "the change of the deploy key was ended before its last step")
            .hint("spartacus rotate finish")),
        Rotation::None => {
            Err(Failure::told(exit::USAGE, "no change of the deploy key is under way").hint("spartacus rotate begin"))
        }
    }
}

/// Refuses to cut targets off, or says which are.
fn guard(surface: &Surface, lost: &[&Asked], force: bool, key: &str, verb: &str) -> Result<(), Failure> {
    if lost.is_empty() {
        return Ok(());
    }
    let details: Vec<String> = lost.iter().map(|asked| line(asked)).collect();
    if force {
        surface.remark(&format!("warning: cut off without {key}, until their volunteers add the other one:"));
        for line in &details {
            surface.remark(&format!("  {line}"));
        }
        return Ok(());
    }
    let count = if lost.len() == 1 { "1 target".to_owned() } else { format!("{} targets", lost.len()) };
    let mut failure = Failure::told(exit::UNHEALTHY, format!("{count} may not let us in without {key}, so it is not removed"));
    failure.details = details;
    Err(failure
        .hint("who takes which key: spartacus rotate status")
        .hint(format!("to cut them off: spartacus rotate {verb} --force")))
}

/// It takes the next key.
fn opens(asked: &Asked) -> bool {
    asked.answers.as_ref().is_none_or(|(_, next)| *next == Answer::LetIn)
}

fn lines(asked: &[Asked]) -> String {
    let mut text = String::new();
    for asked in asked {
        let _ = writeln!(text, "{}", line(asked));
    }
    text
}

fn line(asked: &Asked) -> String {
    let words = asked.takes().map_or("is paused, and was not asked", ask::Takes::words);
    let why = asked.why();
    let why = if why.is_empty() { String::new() } else { format!(": {}", escape(&why)) };
    format!("{:<16} {words}{why}", asked.target)
}

fn tell(surface: &Surface, session: &Session, state: &str, asked: &[Asked], written: usize, text: &str) -> Result<(), Failure> {
    let target = |asked: &Asked| {
        let why = |pick: fn(&(Answer, Answer)) -> &Answer| asked.answers.as_ref().and_then(|answers| pick(answers).why());
        json!({
            "target": asked.target, "takes": asked.takes().map(ask::Takes::word),
            "old": why(|answers| &answers.0), "next": why(|answers| &answers.1),
        })
    };
    let keys = session.project.deploy_keys().map_err(bundle_failure)?;
    let fields = json!({
        "state": state, "keys": keys, "targets": asked.iter().map(target).collect::<Vec<_>>(), "messages": written,
    });
    answer(surface, SCHEMA, &fields, text);
    Ok(())
}
