//! What is shown, in memory: read again when another generation was published.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use hyper::header::HeaderValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::counts::Counts;
use super::gate::Gate;
use super::guard::PLAIN_POLICY;
use super::rates::Rates;
use super::script::Script;
use super::seldom::Said;
use super::token::Tokens;
use crate::base::{AddressBlock, Clock, causes, escape};
use crate::history::{Front, FrontAbout, HistoryError, Queue, Shown};
use crate::registration::{Invite, invite_page};

/// Requests of one address that are under way, whatever proxies they come through.
const UNDER_WAY: usize = 32;
/// Posts that are read at the same time: each holds its body in memory.
const READING: usize = 64;
/// Posts that are refused and read nevertheless, so that nobody loses what was pasted.
const REFUSING: usize = 8;
/// Messages that are being written: they wait for one another, and sometimes for another process.
const WRITING: usize = 8;
/// Questions to the database at the same time.
const ASKING: usize = 32;

/// All that requests share.
#[derive(Debug)]
pub(super) struct Web {
    /// The proxies that may tell who asks.
    pub(super) behind: Vec<AddressBlock>,
    /// What is counted.
    pub(super) counts: Counts,
    /// The form's tokens.
    pub(super) tokens: Tokens,
    /// How often strangers may post.
    pub(super) posts: Rates,
    /// Posts whose bodies may be read now.
    pub(super) reading: Semaphore,
    /// Refused posts whose bodies may be read now.
    pub(super) refusing: Semaphore,
    /// Messages that may be written now. Its permits go along to the threads that write.
    pub(super) writing: Arc<Semaphore>,
    /// Requests under way: a seat each.
    pub(super) under_way: Arc<Gate>,
    /// What was said lately.
    pub(super) said: Said,
    /// Questions that may wait for the database now.
    pub(super) asking: Semaphore,
    /// The script of the form, where it was built in.
    pub(super) script: Option<Script>,
    /// What time it is.
    pub(super) clock: Clock,
    source: Source,
    seen: RwLock<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    view: Option<Arc<View>>,
    queue: Queue,
    trouble: Option<String>,
}

/// One generation.
#[derive(Debug)]
pub(super) struct View {
    pub(super) generation: u64,
    pub(super) written: Timestamp,
    pub(super) about: FrontAbout,
    /// Of the fleet.
    pub(super) metrics: String,
    /// The project's invite, if it invites anybody.
    pub(super) invite: Option<Invite>,
    /// What `mirrors.json` says of all mirrors together.
    pub(super) mirrors: Value,
    files: HashMap<String, Arc<Asset>>,
}

/// One file as it is sent.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) kind: HeaderValue,
    pub(super) etag: HeaderValue,
    pub(super) policy: HeaderValue,
    pub(super) bytes: Bytes,
}

impl Web {
    /// Opens the front database, and reads what is in it.
    pub(super) fn open(database: &Utf8Path, behind: Vec<AddressBlock>, tokens: Tokens) -> Result<Self, HistoryError> {
        let source = Source { path: database.to_owned(), opened: Mutex::new(Opened::at(database)?) };
        let web = Self {
            behind,
            counts: Counts::default(),
            tokens,
            posts: Rates::new(Instant::now()),
            reading: Semaphore::new(READING),
            refusing: Semaphore::new(REFUSING),
            writing: Arc::new(Semaphore::new(WRITING)),
            under_way: Gate::new(usize::MAX, UNDER_WAY),
            said: Said::nothing(),
            asking: Semaphore::new(ASKING),
            script: Script::built_in(),
            clock: Clock::System,
            source,
            seen: RwLock::default(),
        };
        web.look();
        Ok(web)
    }

    /// What is shown now; `None`: nothing was published yet.
    pub(super) fn view(&self) -> Option<Arc<View>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).view.clone()
    }

    /// What waited a second ago.
    pub(super) fn queue(&self) -> Queue {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).queue
    }

    /// Why the database could not be read a second ago, for the log and for nobody else.
    pub(super) fn trouble(&self) -> Option<String> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    /// The handle for reading. Calls on it block.
    pub(super) fn reader(&self) -> Arc<Front> {
        Arc::clone(&self.source.opened.lock().unwrap_or_else(PoisonError::into_inner).reader)
    }

    /// The handle for messages: they may wait for another process, and nobody who reads should wait with them.
    pub(super) fn writer(&self) -> Arc<Front> {
        Arc::clone(&self.source.opened.lock().unwrap_or_else(PoisonError::into_inner).writer)
    }

    /// Shows this invite, as if its project had signed it.
    #[cfg(test)]
    pub(super) fn show_invite(&self, invite: Invite) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let view = seen.view.take().and_then(Arc::into_inner).expect("nobody else holds it");
        seen.view = Some(Arc::new(View { invite: Some(invite), ..view }));
    }

    /// Sees that the database is the one at its path. Blocks.
    pub(super) fn follow(&self) -> Result<(), HistoryError> {
        self.source.follow().map(|_| ())
    }

    /// Reads what is new in the database. Blocks.
    pub(super) fn look(&self) {
        let known = self.view().map(|view| view.generation);
        let found = self.source.follow().and_then(|is_other| {
            let front = self.reader();
            // Another file has generations of its own.
            Ok((front.pages(known.filter(|_| !is_other))?, front.queue()?))
        });
        // Made outside of the lock: with thousands of mirrors this takes a moment.
        let (view, queue, trouble) = match found {
            Ok((shown, queue)) => (shown.map(|shown| Arc::new(View::new(shown, self.clock.now()))), Some(queue), None),
            Err(error) => (None, None, Some(causes(&error).join(": "))),
        };
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(words), None) = (&trouble, &seen.trouble) {
            tracing::warn!("the front database cannot be read; what was read last is shown on: {words}");
        }
        seen.trouble = trouble;
        seen.queue = queue.unwrap_or(seen.queue);
        if view.is_some() {
            seen.view = view;
        }
    }
}

