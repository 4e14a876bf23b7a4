//! A message as it is kept until it is sent: its text for people and its facts for programs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::{AlertCondition, Audience, RouteName, TargetName};

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Good news only.
    Resolved,
    /// Something to mend.
    Warning,
    /// Forged content, or too few copies.
    Critical,
}

/// One trouble that a message tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which mirror; `None`: all, or ourselves.
    pub mirror: Option<TargetName>,
    /// What.
    pub condition: AlertCondition,
    /// Since when.
    pub since: Timestamp,
    /// When it ended; `None`: it lasts.
    pub until: Option<Timestamp>,
    /// What was seen, in words; safe to print.
    pub summary: String,
    /// What to do, one entry for each reason.
    pub advice: Vec<String>,
    /// Where readers find the mirror.
    pub public_url: Option<String>,
    /// The same for the same trouble of the same mirror, for ever: 16 hexadecimal digits.
    pub fingerprint: String,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The same whenever this message is sent again, so that receivers can tell a duplicate.
    pub id: String,
    /// The same for all messages of one incident.
    pub thread: String,
    /// When it was decided.
    pub at: Timestamp,
    /// The project's name.
    pub project: String,
    /// Which route it goes.
    pub route: RouteName,
    /// For whom it is.
    pub audience: Audience,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// What it is about, in one line.
    pub title: String,
    /// All of it, for people.
    pub text: String,
    /// All of it, for programs; worst first, what is over last.
    pub items: Vec<Item>,
    /// What was told earlier and lasts, so that a program need not remember; nothing for volunteers.
    #[serde(default)]
    pub lasting: Vec<Item>,
}
