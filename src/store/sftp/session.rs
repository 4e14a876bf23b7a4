//! One connection: its channels, what its server can do, and where the base lies.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::channel::{Channel, unexpected};
use super::codec::{self, Extensions, Reply, Request};
use super::connect::{Ssh, connect};
use super::failure::Failure;
use super::line::LineControl;
use super::reader::Reader;
use super::settings::SftpSettings;
use super::slots::{Slot, Slots};
use super::tree::{self, Sight};
use crate::base::{ObjectPath, Timeouts, sanitise};
use crate::net::{Pace, Slowest};

/// Files worked on at the same time on one channel (measured: at 200 ms round trip 500 files take 41 s with 8 and
/// 7 s with 64).
pub(super) const FILES_PER_CHANNEL: usize = 64;
/// Above this round trip one channel is held back by its window and by its 64 files, and more are opened.
const FAR: Duration = Duration::from_millis(20);
/// What every server takes in one read or write; asked for more, some hang and some corrupt.
const SAFE_LENGTH: u32 = 32 * 1024;
/// Most that is ever sent in one write: OpenSSH closes the connection at 256 KiB.
const LONGEST_LENGTH: u64 = 255 * 1024;

/// What connecting showed.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts about a server, not a state")]
pub(super) struct Facts {
    pub posix_rename: bool,
    pub fsync: bool,
    pub statvfs: bool,
    /// OpenSSH itself, to judge by an extension that nobody else has: its files may be written from several channels.
    pub openssh: bool,
    pub write_length: u32,
    pub read_length: u32,
    pub files_per_channel: usize,
    /// Channels wanted at this distance.
    pub channels: usize,
    /// The account may look at what is there. One that may not is a drop box: it takes files and shows none.
    pub shows: bool,
}

/// A path on the server: bytes, since what lies above our base is not ours to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemotePath(Vec<u8>);

impl RemotePath {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text that is safe to print.
    pub fn shown(&self) -> String {
        sanitise(&String::from_utf8_lossy(&self.0))
    }

    /// A name below this folder.
    pub fn join(&self, relative: &str) -> Self {
        let mut bytes = self.0.clone();
        if !bytes.is_empty() && !bytes.ends_with(b"/") {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(relative.as_bytes());
        Self(bytes)
    }
}

/// An authenticated connection with SFTP on it.
pub(super) struct Session {
    ssh: Ssh,
    channels: RwLock<Vec<Arc<Channel>>>,
    slots: Arc<Slots>,
    pub facts: Facts,
    /// Set when the server turns out not to do what it announces.
    pub posix_rename_broken: AtomicBool,
    base: RemotePath,
    pub timeouts: Timeouts,
}

impl Session {
    /// Connects, authenticates, starts SFTP, asks for limits, finds the base and looks whether it is there. More channels follow by themselves
    /// when the server is far away.
    pub async fn open(settings: &SftpSettings) -> Result<Arc<Self>, Failure> {
        let ssh = connect(settings).await?;
        let limit = settings.timeouts.handshake;
        let started = tokio::time::timeout(limit, Self::start(ssh, settings)).await;
        let session = started.unwrap_or(Err(Failure::Slow { what: "SFTP session", limit }))?;
        if session.facts.channels > 1 {
            tokio::spawn(widen(Arc::downgrade(&session)));
        }
        Ok(session)
    }

    async fn start(ssh: Ssh, settings: &SftpSettings) -> Result<Arc<Self>, Failure> {
        let (channel, extensions) = Channel::open(&ssh, settings.timeouts.idle).await?;
        let asked = Instant::now();
        // In one flight: how much the server takes at once, and where we are.
        let limits = if extensions.has(codec::LIMITS) { Some(channel.send(Request::Limits, None).await?) } else { None };
        let home = channel.send(Request::RealPath { path: b"." }, None).await?;
        let limits = match limits {
            Some(answer) => Limits::of(answer.reply().await)?,
            None => Limits::default(),
        };
        let home = home.reply().await;
        let round_trip = asked.elapsed();
        let facts = facts(&extensions, limits, round_trip, settings.max_channels);
        let base = base(home, &settings.base)?;
        let shows = match tree::look(&channel, &base).await? {
            Sight::Hidden => false,
            Sight::Nothing => return Err(Failure::NoBase(base.shown())),
            Sight::Found(found) if !found.is_folder() => return Err(Failure::Exists(format!("{} is no folder", base.shown()))),
            Sight::Found(_) => true,
        };
        Ok(Arc::new(Self {
            ssh,
            channels: RwLock::new(vec![Arc::new(channel)]),
            slots: Slots::new(facts.files_per_channel),
            facts: Facts { shows, ..facts },
            posix_rename_broken: AtomicBool::new(false),
            base,
            timeouts: settings.timeouts,
        }))
    }

