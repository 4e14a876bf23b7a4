//! Connections over HTTP.
//!
//! Purpose: one HTTP client per distinct proxy, CA and policy; time-outs; no redirects with credentials; no connection to an
//! address that its target must not lead to, whatever the protocol.
//! Comes in: [`HttpPolicy`], [`Destinations`]. Goes out: a shared `reqwest::Client`, [`send`] to upload with patience, [`Pace`] to
//! end a trickle, [`Contacts`] to time one request by itself, [`NameServers`] to ask who answers for a domain, [`Vetted`]
//! addresses to connect to, and [`describe`] to name what failed.
//! Must not know: stores, targets, the configuration file.

mod certificate;
mod client;
mod contact;
mod destinations;
mod error;
mod name_servers;
mod own;
mod pace;
mod patience;

pub use certificate::certificate;
pub use client::{Clients, HttpPolicy, NetError, without_login};
pub use contact::{Contact, ContactError, Contacts, ShownCertificate, Stage, Times};
pub use destinations::{Destinations, Lookup, RefusedDestination, ResolveError, Vetted, refused_destination};
pub use error::{Failure, closed_before_answer, describe};
pub use name_servers::{NameServerError, NameServers};
pub use pace::{Pace, Slowest, TooSlow};
pub use patience::{Progress, SendError, send};
