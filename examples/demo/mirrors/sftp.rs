//! An SFTP server over a folder: russh carries it, russh-sftp frames version 3, the file system is here.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use russh_sftp::protocol::{
    Attrs, Data, File as Entry, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};

/// `posix-rename@openssh.com`: rename over an existing name.
const POSIX_RENAME: &str = "posix-rename@openssh.com";
/// `fsync@openssh.com`: flush an open file.
const FSYNC: &str = "fsync@openssh.com";
/// Most bytes in one answer to a read, and entries in one to a directory read.
const READ_BYTES: u32 = 256 * 1024;
const READ_ENTRIES: usize = 100;

/// Serves `folder` as `/` on a free loopback port until the runtime ends, to [`super::USER`] with the password or with the
/// key whose public half is in the file `authorized`. Also gives the host key's fingerprint.
pub async fn start(folder: &Path, authorized: Option<PathBuf>) -> anyhow::Result<(SocketAddr, String)> {
    let host_key = new_host_key()?;
    let fingerprint = host_key.public_key().fingerprint(HashAlg::Sha256).to_string();
    let config = Arc::new(russh::server::Config {
        keys: vec![host_key],
        auth_rejection_time: Duration::from_secs(1),
        // The first refusal is the client asking which methods there are; it is not a guess.
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Default::default()
    });

    let (listener, address) = super::listen().await?;
    let root = folder.to_owned();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let config = Arc::clone(&config);
            let login = Login { root: root.clone(), authorized: authorized.clone(), channels: HashMap::new() };
            tokio::spawn(async move {
                // The configuration's own `nodelay` is not for streams that are handed over; without it each small answer
                // waits 40 ms for the client's acknowledgement. A refusal costs speed only.
                let _ = connection.set_nodelay(true);
                // A failed handshake or a lost connection ends that client only.
                if let Ok(session) = russh::server::run_stream(config, connection, login).await {
                    let _ = session.await;
                }
            });
        }
    });
    Ok((address, fingerprint))
}

fn new_host_key() -> anyhow::Result<PrivateKey> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).ok().context("the system gave no random bytes")?;
    let pair = Ed25519Keypair::from_seed(&seed);
    PrivateKey::new(KeypairData::Ed25519(pair), "").context("cannot make a host key")
}