    /// Whether requests can still be made.
    pub fn is_open(&self) -> bool {
        !self.ssh.handle.is_closed() && self.open_channels().next().is_some()
    }

    fn open_channels(&self) -> impl Iterator<Item = Arc<Channel>> {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner).clone();
        channels.into_iter().filter(|channel| channel.is_open())
    }

    /// Waits for room for one more file.
    pub async fn slot(&self) -> Result<Slot, Failure> {
        let idlest = || self.open_channels().min_by_key(|channel| channel.load.load(Ordering::Relaxed));
        self.slots.take(|| idlest().ok_or_else(|| Failure::Lost("the connection ended".to_owned()))).await
    }

    /// The other channels, to help with a large file.
    pub fn channels_besides(&self, first: &Slot) -> Vec<Arc<Channel>> {
        self.open_channels().filter(|channel| !Arc::ptr_eq(channel, first.channel())).collect()
    }

    /// The connection below.
    pub fn control(&self) -> &LineControl {
        &self.ssh.control
    }

    /// Watches one transfer. Forcing bytes to disk may take as long as a first byte, and moves none.
    pub fn pace(&self) -> Pace {
        let usual = Slowest::default();
        Pace::new(Slowest { window: usual.window.max(self.timeouts.first_byte), ..usual })
    }

    /// Where an object lies on the server.
    pub fn path(&self, path: &ObjectPath) -> RemotePath {
        self.base.join(path.as_str())
    }

    /// The base itself.
    pub fn base(&self) -> &RemotePath {
        &self.base
    }

    /// Says good-bye, and gives that a moment to go out before the connection is dropped.
    pub async fn close(&self) {
        self.ssh.leave().await;
    }
}

/// Opens the other channels one after another; the first refusal (a limit of sessions) ends that.
async fn widen(session: std::sync::Weak<Session>) {
    loop {
        // Not held across the wait for longer than one opening, so that a dropped store ends its connection.
        let Some(session) = session.upgrade() else { return };
        if session.open_channels().count() >= session.facts.channels || !session.is_open() {
            return;
        }
        let opening = Channel::open(&session.ssh, session.timeouts.idle);
        match tokio::time::timeout(session.timeouts.handshake, opening).await {
            Ok(Ok((channel, _))) => {
                session.channels.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(channel));
                session.slots.widen(session.facts.files_per_channel);
            }
            Ok(Err(failure)) => return tracing::debug!(%failure, "no further SFTP channel"),
            Err(_) => return tracing::debug!("no further SFTP channel in time"),
        }
    }
}

fn facts(extensions: &Extensions, limits: Limits, round_trip: Duration, max_channels: usize) -> Facts {
    Facts {
        posix_rename: extensions.has(codec::POSIX_RENAME),
        fsync: extensions.has(codec::FSYNC),
        statvfs: extensions.has(codec::STATVFS),
        openssh: extensions.has(codec::LIMITS),
        write_length: limits.write,
        read_length: limits.read,
        files_per_channel: limits.handles.clamp(1, FILES_PER_CHANNEL),
        channels: if round_trip > FAR { max_channels.max(1) } else { 1 },
        shows: true,
    }
}

/// What `limits@openssh.com` tells (OpenSSH PROTOCOL, section 4.8); zero means that it does not.
#[derive(Debug, Clone, Copy)]
struct Limits {
    read: u32,
    write: u32,
    handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { read: SAFE_LENGTH, write: SAFE_LENGTH, handles: FILES_PER_CHANNEL }
    }
}

