//! The readers' side of a server that has none: its folder over HTTP, in this process.

use std::path::Path;

use tokio::sync::oneshot;

use super::embedded::mirrors::face;

/// A folder served read-only on loopback. Stops when dropped.
#[derive(Debug)]
pub struct Face {
    url: String,
    /// Dropping it ends the thread below.
    _running: oneshot::Sender<()>,
}

impl Face {
    /// Serves `folder` (GET, HEAD, one range) from a thread with a runtime of its own, so that a test's paused clock does
    /// not stop it.
    pub fn over(folder: &Path) -> Self {
        let folder = folder.to_owned();
        let (running, stopped) = oneshot::channel::<()>();
        let (report, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                report.send(face::start(&folder).await.expect("a face starts")).expect("the test waits");
                // The sender sends nothing: being dropped is its message.
                let _ = stopped.await;
            });
        });
        let address = address.recv().expect("the face starts");
        Self { url: format!("http://{address}/"), _running: running }
    }

    /// Its address, with a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }
}
