//! How the terminal was set before a question.

use std::fs::File;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal's settings as they were; nothing where there is no terminal.
pub struct Terminal(Option<(File, Termios)>);

impl Terminal {
    /// Reads the settings.
    #[must_use]
    pub fn remember() -> Self {
        let opened = File::options().read(true).write(true).open("/dev/tty");
        Self(opened.ok().and_then(|terminal| tcgetattr(&terminal).ok().map(|settings| (terminal, settings))))
    }

    /// Sets the terminal as it was.
    pub fn restore(self) {
        if let Some((terminal, settings)) = self.0 {
            // A terminal that is gone needs no settings.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
        }
    }
}
