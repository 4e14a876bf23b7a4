//! `spartacus rotate`: another deploy key, with a time in which both are there.

mod ask;
mod letters;

pub use letters::tell_of_the_next_key;

use std::fmt::Write as _;

use serde_json::json;

use self::ask::{Answer, Asked, ask, users};
use super::args::{Global, Rotate};
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{Session, bundle_failure};
use super::surface::{Surface, answer};
use crate::alert::KeyNews;
use crate::base::{TargetName, escape, sanitise};
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
    if session.project.rotation() == Rotation::Switched {
        return Err(ended_too_early());
    }
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
    let left_out = match session.config.invite {
        Some(_) => letters::left_out(session, &targets),
        None => targets.iter().map(|target| (&target.name, "no `invite:` to prove the key with")).collect(),
    };
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let who = if names.is_empty() { "no target".to_owned() } else { names.join(", ") };
    let text = format!(
        "the next deploy key is {}:\n\n  {}\n\nlogging in with the deploy key: {who}\nnext:\n  spartacus invite                  names both keys from \
         now on, and writes to volunteers{}\n  each volunteer adds that line to authorized_keys, with the same options as the present one\n  spartacus rotate status           tells \
         who takes which key; pushes go on meanwhile, with either\n  spartacus rotate finish           when all of them take the next one",
        session.project.next_deploy_key(),
        escape(&line),
        letters::not_told(&left_out)
    );
    let told: Vec<Asked> = targets.iter().map(|target| Asked { target: target.name.clone(), answers: None }).collect();
    let news = News { state: "under_way", messages: 0, left_out: &left_out };
    tell(surface, session, &news, &told, &text)?;
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
        (_, 0) if !global.only.is_empty() => {
            write!(text, "all that were asked take the next key; of the others tells: spartacus rotate status")
        }
        (_, 0) if asked.iter().any(|asked| asked.answers.is_none()) => {
            write!(text, "all that were asked take the next key: spartacus rotate finish")
        }
        (_, 0) => write!(text, "all take the next key: spartacus rotate finish"),
        (all, behind) => write!(text, "{} of {all} take the next key", all - behind),
    };
    tell(surface, session, &News::of("under_way"), &asked, &text)?;
    Ok(if behind == 0 { exit::OK } else { exit::UNHEALTHY })
}

/// 1. Every target is asked which key it takes.
/// 2. The next key takes the place of the old one, which is gone then.
/// 3. Volunteers hear that the old line can be removed. Only then it is ended: a `finish` that was killed before writes to them later.
async fn finish(surface: &Surface, session: &Session, force: bool) -> Ended {
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let targets = users(session, &every);
    let mut asked = Vec::new();
    let before = Standing::of(session)?;
    if before.rotation != Rotation::Switched {
        under_way(session)?;
        let stop = Cancel::on_signals(surface)?;
        asked = ask(session, &targets, &stop).await?;
        let lost: Vec<&Asked> = asked.iter().filter(|asked| asked.needs_the_old_one()).collect();
        guard(surface, &lost, force, "the old key", "finish")?;
    }
    let _alone = session.project.lock().map_err(bundle_failure)?;
    before.still(session)?;
    session.project.switch_deploy_key().map_err(bundle_failure)?;
    let line = session.project.deploy_keys().map_err(bundle_failure)?.into_iter().next().unwrap_or_default();
    let messages = letters::write(session, &targets, KeyNews::Changed { line: &line })?;
    session.project.finish_rotation().map_err(bundle_failure)?;
    let left_out = letters::left_out(session, &targets);
    let text = format!(
        "{}{} is the new key, and the old one is removed:\n\n  {}\n\nnext:\n  spartacus invite                  names only the new key from now \
         on{}\n  volunteers can remove the old line from authorized_keys{}",
        lines(&asked),
        session.project.deploy_key(),
        escape(&line),
        letters::waiting(messages),
        letters::not_told(&left_out)
    );
    tell(surface, session, &News { state: "finished", messages, left_out: &left_out }, &asked, &text)?;
    Ok(exit::OK)
}

/// Removes the next key, unless somebody takes no other.
async fn cancel(surface: &Surface, session: &Session, force: bool) -> Ended {
    under_way(session)?;
    let before = Standing::of(session)?;
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let stop = Cancel::on_signals(surface)?;
    let targets = users(session, &every);
    let asked = ask(session, &targets, &stop).await?;
    let lost: Vec<&Asked> = asked.iter().filter(|asked| asked.needs_the_next_one()).collect();
    guard(surface, &lost, force, "the next key", "cancel")?;
    let _alone = session.project.lock().map_err(bundle_failure)?;
    before.still(session)?;
    // First: a letter that went out after a cancel that was killed would ask for a key that is nobody's.
    if let [_, next] = before.keys.as_slice() {
        letters::take_back(session, &targets, next)?;
    }
    session.project.cancel_rotation().map_err(bundle_failure)?;
    let text = "the next deploy key is removed, and the present one goes on\nnext:\n  spartacus invite                  names only that one from now \
                on\n  volunteers can remove the line that they added";
    tell(surface, session, &News::of("cancelled"), &asked, text)?;
    Ok(exit::OK)
}

/// How the change stands, and with which keys.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    rotation: Rotation,
    keys: Vec<String>,
}

impl Standing {
    fn of(session: &Session) -> Result<Self, Failure> {
        let keys = session.project.deploy_keys().map_err(bundle_failure)?;
        Ok(Self { rotation: session.project.rotation(), keys })
    }

    /// While targets were asked, which takes its time, somebody else may have ended it, and begun another one.
    fn still(&self, session: &Session) -> Result<(), Failure> {
        if *self == Self::of(session)? {
            return Ok(());
        }
        Err(Failure::told(exit::CONFLICT, "somebody else went on with the change of the deploy key meanwhile; nothing was done")
            .hint("how it stands now: spartacus rotate status"))
    }
}

/// What a report says beside what targets answered.
struct News<'a> {
    state: &'static str,
    /// Messages that were written.
    messages: usize,
    left_out: &'a [(&'a TargetName, &'static str)],
}

impl News<'_> {
    fn of(state: &'static str) -> Self {
        Self { state, messages: 0, left_out: &[] }
    }
}

/// A change has to be under way.
fn under_way(session: &Session) -> Result<(), Failure> {
    match session.project.rotation() {
        Rotation::UnderWay => Ok(()),
        Rotation::Switched => Err(ended_too_early()),
        Rotation::None => {
            Err(Failure::told(exit::USAGE, "no change of the deploy key is under way").hint("spartacus rotate begin"))
        }
    }
}

/// A `finish` was killed: volunteers are still to be written to.
fn ended_too_early() -> Failure {
    Failure::told(exit::USAGE, "the change of the deploy key was ended before its last step").hint("spartacus rotate finish")
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

fn tell(surface: &Surface, session: &Session, news: &News<'_>, asked: &[Asked], text: &str) -> Result<(), Failure> {
    let target = |asked: &Asked| {
        let why = |pick: fn(&(Answer, Answer)) -> &Answer| asked.answers.as_ref().and_then(|answers| pick(answers).why());
        json!({
            "target": asked.target, "takes": asked.takes().map(ask::Takes::word),
            "old": why(|answers| &answers.0), "next": why(|answers| &answers.1),
        })
    };
    let keys = session.project.deploy_keys().map_err(bundle_failure)?;
    let fields = json!({
        "state": news.state, "keys": keys, "targets": asked.iter().map(target).collect::<Vec<_>>(), "messages": news.messages,
        "not_told": news.left_out.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    answer(surface, SCHEMA, &fields, text);
    Ok(())
}