/// The database, also after another file was put in its place.
#[derive(Debug)]
struct Source {
    path: Utf8PathBuf,
    opened: Mutex<Opened>,
}

#[derive(Debug)]
struct Opened {
    reader: Arc<Front>,
    writer: Arc<Front>,
    /// Device and number of the file.
    file: (u64, u64),
}

impl Opened {
    fn at(path: &Utf8Path) -> Result<Self, HistoryError> {
        let open = || Front::open_existing(path).map(Arc::new);
        Ok(Self { reader: open()?, writer: open()?, file: identity(path)? })
    }
}

fn identity(path: &Utf8Path) -> Result<(u64, u64), HistoryError> {
    let found = std::fs::metadata(path).map_err(|source| HistoryError::File { path: path.to_owned(), source })?;
    Ok((found.dev(), found.ino()))
}

impl Source {
    /// Opens the database again if it is another file than before. True: it is.
    fn follow(&self) -> Result<bool, HistoryError> {
        // Held until it is done: two who open the same file at once would take one another's locks away when they look at it.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.file == identity(&self.path)? {
            return Ok(false);
        }
        *opened = Opened::at(&self.path)?;
        Ok(true)
    }
}

impl View {
    fn new(shown: Shown, now: Timestamp) -> Self {
        let about = shown.content.about;
        let mut files: HashMap<String, Arc<Asset>> =
            shown.content.pages.into_iter().map(|page| (page.path, Arc::new(Asset::new(&page.kind, page.bytes)))).collect();
        let invite = files.get("invite.json").and_then(|file| Invite::read(&file.bytes, about.pin, now).ok());
        // The same page as in the folder, but for the way to the form, which is here and not there.
        if let Some(invite) = &invite {
            let page = invite_page(invite, Some("register"));
            files.insert("invite.html".to_owned(), Arc::new(Asset::new("text/html; charset=utf-8", page.into())));
        }
        let mirrors = files.get("mirrors.json").and_then(|file| serde_json::from_slice::<Value>(&file.bytes).ok());
        let mut mirrors = mirrors.filter(Value::is_object).unwrap_or_else(|| json!({}));
        let count = mirrors["mirrors"].as_array().map_or(0, Vec::len);
        mirrors["mirrors"] = json!(count);
        let about = FrontAbout { project: escape(&about.project), ..about };
        Self {
            generation: shown.generation,
            written: shown.written,
            about,
            metrics: shown.content.metrics,
            invite,
            mirrors,
            files,
        }
    }

    /// The file at this path, without a slash at its beginning.
    pub(super) fn file(&self, path: &str) -> Option<&Arc<Asset>> {
        self.files.get(path)
    }

    /// The invite, while it holds.
    pub(super) fn invite(&self, now: Timestamp) -> Option<&Invite> {
        self.invite.as_ref().filter(|invite| invite.expires > now)
    }

    /// Whether nobody has looked at the mirrors for longer than the project says.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        let age = |round: Timestamp| now.duration_since(round).as_secs();
        self.about.round.is_none_or(|round| age(round) > i64::try_from(self.about.stale_after_s).unwrap_or(i64::MAX))
    }
}

impl Asset {
    pub(super) fn new(kind: &str, bytes: Bytes) -> Self {
        let tag = digest(&SHA256, &bytes);
        let header = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"));
        Self {
            kind: header(kind.to_owned()),
            etag: header(format!("\"{}\"", hex::encode(&tag.as_ref()[..16]))),
            policy: if kind.starts_with("text/html") { policy_of(&bytes) } else { HeaderValue::from_static(PLAIN_POLICY) },
            bytes,
        }
    }
}

/// The policy of a page of ours: nothing but the one style that is in it, named by its digest.
fn policy_of(page: &[u8]) -> HeaderValue {
    let text = String::from_utf8_lossy(page);
    let style = text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map(|(style, _)| style);
    let Some(style) = style else { return HeaderValue::from_static(PLAIN_POLICY) };
    style_policy(style, "")
}

/// A policy that allows one style, and what `more` says.
pub(super) fn style_policy(style: &str, more: &str) -> HeaderValue {
    let digest = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let policy = format!("{PLAIN_POLICY}; style-src 'sha256-{digest}'{more}");
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(PLAIN_POLICY))
}
