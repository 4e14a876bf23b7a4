//! What the user sees: the one place that touches the terminal outside progress bars.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

use super::args::{Colour, Global};
use super::exit::Failure;
use crate::base::redact;
use crate::report::{Style, object, render_error};

/// How to talk to this user.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Colour and width of what goes to stdout.
    pub style: Style,
    /// Colour of what goes to stderr.
    pub colour_on_stderr: bool,
    /// Print JSON instead of tables.
    pub json: bool,
    /// Questions may be asked.
    pub may_ask: bool,
    loudness: Loudness,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loudness {
    /// Errors only.
    Quiet,
    /// Remarks and progress; with each `-v` more of the log.
    Usual(u8),
}

impl Surface {
    /// Reads the options, the environment and what stdout and stderr are.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        let wanted = |terminal: bool| match global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let (stdout, stderr) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Self {
            style: Style { colour: wanted(stdout), width: width() },
            colour_on_stderr: wanted(stderr),
            json: global.json,
            may_ask: !global.no_input && std::io::stdin().is_terminal(),
            loudness: if global.quiet { Loudness::Quiet } else { Loudness::Usual(global.verbose) },
        }
    }

    /// Logs go to stderr; `RUST_LOG` overrides `-v`.
    pub fn begin_log(&self) {
        let level = match self.loudness {
            // That library logs each refused certificate as an error; ours says it, with the name of the target.
            Loudness::Quiet => "error,rustls_platform_verifier=off",
            Loudness::Usual(0) => "warn,rustls_platform_verifier=off",
            Loudness::Usual(1) => "spartacus=info,warn",
            Loudness::Usual(2) => "spartacus=debug,info",
            Loudness::Usual(_) => "trace",
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(self.colour_on_stderr).with_writer(RedactedStderr);
        // A second call (in tests) finds the first one's subscriber in place, which is right.
        let _ = log.try_init();
    }

    /// The same, with nothing on stderr but errors: for work whose progress nobody watches.
    #[must_use]
    pub fn silent(&self) -> Self {
        Self { loudness: Loudness::Quiet, ..self.clone() }
    }

    /// Nothing on stderr but errors.
    #[must_use]
    pub fn quiet(&self) -> bool {
        self.loudness == Loudness::Quiet
    }

    /// Progress may move the cursor: on a terminal that can, and where no log lines come in between.
    #[must_use]
    pub fn bars(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        std::io::stderr().is_terminal() && !dumb && self.loudness == Loudness::Usual(0)
    }

    /// A remark on stderr, unless the user wants silence.
    pub fn remark(&self, text: &str) {
        if !self.quiet() {
            complain(text);
        }
    }
}

/// What a command did, on stdout: for people, or as an object whose fields are described in docs/json.md.
pub fn answer(surface: &Surface, schema: &'static str, fields: &serde_json::Value, text: &str) {
    if surface.json { say(&object(schema, fields)) } else { say(text) }
}

/// One line of data, or several, on stdout.
pub fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush());
    let Err(error) = written else { return };
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        // A closed pipe (`| head`) is no reason to fail: the work is done.
        CLOSED_OUTPUT.store(true, Ordering::Relaxed);
    } else if !LOST_OUTPUT.swap(true, Ordering::Relaxed) {
        complain(&format!("error: what belongs on stdout could not be written\n  caused by: {error}"));
    }
}

/// Whether nobody reads stdout any more: who repeats something may stop.
#[must_use]
pub fn closed_output() -> bool {
    CLOSED_OUTPUT.load(Ordering::Relaxed)
}

static CLOSED_OUTPUT: AtomicBool = AtomicBool::new(false);

/// Empties the terminal, so that what comes next begins at its top. Does nothing where stdout is none.
pub fn clear() {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        // Whoever cannot see it any more needs no empty screen.
        let _ = stdout.write_all(b"\x1b[2J\x1b[H");
    }
}

/// Whether something that belonged on stdout could not be written: a script must not take half a report for a whole one.
#[must_use]
pub fn lost_output() -> bool {
    LOST_OUTPUT.load(Ordering::Relaxed)
}

static LOST_OUTPUT: AtomicBool = AtomicBool::new(false);

/// What went wrong, on stderr, also for those who want silence.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", redact(text.trim_end_matches('\n')));
}

/// An error: what happened, its causes, what to do.
pub fn fail(failure: &Failure) {
    let mut text = render_error(failure.error.as_ref(), &[]);
    for line in &failure.details {
        let _ = writeln!(text, "  {line}");
    }
    for hint in &failure.hints {
        let _ = writeln!(text, "hint: {hint}");
    }
    complain(&text);
}

/// Columns of the terminal; 100 where there is none.
fn width() -> u16 {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    told.unwrap_or_else(|| console_width().unwrap_or(100)).max(60)
}

fn console_width() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// Log lines with every known secret removed: libraries below us may log what they send.
#[derive(Debug, Clone, Copy)]
struct RedactedStderr;

impl std::io::Write for RedactedStderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().lock().write_all(redact(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for RedactedStderr {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        Self
    }
}