/// One client's connection: its login, and channels that have not asked for a subsystem yet.
struct Login {
    root: PathBuf,
    authorized: Option<PathBuf>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl russh::server::Handler for Login {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let welcome = user == super::USER && password == super::PASSWORD;
        Ok(if welcome { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        // Read now, not at the start: the maintainer may make the key after the mirror is up.
        let authorized = self.authorized.as_ref().and_then(|path| PublicKey::read_openssh_file(path).ok());
        let welcome = user == super::USER && authorized.is_some_and(|known| known.key_data() == key.public_key.key_data());
        Ok(if welcome { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        match self.channels.remove(&channel) {
            Some(open) if name == "sftp" => {
                session.channel_success(channel)?;
                russh_sftp::server::run(open.into_stream(), Files::new(self.root.clone())).await;
            }
            _ => session.channel_failure(channel)?,
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.close(channel)?;
        Ok(())
    }
}

/// What a handle stands for.
enum Open {
    File(File),
    /// Entries not yet sent.
    Folder(Vec<Entry>),
}

/// The file system behind one SFTP channel.
struct Files {
    root: PathBuf,
    open: HashMap<String, Open>,
    handles: u64,
}

type Answer<T> = Result<T, StatusCode>;

impl Files {
    fn new(root: PathBuf) -> Self {
        Self { root, open: HashMap::new(), handles: 0 }
    }

    /// A name from the client as a path below the root, never above it.
    fn locate(&self, name: &str) -> PathBuf {
        let mut parts = Vec::new();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        self.root.join(parts.join("/"))
    }

    fn remember(&mut self, id: u32, open: Open) -> Handle {
        self.handles += 1;
        let handle = self.handles.to_string();
        self.open.insert(handle.clone(), open);
        Handle { id, handle }
    }

    fn file(&self, handle: &str) -> Answer<&File> {
        match self.open.get(handle) {
            Some(Open::File(file)) => Ok(file),
            _ => Err(StatusCode::Failure),
        }
    }
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _version: u32, _extensions: HashMap<String, String>) -> Answer<Version> {
        let mut version = Version::new();
        for extension in [POSIX_RENAME, FSYNC] {
            version.extensions.insert(extension.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn open(&mut self, id: u32, name: String, flags: OpenFlags, attributes: FileAttributes) -> Answer<Handle> {
        let write = flags.contains(OpenFlags::WRITE);
        let file = OpenOptions::new()
            .read(flags.contains(OpenFlags::READ))
            .write(write)
            .append(flags.contains(OpenFlags::APPEND))
            .truncate(write && flags.contains(OpenFlags::TRUNCATE))
            .create(flags.contains(OpenFlags::CREATE))
            .create_new(flags.contains(OpenFlags::CREATE) && flags.contains(OpenFlags::EXCLUDE))
            .open(self.locate(&name))
            .map_err(status)?;
        if flags.contains(OpenFlags::CREATE) {
            // The size in an open's attributes means nothing (draft-ietf-secsh-filexfer-02, section 6.3).
            apply(&file, &FileAttributes { size: None, ..attributes }).map_err(status)?;
        }
        Ok(self.remember(id, Open::File(file)))
    }

    async fn close(&mut self, id: u32, handle: String) -> Answer<Status> {
        self.open.remove(&handle).map(|_| done(id)).ok_or(StatusCode::Failure)
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, length: u32) -> Answer<Data> {
        let mut data = vec![0; length.min(READ_BYTES) as usize];
        let count = self.file(&handle)?.read_at(&mut data, offset).map_err(status)?;
        if count == 0 {
            return Err(StatusCode::Eof);
        }
        data.truncate(count);
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Answer<Status> {
        self.file(&handle)?.write_all_at(&data, offset).map_err(status)?;
        Ok(done(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        let metadata = fs::symlink_metadata(self.locate(&path)).map_err(status)?;
        Ok(Attrs { id, attrs: (&metadata).into() })
    }

    async fn stat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        let metadata = fs::metadata(self.locate(&path)).map_err(status)?;
        Ok(Attrs { id, attrs: (&metadata).into() })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Answer<Attrs> {
        let metadata = self.file(&handle)?.metadata().map_err(status)?;
        Ok(Attrs { id, attrs: (&metadata).into() })
    }

    async fn setstat(&mut self, id: u32, path: String, attributes: FileAttributes) -> Answer<Status> {
        let path = self.locate(&path);
        // A folder can only be opened for reading, which is enough to change its mode and time.
        let file = OpenOptions::new().write(true).open(&path).or_else(|_| File::open(&path)).map_err(status)?;
        apply(&file, &attributes).map_err(status)?;
        Ok(done(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attributes: FileAttributes) -> Answer<Status> {
        apply(self.file(&handle)?, &attributes).map_err(status)?;
        Ok(done(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Answer<Handle> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.locate(&path)).map_err(status)? {
            let entry = entry.map_err(status)?;
            let metadata = entry.metadata().map_err(status)?;
            entries.push(Entry::new(entry.file_name().to_string_lossy(), (&metadata).into()));
        }
        Ok(self.remember(id, Open::Folder(entries)))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Answer<Name> {
        match self.open.get_mut(&handle) {
            Some(Open::Folder(entries)) if entries.is_empty() => Err(StatusCode::Eof),
            Some(Open::Folder(entries)) => {
                let rest = entries.len().saturating_sub(READ_ENTRIES);
                Ok(Name { id, files: entries.split_off(rest) })
            }
            _ => Err(StatusCode::Failure),
        }
    }

    async fn remove(&mut self, id: u32, path: String) -> Answer<Status> {
        fs::remove_file(self.locate(&path)).map_err(status)?;
        Ok(done(id))
    }

    async fn mkdir(&mut self, id: u32, path: String, _attributes: FileAttributes) -> Answer<Status> {
        fs::create_dir(self.locate(&path)).map_err(status)?;
        Ok(done(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Answer<Status> {
        fs::remove_dir(self.locate(&path)).map_err(status)?;
        Ok(done(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Answer<Name> {
        let located = self.locate(&path);
        let below = located.strip_prefix(&self.root).map_err(|_| StatusCode::Failure)?;
        Ok(Name { id, files: vec![Entry::dummy(format!("/{}", below.display()))] })
    }

    /// Plain rename: an existing target is a failure, as OpenSSH has it.
    async fn rename(&mut self, id: u32, from: String, to: String) -> Answer<Status> {
        let to = self.locate(&to);
        if to.symlink_metadata().is_ok() {
            return Err(StatusCode::Failure);
        }
        fs::rename(self.locate(&from), to).map_err(status)?;
        Ok(done(id))
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Answer<Packet> {
        let arguments = strings(&data)?;
        match (request.as_str(), arguments.as_slice()) {
            (POSIX_RENAME, [from, to]) => fs::rename(self.locate(from), self.locate(to)).map_err(status)?,
            (FSYNC, [handle]) => self.file(handle)?.sync_all().map_err(status)?,
            _ => return Err(StatusCode::OpUnsupported),
        }
        Ok(Packet::Status(done(id)))
    }
}

/// The length-prefixed strings of an extended request.
fn strings(mut data: &[u8]) -> Answer<Vec<String>> {
    let mut strings = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let text = rest.get(..length).ok_or(StatusCode::BadMessage)?;
        strings.push(String::from_utf8(text.to_vec()).map_err(|_| StatusCode::BadMessage)?);
        data = &rest[length..];
    }
    Ok(strings)
}

fn apply(file: &File, attributes: &FileAttributes) -> io::Result<()> {
    if let Some(size) = attributes.size {
        file.set_len(size)?;
    }
    if let Some(mode) = attributes.permissions {
        file.set_permissions(Permissions::from_mode(mode & 0o777))?;
    }
    if let Some(time) = attributes.mtime {
        file.set_modified(UNIX_EPOCH + Duration::from_secs(u64::from(time)))?;
    }
    Ok(())
}

fn done(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Success".to_owned(), language_tag: "en".to_owned() }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn status(error: io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NoSuchFile,
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        _ => StatusCode::Failure,
    }
}
