//! SIGINT and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit;
use super::surface::Surface;

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
                surface.remark("stopping: running requests are ended, no pointer moves any more (once more to stop at once)");
                listener.code.store(code, Ordering::Relaxed);
                listener.token.cancel();
            }
        });
        Ok(cancel)
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
