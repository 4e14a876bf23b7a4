//! SIGINT and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{self, Failure};
use super::surface::Surface;
use super::terminal::Terminal;

/// Cancels on the first signal, ends the process on the second.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Handed to whatever can be cancelled.
    pub token: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Cancel {
    /// Listens from now on.
    pub fn on_signals(surface: &Surface) -> std::io::Result<Self> {
        let cancel = Self { token: CancellationToken::new(), code: Arc::new(AtomicU8::new(0)) };
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (listener, surface) = (cancel.clone(), surface.clone());
        tokio::spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupt.recv() => exit::INTERRUPTED,
                    _ = terminate.recv() => exit::TERMINATED,
                };
                if listener.token.is_cancelled() {
                    // What is on disk and on the servers survives a kill at any point; see docs/architecture.md.
                    std::process::exit(i32::from(code));
                }
                surface.remark(
                    "stopping: what is under way is brought to a good end, and nothing new is begun (once more to stop at once)",
                );
                listener.code.store(code, Ordering::Relaxed);
                listener.token.cancel();
            }
        });
        Ok(cancel)
    }

    /// For commands that a signal may simply end: what they do survives that at any point.
    #[must_use]
    pub fn never() -> Self {
        Self { token: CancellationToken::new(), code: Arc::new(AtomicU8::new(0)) }
    }

    /// An error once a signal came. Asked before every step after which something counts as signed or published.
    pub fn check(&self) -> Result<(), Failure> {
        if self.token.is_cancelled() { Err(self.failure()) } else { Ok(()) }
    }

    /// Waits for an answer on a thread of its own, so that a signal ends the waiting: nobody may ever answer.
    pub async fn or_answer<T, Q>(&self, question: Q) -> Result<T, Failure>
    where
        T: Send + 'static,
        Q: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        self.check()?;
        let terminal = Terminal::remember();
        let answer = tokio::task::spawn_blocking(question);
        tokio::select! {
            biased;
            () = self.token.cancelled() => {
                // The thread still waits, and whoever asks for a password has switched the echo off.
                terminal.restore();
                Err(self.failure())
            }
            answer = answer => answer?,
        }
    }

    fn failure(&self) -> Failure {
        Failure::told(self.code().unwrap_or(exit::INTERRUPTED), "cancelled; nothing was published")
    }

    /// The exit code of a cancelled run; `None` when no signal came.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        match self.code.load(Ordering::Relaxed) {
            0 => None,
            code => Some(code),
        }
    }
}
