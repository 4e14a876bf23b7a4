//! Names used everywhere.
//!
//! Purpose: the small vocabulary of the program: target and bundle names, paths, digests, byte counts,
//! policy types, the clock, secrets, networks and blocks of addresses, and how text from strangers is made safe to print.
//! Comes in: strings. Goes out: newtypes that cannot hold a bad value.
//! Must not know: anything else of this crate.

mod alert;
mod block;
mod bytes;
mod chain;
mod clock;
mod digest;
mod health;
mod level;
mod lifecycle;
mod name;
mod network;
mod path;
mod policy;
mod secret;
mod text;
mod vantage;

pub use alert::{AlertCondition, AlertRules, Audience, MailAddress, MailAddressError};
pub use block::{AddressBlock, Addresses, ParseAddressBlockError};
pub use bytes::{ByteCount, ParseByteCountError};
pub use chain::{Hinted, causes};
pub use clock::Clock;
pub use digest::{Hasher, ParseDigestError, Sha256};
pub use health::{HealthPolicy, HealthRules, NameServerPolicy};
pub use level::Level;
pub use lifecycle::Lifecycle;
pub use name::{BundleName, NameError, RouteName, TargetName, VantageName};
pub use network::{AsNumber, Network, NetworkDatabase, NetworkDatabaseError, ParseAsNumberError};
pub use path::{ObjectPath, PathError};
pub use policy::{
    Breaker, Holds, Layout, ParsePolicyError, Quorum, Replicas, RetryPolicy, TargetLimits, TimeOfDay, Timeouts, Window,
    parse_duration,
};
pub use secret::Secret;
pub use text::{escape, redact, sanitise};
pub use vantage::{ListedVantage, MinisignLine, MinisignLineError};
