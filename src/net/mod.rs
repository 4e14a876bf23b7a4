//! Connections over HTTP.
//!
//! Purpose: one HTTP client per distinct proxy, CA and policy; time-outs; no redirects with credentials.
//! Comes in: [`HttpPolicy`]. Goes out: a shared `reqwest::Client`, [`send`] to upload with patience, [`Pace`] to
//! end a trickle, [`Contacts`] to time one request by itself, [`NameServers`] to ask who answers for a domain, and [`describe`]
//! to name what failed.
//! Must not know: stores, targets, the configuration file.

mod certificate;
mod client;
mod contact;
mod error;
mod name_servers;
mod pace;
mod patience;

pub use certificate::certificate;
pub use client::{Clients, HttpPolicy, NetError, without_login};
pub use contact::{Contact, ContactError, Contacts, ShownCertificate, Stage, Times};
pub use error::{Failure, closed_before_answer, describe};
pub use name_servers::{NameServerError, NameServers};
pub use pace::{Pace, Slowest, TooSlow};
pub use patience::{Progress, SendError, send};
