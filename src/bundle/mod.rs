//! From a folder to a signed release.
//!
//! Purpose: collect a folder's files, stage them (names checked, hashed once, kept as objects), take maintainers'
//! signatures, and publish: the stages are types, and nothing that uploads accepts an earlier one than [`Release`].
//! Comes in: a folder, keys, the project's own published metadata. Goes out: [`Release`].
//! Must not know: targets, stores, the configuration file.
//!
//! ```text
//! Collected -> stage() -> Staged -> sign(), add() -> Signed -> publish() -> Release
//! ```

mod collect;
mod disk;
mod error;
mod fleet;
mod heartbeat;
mod init;
mod keyring;
mod lifetime;
mod lock;
mod names;
mod objects;
mod problem;
mod project;
mod publish;
mod published;
mod rehearsal;
mod release;
mod request;
mod rotation;
mod showcase;
mod sign;
mod source;
mod stage;
mod staged;

pub use collect::{Collected, SourceFile};
pub use error::{BundleError, Trouble};
pub use fleet::FleetFile;
pub use heartbeat::Heartbeat;
pub use init::{InitSpec, Initialised, People, is_inside};
pub use keyring::{KeyName, Keyring};
pub use lock::ProjectLock;
pub use objects::ObjectStore;
pub use problem::{Defect, NameWarning, Problem};
pub use project::Project;
pub use publish::{publish, renew};
pub use published::{Published, current_release};
pub use rehearsal::{Copy, rehearse};
pub use release::{BundleEntry, Content, Object, Release};
pub use request::{SignRequest, rebuild};
pub use rotation::Rotation;
pub use showcase::{MirrorLink, Showcase};
pub use sign::{CoSignature, SignSummary, Signed};
pub use stage::{OnProgress, Progress, Stage, StageSpec, restage, stage};
pub use staged::Staged;
