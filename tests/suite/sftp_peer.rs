//! An SFTP server in this process, with the habits of servers that are not OpenSSH.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Msg, Response, Session};
use russh::{Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet, Preferred, cipher, kex};
use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use spartacus::base::Secret;
use spartacus::store::sftp::{SftpAuth, SftpSettings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

const PASSWORD: &str = "open-sesame-1";

/// What is odd about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// It has no extension at all, and its rename refuses a name that is taken.
    Plain,
    /// It announces posix-rename and then does not know it.
    Boasting,
    /// Writing at an offset fills what lies before it with zeros.
    ZeroingResume,
    /// It answers the first packet, and then nothing.
    Silent,
    /// It announces a packet of 4 GiB.
    HugePacket,
    /// It answers requests that were not made.
    UnaskedAnswer,
    /// Every write fails for want of room, and says so only in words.
    FullDisk,
    /// Every write fails, and only the file system's figures tell why.
    FullByFigures,
    /// Its one cipher is open to Terrapin, and it knows no strict key exchange.
    Tamperable,
    /// It takes passwords only as answers to a question.
    AsksForPassword,
    /// It shows nothing: no reading, no listing, no looking.
    DropBox,
    /// So many files may be open at the same time; it refuses more with a bare "failure".
    Handles(usize),
    /// One channel a connection; every answer takes its time, as if it were far away.
    OneSession,
    /// It lets us in once and never again, as when an account is closed during a push.
    LetsInOnce,
    /// The line is cut while we wait to be let in.
    CutAtLogin,
    /// It carries out the first rename and never answers it.
    SwallowsRename,
    /// Its listings never end, and hold nothing but what every listing leaves out.
    EndlessListing,
}

impl Habit {
    fn methods(self) -> MethodSet {
        match self {
            Self::AsksForPassword => MethodSet::from(&[MethodKind::KeyboardInteractive][..]),
            _ => MethodSet::server_supported(),
        }
    }

    fn preferred(self) -> Preferred {
        let Self::Tamperable = self else { return Preferred::DEFAULT };
        let markers = [kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER];
        Preferred {
            kex: Preferred::DEFAULT.kex.iter().copied().filter(|name| !markers.contains(name)).collect::<Vec<_>>().into(),
            cipher: vec![cipher::CHACHA20_POLY1305].into(),
            ..Preferred::DEFAULT
        }
    }
}

