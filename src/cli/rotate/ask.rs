//! Which target takes which key: by logging in.

use std::sync::Arc;

use camino::Utf8Path;
use futures_util::{StreamExt as _, stream};

use crate::base::{TargetName, causes};
use crate::cli::cancel::Cancel;
use crate::cli::connect::TargetConnector;
use crate::cli::deploy_key::DeployKey;
use crate::cli::exit::Failure;
use crate::cli::session::Session;
use crate::config::{Target, TargetState};
use crate::store::{ErrorKind, Retries, StoreError};

/// What came of one key at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It opens.
    LetIn,
    /// The server does not accept it, and says so.
    Refused(String),
    /// It could not be found out.
    Unknown(String),
}

impl Answer {
    fn of(ended: Result<(), StoreError>) -> Self {
        match ended {
            Ok(()) => Self::LetIn,
            Err(error) => {
                let why = causes(&error).join(": ");
                if error.kind == ErrorKind::Unauthenticated { Self::Refused(why) } else { Self::Unknown(why) }
            }
        }
    }

    /// Why it does not open, safe to print.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::LetIn => None,
            Self::Refused(why) | Self::Unknown(why) => Some(why),
        }
    }
}

/// Which keys a target takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Both.
    Both,
    /// Only the old one.
    Old,
    /// Only the next one.
    Next,
    /// None of them.
    Neither,
    /// At least one of them could not be tried.
    Unknown,
}

impl Takes {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Old => "old",
            Self::Next => "next",
            Self::Neither => "neither",
            Self::Unknown => "unknown",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Both => "takes both keys",
            Self::Old => "takes only the old key",
            Self::Next => "takes only the next key",
            Self::Neither => "takes none of them",
            Self::Unknown => "could not be asked",
        }
    }
}

/// A target and what it said.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which.
    pub target: TargetName,
    /// To the old key and to the next one; `None`: its volunteer wants it to be left alone.
    pub answers: Option<(Answer, Answer)>,
}

impl Asked {
    /// What that amounts to; `None`: it was not asked.
    pub fn takes(&self) -> Option<Takes> {
        Some(match self.answers.as_ref()? {
            (Answer::LetIn, Answer::LetIn) => Takes::Both,
            (Answer::LetIn, Answer::Refused(_)) => Takes::Old,
            (Answer::Refused(_), Answer::LetIn) => Takes::Next,
            (Answer::Refused(_), Answer::Refused(_)) => Takes::Neither,
            _ => Takes::Unknown,
        })
    }

    /// It would be lost with the old key, as far as is known.
    pub fn needs_the_old_one(&self) -> bool {
        let opens = |answers: &(Answer, Answer)| answers.1 == Answer::LetIn;
        matches!(self.takes(), Some(Takes::Old | Takes::Unknown)) && !self.answers.as_ref().is_some_and(opens)
    }

    /// It would be lost with the next key, as far as is known: the old one was not seen to open it.
    pub fn needs_the_next_one(&self) -> bool {
        let opens = |answers: &(Answer, Answer)| answers.0 == Answer::LetIn;
        matches!(self.takes(), Some(Takes::Next | Takes::Unknown)) && !self.answers.as_ref().is_some_and(opens)
    }

    /// Why not both, in a line; empty if both.
    pub fn why(&self) -> String {
        let Some((old, next)) = &self.answers else { return String::new() };
        let mut found: Vec<&str> = Vec::new();
        for why in [next.why(), old.why()].into_iter().flatten() {
            if !found.contains(&why) {
                found.push(why);
            }
        }
        found.join("; ")
    }
}

/// The targets that log in with the deploy key.
pub fn users<'a>(session: &'a Session, among: &[&'a Target]) -> Vec<&'a Target> {
    among.iter().copied().filter(|target| DeployKey::of(&session.project, target).is_some()).collect()
}

/// Logs in to all of them with both keys, and out again.
pub async fn ask(session: &Session, targets: &[&Target], cancel: &Cancel) -> Result<Vec<Asked>, Failure> {
    let asking = stream::iter(targets.iter().map(|target| one(session, target)))
        .buffered(session.config.policy.concurrency.max(1))
        .collect::<Vec<Asked>>();
    tokio::select! {
        biased;
        () = cancel.token.cancelled() => Err(cancel.check().err().unwrap_or_else(|| Failure::told(crate::cli::exit::INTERRUPTED, "cancelled"))),
        asked = asking => Ok(asked),
    }
}

async fn one(session: &Session, target: &Target) -> Asked {
    let keys = DeployKey::of(&session.project, target).filter(|_| target.state == TargetState::Active);
    let Some(keys) = keys else { return Asked { target: target.name.clone(), answers: None } };
    let old = with(session, target, Some(keys.present())).await;
    let next = with(session, target, keys.next()).await;
    Asked { target: target.name.clone(), answers: Some((old, next)) }
}

async fn with(session: &Session, target: &Target, key: Option<&Utf8Path>) -> Answer {
    let Some(key) = key else { return Answer::Unknown("there is no such key".to_owned()) };
    let connector = TargetConnector::new(session, target);
    let retries = Arc::new(Retries::new(&target.name, session.config.policy.retry, fastrand::u64(..)));
    Answer::of(retries.connect(|| connector.lets_in(key)).await)
}
