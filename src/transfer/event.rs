//! What happens during a run, as one stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;

use super::Outcome;
use crate::base::{ByteCount, ObjectPath, TargetName};

/// What a target is being worked on for right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waiting for its turn.
    Waiting,
    /// Connecting.
    Connecting,
    /// Finding out what it holds.
    Inventory,
    /// Making collections and sending objects.
    Uploading,
    /// Reading sizes back.
    Confirming,
    /// Swapping the pointer.
    Swapping,
    /// Sending what depends on the new pointer.
    Finishing,
    /// Reading a sample of the bytes back.
    Sampling,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Inventory => "looking what is there",
            Self::Uploading => "uploading",
            Self::Confirming => "confirming",
            Self::Swapping => "swapping the pointer",
            Self::Finishing => "finishing",
            Self::Sampling => "reading a sample back",
        })
    }
}

/// One thing that happened. Serialised as one line of NDJSON for `--events`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// The targets that take part, in the order of the configuration.
        targets: Vec<TargetName>,
    },
    /// A target entered a stage.
    StageEntered {
        /// Which target.
        target: TargetName,
        /// Which stage.
        stage: Stage,
    },
    /// A target's plan is made.
    Planned {
        /// Which target.
        target: TargetName,
        /// Objects that will be sent.
        objects: u64,
        /// Their bytes.
        bytes: ByteCount,
    },
    /// Bytes went out. Cumulative, so that a lost event does no harm; repeats of a retried request count again.
    Progress {
        /// Which target.
        target: TargetName,
        /// Bytes sent so far.
        bytes: ByteCount,
    },
    /// An object was sent and the server said that it has it.
    Sent {
        /// Which target.
        target: TargetName,
        /// Which object.
        path: ObjectPath,
        /// Its length.
        bytes: ByteCount,
    },
    /// A request failed and will be sent again.
    Retrying {
        /// Which target.
        target: TargetName,
        /// What failed, safe to print.
        what: String,
        /// The try that failed, from 1.
        attempt: u32,
        /// How long we wait before the next, in milliseconds.
        pause_ms: u64,
    },
    /// A target is finished, however it ended.
    TargetFinished {
        /// What became of it.
        outcome: Box<Outcome>,
    },
    /// Every target is finished.
    RunFinished,
}

/// How long a listener that takes nothing is waited for, once in a run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a run's events go.
///
/// A slow or absent listener never stops a run: progress is dropped when the channel is full; all else waits for room,
/// but only until the listener took nothing for a second. From then on everything that finds no room is dropped. A
/// closed channel is ignored.
#[derive(Debug, Clone)]
pub struct Events(Option<Listener>);

#[derive(Debug, Clone)]
struct Listener {
    channel: mpsc::Sender<Event>,
    stuck: Arc<AtomicBool>,
}

impl Events {
    /// Events into `channel`.
    #[must_use]
    pub fn to(channel: mpsc::Sender<Event>) -> Self {
        Self(Some(Listener { channel, stuck: Arc::default() }))
    }

    /// Events to nobody.
    #[must_use]
    pub fn nowhere() -> Self {
        Self(None)
    }

    /// Tells of something that must not be lost.
    pub async fn tell(&self, event: Event) {
        let Some(Listener { channel, stuck }) = &self.0 else { return };
        // A full or closed channel: a listener that is stuck or has gone away is no reason to stop a push.
        if stuck.load(Ordering::Relaxed) {
            let _ = channel.try_send(event);
        } else if let Err(mpsc::error::SendTimeoutError::Timeout(_)) = channel.send_timeout(event, PATIENCE).await {
            stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Tells of something that the next such event makes up for.
    pub fn mention(&self, event: Event) {
        if let Some(Listener { channel, .. }) = &self.0 {
            // Full or closed: see above.
            let _ = channel.try_send(event);
        }
    }
}
