//! How a volunteer's web space becomes a mirror.
//!
//! Purpose: to invite people, in words that they can verify; to examine a place that somebody offers, before anything of ours goes
//! there: whether it works, and whether we were given more than we need.
//! Comes in: what a project is and wants; a [`Place`]: a way in, and the address that readers will use. Goes out: an [`Invite`]
//! as a signed file and as a page; a [`SetupStep`] for each thing to be done on a volunteer's server; an [`Examination`]: findings,
//! each with what is to be mended and how.
//! Must not know: history, the command line, the web; what was pushed before.

mod examination;
mod invite;
mod offer;
mod setup;

pub use examination::{Check, Examination, Finding, Login, Outcome, Place, PublicFace, examine, examine_chroot};
pub use invite::{Invite, InviteError, LONGEST_INVITE, Needs, authorized_keys, invite_page};
pub use offer::{
    LONGEST_OFFER, Limits, Message, OfferError, Offered, OfferedPlace, ParseTicketError, Request, Sealed, SecretName, Ticket,
    Withdrawal, as_target, without_mail,
};
pub use setup::{
    Flavour, ParseFlavourError, ParseWebServerError, Preparation, SetupChoices, SetupError, SetupForm, SetupStep, WebServer,
    setup_page,
};