impl Limits {
    fn of(reply: Result<Reply, Failure>) -> Result<Self, Failure> {
        match reply {
            Ok(Reply::Extended(bytes)) => {
                let mut reader = Reader::new(bytes);
                reader.long()?; // longest packet
                let (read, write, handles) = (reader.long()?, reader.long()?, reader.long()?);
                let usable = |length: u64| {
                    if length == 0 { SAFE_LENGTH } else { u32::try_from(length.min(LONGEST_LENGTH)).unwrap_or(SAFE_LENGTH) }
                };
                // One handle is left for a listing.
                let handles = if handles == 0 {
                    FILES_PER_CHANNEL
                } else {
                    usize::try_from(handles).unwrap_or(usize::MAX).saturating_sub(1)
                };
                Ok(Self { read: usable(read), write: usable(write), handles })
            }
            Err(failure) if failure.is_answer() => Ok(Self::default()),
            Ok(other) => Err(unexpected(&other)),
            Err(failure) => Err(failure),
        }
    }
}

/// Absolute bases are taken as they are. Relative ones start at the folder that the server puts us into; where it does
/// not tell which that is (some refuse `REALPATH`), it has to find them by itself.
fn base(home: Result<Reply, Failure>, configured: &str) -> Result<RemotePath, Failure> {
    let home = match home {
        Ok(Reply::Names(names)) => names.into_iter().next().map(|entry| entry.name.to_vec()),
        Ok(_) => None,
        Err(failure) if failure.is_answer() => None,
        Err(failure) => return Err(failure),
    };
    let trimmed = if configured.len() > 1 { configured.trim_end_matches('/') } else { configured };
    let relative = trimmed.trim_start_matches("./");
    let relative = if relative == "." { "" } else { relative };
    Ok(match home {
        _ if trimmed.starts_with('/') => RemotePath::new(trimmed),
        Some(home) if relative.is_empty() => RemotePath(home),
        Some(home) => RemotePath(home).join(relative),
        None if relative.is_empty() => RemotePath::new("."),
        None => RemotePath::new(relative),
    })
}

/// How often a store has tried to connect, so that those who wait for one attempt share its failure.
#[derive(Debug, Default)]
pub(super) struct Attempts(AtomicUsize);

impl Attempts {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    pub fn next(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::sftp::codec::{Attributes, NamedEntry, StatusCode};

    fn home(path: &'static str) -> Reply {
        let name = Bytes::from_static(path.as_bytes());
        Reply::Names(vec![NamedEntry { name, shown: Bytes::new(), attributes: Attributes::default() }])
    }

    fn refused() -> Result<Reply, Failure> {
        Err(Failure::status(StatusCode::UNSUPPORTED, b""))
    }

    #[test]
    fn a_relative_base_starts_where_the_server_puts_us() {
        for (given, wanted) in
            [("", "/home/m"), (".", "/home/m"), ("./pub/", "/home/m/pub"), ("pub", "/home/m/pub"), ("/srv", "/srv")]
        {
            assert_eq!(base(Ok(home("/home/m")), given).expect("a base"), RemotePath::new(wanted), "{given:?}");
        }
        assert_eq!(base(Ok(home("/")), "pub").expect("a base"), RemotePath::new("/pub"));
    }

    #[test]
    fn a_server_without_realpath_resolves_the_base_itself() {
        for (given, wanted) in [("", "."), ("pub", "pub"), ("/srv", "/srv")] {
            assert_eq!(base(refused(), given).expect("a base"), RemotePath::new(wanted), "{given:?}");
        }
    }

    #[test]
    fn limits_are_believed_only_as_far_as_servers_were_seen_to_keep_them() {
        let reply = |numbers: [u64; 4]| {
            Ok(Reply::Extended(numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>().into()))
        };
        let openssh = Limits::of(reply([262_144, 261_120, 261_120, 19_995])).expect("limits");
        assert_eq!((openssh.read, openssh.write), (261_120, 261_120));
        let bold = Limits::of(reply([u64::MAX; 4])).expect("limits");
        assert_eq!((bold.read, bold.write), (261_120, 261_120));
        let silent = Limits::of(reply([0; 4])).expect("limits");
        assert_eq!((silent.write, silent.handles), (32 * 1024, FILES_PER_CHANNEL));
        assert!(Limits::of(Ok(Reply::Extended(Bytes::from_static(b"short")))).is_err());
    }
}
