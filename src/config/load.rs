//! From a file to a checked configuration, or to the list of everything that is wrong with it.

use std::fs::File;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::problem::{Problem, Review, Severity};
use super::source::Source;
use super::{Config, check, raw, render, syntax};
use crate::base::{ByteCount, Hinted};

/// Longest file that is read: 4 MiB, room for some 10,000 targets.
pub const MAX_FILE: ByteCount = ByteCount(4 << 20);

/// A configuration that can be used, and what the user should still look at.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Things that work but are unwise; all of severity *warning*.
    pub warnings: Vec<Problem>,
}

impl Loaded {
    /// The warnings as text for people; empty if there are none.
    #[must_use]
    pub fn render_warnings(&self, colour: bool) -> String {
        if self.warnings.is_empty() { String::new() } else { render::render(&self.warnings, colour) }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// The path.
        path: Utf8PathBuf,
    },
    /// It is larger than [`MAX_FILE`]; it was not read.
    #[error("{path} is larger than {MAX_FILE}")]
    TooLarge {
        /// The file.
        path: Utf8PathBuf,
    },
    /// It is not UTF-8 text.
    #[error("line {line} of {path} is not UTF-8 text")]
    NotText {
        /// The file.
        path: Utf8PathBuf,
        /// The first line that is not, counted from 1.
        line: usize,
    },
    /// Its content is wrong.
    #[error("{} in {path}", count(problems))]
    Problems {
        /// The file.
        path: Utf8PathBuf,
        /// Everything that was found, in the order of the file; warnings too.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// All problems as text for people: place, line, label and hint for each. Empty for an unreadable file,
    /// whose whole story is the error itself.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Problems { problems, .. } => render::render(problems, colour),
            _ => String::new(),
        }
    }

    /// The problems, in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Problems { problems, .. } => problems,
            _ => &[],
        }
    }
}

impl Hinted for ConfigError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("begin a project with: spartacus init --name NAME".to_owned())
            }
            Self::TooLarge { .. } => Some("is this the right file? See targets.example.yaml".to_owned()),
            Self::NotText { .. } => Some("save the file as UTF-8".to_owned()),
            _ => None,
        }
    }
}

fn count(problems: &[Problem]) -> String {
    match problems.iter().filter(|problem| problem.severity == Severity::Error).count() {
        1 => "1 problem".to_owned(),
        number => format!("{number} problems"),
    }
}

impl Config {
    /// Reads and checks the file at `path`. Relative paths in it are resolved against its folder.
    pub fn load(path: &Utf8Path) -> Result<Loaded, ConfigError> {
        Self::from_text(path, &read(path)?)
    }

    /// Checks `text` as the content of the file `path`, which need not exist.
    pub fn from_text(path: &Utf8Path, text: &str) -> Result<Loaded, ConfigError> {
        if text.len() as u64 > MAX_FILE.0 {
            return Err(ConfigError::TooLarge { path: path.to_owned() });
        }
        let review = Review::new(Source::new(path, text));
        let root = match raw::parse(review.source.text) {
            Ok(root) => root,
            Err(error) => {
                review.report(syntax::explain(&review.source, &error));
                return Err(ConfigError::Problems { path: path.to_owned(), problems: review.finish(None) });
            }
        };
        let config = check::config(&review, &root);
        let problems = review.finish(Some(&root));
        match config {
            Some(config) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
                Ok(Loaded { config, warnings: problems })
            }
            _ => Err(ConfigError::Problems { path: path.to_owned(), problems }),
        }
    }
}

/// The text of the file. Its size is asked before and watched while reading, because a file may grow.
fn read(path: &Utf8Path) -> Result<String, ConfigError> {
    let fail = |source| ConfigError::Read { path: path.to_owned(), source };
    // Asked before opening: opening a pipe waits for a writer.
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(ConfigError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    if metadata.len() <= MAX_FILE.0 {
        File::open(path).map_err(fail)?.take(MAX_FILE.0 + 1).read_to_end(&mut bytes).map_err(fail)?;
    }
    if metadata.len() > MAX_FILE.0 || bytes.len() as u64 > MAX_FILE.0 {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        ConfigError::NotText { path: path.to_owned(), line }
    })
}