pub struct Peer {
    folder: TempDir,
    pub address: SocketAddr,
    host_key: String,
    pub authentications: Arc<AtomicUsize>,
    /// Opens for writing that were refused.
    pub refusals: Arc<AtomicUsize>,
    /// Bytes of data that were written.
    pub written: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl Peer {
    pub async fn start(habit: Habit) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).expect("a key");
        let host_key = key.public_key().to_openssh().expect("a key in text");
        let configuration = Arc::new(russh::server::Config {
            keys: vec![key],
            preferred: habit.preferred(),
            methods: habit.methods(),
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Default::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let authentications = Arc::new(AtomicUsize::new(0));
        let seen = Counters { authentications: Arc::clone(&authentications), ..Counters::default() };
        let (refusals, written) = (Arc::clone(&seen.refusals), Arc::clone(&seen.written));
        let root = folder.path().to_path_buf();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let door = Door { root: root.clone(), habit, seen: seen.clone(), channels: HashMap::new(), opened: 0 };
                let running = russh::server::run_stream(Arc::clone(&configuration), client, door);
                // A client that goes away ends its session with an error, which is no concern of the test.
                tokio::spawn(async move {
                    if let Ok(session) = running.await {
                        let _ = session.await;
                    }
                });
            }
        });
        Self { folder, address, host_key, authentications, refusals, written, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub fn settings(&self) -> SftpSettings {
        let auth = SftpAuth::Password(Secret::new(PASSWORD.to_owned()));
        let mut settings = SftpSettings::new("127.0.0.1", "deploy", auth, vec![self.host_key.parse().expect("a pin")]);
        settings.port = self.address.port();
        settings
    }

    /// As a target in `targets.yaml`, indented by two.
    pub fn yaml_entry(&self, name: &str) -> String {
        format!(
            "  - name: {name}\n    sftp:\n      host: 127.0.0.1\n      port: {}\n      user: deploy\n      path: /\n      \
             password: {{command: [echo, {PASSWORD}]}}\n      host_keys: [\"{}\"]\n",
            self.address.port(),
            self.host_key
        )
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

/// What all connections of one server count together.
#[derive(Clone, Default)]
struct Counters {
    authentications: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
    swallowed: Arc<AtomicBool>,
}

/// The SSH side.
struct Door {
    root: PathBuf,
    habit: Habit,
    seen: Counters,
    channels: HashMap<ChannelId, Channel<Msg>>,
    opened: usize,
}

impl russh::server::Handler for Door {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        let before = self.seen.authentications.fetch_add(1, Ordering::SeqCst);
        if self.habit == Habit::CutAtLogin {
            return Err(russh::Error::Disconnect);
        }
        if self.habit == Habit::LetsInOnce && before > 0 {
            return Ok(Auth::reject());
        }
        Ok(if (user, password) == ("deploy", PASSWORD) { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        self.seen.authentications.fetch_add(1, Ordering::SeqCst);
        if self.habit != Habit::AsksForPassword {
            return Ok(Auth::reject());
        }
        let Some(mut response) = response else {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let told = response.next();
        Ok(if (user, told.as_deref()) == ("deploy", Some(PASSWORD.as_bytes())) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.opened += 1;
        if self.habit == Habit::OneSession && self.opened > 1 {
            self.seen.refusals.fetch_add(1, Ordering::SeqCst);
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, _name: &str, session: &mut Session) -> Result<(), russh::Error> {
        let channel = self.channels.remove(&id).expect("an open channel");
        session.channel_success(id)?;
        let stream = channel.into_stream();
        match self.habit {
            Habit::Silent => drop(tokio::spawn(after_version(stream, Vec::new()))),
            Habit::HugePacket => drop(tokio::spawn(after_version(stream, vec![0xff; 64]))),
            Habit::UnaskedAnswer => {
                let status = [&[0, 0, 0, 17, 101, 0xaa, 0xbb, 0xcc, 0xdd][..], &[0; 12]].concat();
                drop(tokio::spawn(after_version(stream, status)));
            }
            habit => {
                let files = Files { root: self.root.clone(), habit, seen: self.seen.clone(), open: HashMap::new(), last: 0 };
                russh_sftp::server::run(stream, files).await;
            }
        }
        Ok(())
    }
}

/// Speaks SFTP for one packet, then sends `rest` and only listens.
async fn after_version(mut stream: russh::ChannelStream<Msg>, rest: Vec<u8>) {
    let mut init = [0; 9];
    let version = [0, 0, 0, 5, 2, 0, 0, 0, 3];
    if stream.read_exact(&mut init).await.is_ok() && stream.write_all(&[&version[..], &rest].concat()).await.is_ok() {
        // Until the client gives up.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
}

enum Opened {
    File(File),
    Folder(Vec<russh_sftp::protocol::File>),
}

/// The SFTP side.
struct Files {
    root: PathBuf,
    habit: Habit,
    seen: Counters,
    open: HashMap<String, Opened>,
    last: u64,
}

fn code(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NoSuchFile,
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        _ => StatusCode::Failure,
    }
}

fn status(id: u32, result: io::Result<()>) -> Result<Status, StatusCode> {
    result.map_err(|error| code(&error))?;
    Ok(Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: String::new() })
}

impl Files {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn keep(&mut self, id: u32, opened: Opened) -> Handle {
        self.last += 1;
        let handle = self.last.to_string();
        self.open.insert(handle.clone(), opened);
        Handle { id, handle }
    }

    fn may_show(&self) -> Result<(), StatusCode> {
        if self.habit == Habit::DropBox { Err(StatusCode::PermissionDenied) } else { Ok(()) }
    }

    fn file(&self, handle: &str) -> Result<&File, StatusCode> {
        match self.open.get(handle) {
            Some(Opened::File(file)) => Ok(file),
            _ => Err(StatusCode::Failure),
        }
    }
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _version: u32, _extensions: HashMap<String, String>) -> Result<Version, StatusCode> {
        let mut version = Version::new();
        if self.habit == Habit::Boasting {
            version.extensions.insert("posix-rename@openssh.com".into(), "1".into());
        }
        if self.habit == Habit::FullByFigures {
            version.extensions.insert("statvfs@openssh.com".into(), "2".into());
        }
        Ok(version)
    }

    async fn open(&mut self, id: u32, name: String, flags: OpenFlags, _: FileAttributes) -> Result<Handle, StatusCode> {
        let path = self.at(&name);
        let (writes, truncates) = (flags.contains(OpenFlags::WRITE), flags.contains(OpenFlags::TRUNCATE));
        if self.habit == Habit::DropBox && !writes {
            return Err(StatusCode::PermissionDenied);
        }
        if matches!(self.habit, Habit::Handles(most) if self.open.len() >= most) {
            self.seen.refusals.fetch_add(1, Ordering::SeqCst);
            return Err(StatusCode::Failure);
        }
        if self.habit == Habit::ZeroingResume && writes && !truncates {
            let length = fs::metadata(&path).map_err(|error| code(&error))?.len();
            fs::write(&path, vec![0; usize::try_from(length).expect("small")]).map_err(|error| code(&error))?;
        }
        let mut options = fs::OpenOptions::new();
        options.read(flags.contains(OpenFlags::READ)).write(writes).truncate(truncates);
        let file = options.create(flags.contains(OpenFlags::CREATE)).open(path).map_err(|error| code(&error))?;
        if file.metadata().is_ok_and(|found| found.is_dir()) {
            return Err(StatusCode::Failure);
        }
        Ok(self.keep(id, Opened::File(file)))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusCode> {
        self.open.remove(&handle).ok_or(StatusCode::Failure)?;
        status(id, Ok(()))
    }

    /// Answers with less than was asked for, as the protocol allows.
    async fn read(&mut self, id: u32, handle: String, offset: u64, length: u32) -> Result<Data, StatusCode> {
        let mut data = vec![0; length.min(20_000) as usize];
        let count = self.file(&handle)?.read_at(&mut data, offset).map_err(|error| code(&error))?;
        data.truncate(count);
        if count == 0 { Err(StatusCode::Eof) } else { Ok(Data { id, data }) }
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status, StatusCode> {
        assert!(data.len() <= 32 * 1024, "without limits@openssh.com no write is longer than 32 KiB");
        if self.habit == Habit::FullDisk {
            let error_message = "write: no space left on device".to_owned();
            return Ok(Status { id, status_code: StatusCode::Failure, error_message, language_tag: String::new() });
        }
        if self.habit == Habit::FullByFigures {
            return Err(StatusCode::Failure);
        }
        self.seen.written.fetch_add(data.len(), Ordering::SeqCst);
        status(id, self.file(&handle)?.write_all_at(&data, offset))
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        self.may_show()?;
        let found = fs::metadata(self.at(&path)).map_err(|error| code(&error))?;
        Ok(Attrs { id, attrs: (&found).into() })
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        self.may_show()?;
        let entries = fs::read_dir(self.at(&path)).map_err(|error| code(&error))?;
        let named = |entry: fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok(russh_sftp::protocol::File::new(name, (&entry.metadata()?).into()))
        };
        let files = entries.map(|entry| named(entry?)).collect::<io::Result<_>>().map_err(|error| code(&error))?;
        Ok(self.keep(id, Opened::Folder(files)))
    }

    /// Three names at a time.
    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusCode> {
        if self.habit == Habit::EndlessListing {
            return Ok(Name { id, files: vec![russh_sftp::protocol::File::dummy("."); 5000] });
        }
        match self.open.get_mut(&handle) {
            Some(Opened::Folder(files)) if !files.is_empty() => {
                Ok(Name { id, files: files.drain(..files.len().min(3)).collect() })
            }
            Some(Opened::Folder(_)) => Err(StatusCode::Eof),
            _ => Err(StatusCode::Failure),
        }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, StatusCode> {
        status(id, fs::remove_file(self.at(&path)))
    }

    async fn mkdir(&mut self, id: u32, path: String, _: FileAttributes) -> Result<Status, StatusCode> {
        status(id, fs::create_dir(self.at(&path)))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, StatusCode> {
        status(id, fs::remove_dir(self.at(&path)))
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Result<Status, StatusCode> {
        let to = self.at(&to);
        if to.symlink_metadata().is_ok() {
            return Err(StatusCode::Failure);
        }
        let renamed = status(id, fs::rename(self.at(&from), to))?;
        if self.habit == Habit::SwallowsRename && !self.seen.swallowed.swap(true, Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(renamed)
    }

    /// A server that is far away: the answer to the first question takes longer than a round trip next door.
    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusCode> {
        if self.habit != Habit::OneSession {
            return Err(StatusCode::OpUnsupported);
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(Name { id, files: vec![russh_sftp::protocol::File::dummy(path.replace('.', "/"))] })
    }

    async fn extended(&mut self, id: u32, request: String, _data: Vec<u8>) -> Result<Packet, StatusCode> {
        if self.habit == Habit::FullByFigures && request.starts_with("statvfs@") {
            let figures: [u64; 11] = [4096, 4096, 1000, 0, 0, 50, 40, 40, 1, 0, 255];
            let data = figures.iter().flat_map(|figure| figure.to_be_bytes()).collect();
            return Ok(Packet::ExtendedReply(ExtendedReply { id, data }));
        }
        Err(StatusCode::OpUnsupported)
    }
}
