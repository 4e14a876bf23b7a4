//! What the user wrote, checked.
//!
//! Purpose: `targets.yaml` -> raw tree with positions -> checked [`Config`]; every problem of a file in one run.
//! Comes in: YAML text and the environment. Goes out: [`Config`], or [`ConfigError`] with a report of all problems.
//! Must not know: how a target is reached or what is published.
//!
//! What is printed of the file is decided by one rule: nothing, unless the check found that value harmless. So
//! a secret in the wrong place stays unseen even where nobody thought of it.

mod check;
mod edit;
mod load;
mod model;
mod nearest;
mod problem;
mod raw;
mod render;
pub mod sealed;
mod secret;
mod section;
mod source;
mod syntax;

pub use check::country::is_country;
pub use edit::{EditError, NewTarget, add_target, replace_target};
pub use load::{ConfigError, Loaded, MAX_FILE};
pub use model::{
    Address, Addressing, AlertRoute, AlertWay, Config, FolderTarget, HttpAuth, HttpRoute, InvitePolicy, JumpHost, MailTls,
    Policy, Project, S3Target, ServePolicy, SftpTarget, SmtpRoute, Target, TargetKind, TargetState, WebdavTarget,
};
pub use problem::{Place, Problem, Severity};
pub use secret::{SecretError, SecretRef};
