//! That the key changes with which we log in, for the volunteer of one mirror.

use std::fmt::Write as _;

use super::volunteer::greeting;
use super::whereabouts::{Place, Whereabouts};
use super::{Letter, fingerprint, to_volunteer};
use crate::base::{RouteName, Sha256, TargetName, escape};
use crate::report::Fleet;

/// What there is to tell of the deploy key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNews<'a> {
    /// Another one comes.
    Next {
        /// Its public half, as a line of `authorized_keys`.
        line: &'a str,
        /// The pin of the project, against which its invite is verified.
        pin: Sha256,
    },
    /// It has come, and the old one can go.
    Changed {
        /// The public half of the one that is used now.
        line: &'a str,
    },
}

/// The message that tells the volunteer of `mirror`.
#[must_use]
pub fn tell_of_key(
    fleet: &Fleet,
    route: &RouteName,
    whereabouts: &Whereabouts,
    mirror: &TargetName,
    news: KeyNews<'_>,
) -> Letter {
    let known = fleet.mirrors.iter().find(|known| known.name == *mirror);
    let url = known.and_then(|known| known.public_url.as_ref()).map(|url| escape(url.as_str()));
    let mut text = greeting(fleet, mirror.as_str(), url.as_deref(), whereabouts);
    let account = match &whereabouts.place {
        Some(Place::Sftp { user, .. }) => format!("the account {}", escape(user)),
        _ => "our account".to_owned(),
    };
    let (word, line) = match news {
        KeyNews::Next { line, .. } => ("next", line),
        KeyNews::Changed { line } => ("changed", line),
    };
    let line = escape(line);
    let title = match news {
        KeyNews::Next { pin, .. } => {
            let _ = writeln!(
                text,
                "The SSH key that we log in with is going to be changed. Please add this line to the file authorized_keys of {account}, with the \
                 same options before it that the present line has:\n\n  {line}\n\nThe present line may stay until we write again; if you replace it \
                 at once, nothing breaks either.\n\nDo not take our word for it\n  The same key stands in the newest invite of the project, which a \
                 maintainer signed:\n  spartacus invite --show invite.json --pin {pin}"
            );
            format!("a new key for your mirror {mirror}")
        }
        KeyNews::Changed { .. } => {
            let _ = writeln!(
                text,
                "The SSH key that we log in with was changed. The only line of ours that is needed in the file authorized_keys of {account} is \
                 now the one with this key:\n\n  {line}\n\nPlease remove every other one. Thank you."
            );
            format!("the old key of your mirror {mirror} can be removed")
        }
    };
    let thread = fingerprint(&["deploy key", word, &fleet.project, route.as_str(), mirror.as_str(), &line]);
    to_volunteer(fleet, route, thread, &title, text)
}
