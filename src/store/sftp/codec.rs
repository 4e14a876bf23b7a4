//! SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL): requests written, replies read.
//!
//! No I/O and no state: bytes in, values out. Handles and paths are bytes, as the protocol says; a client that
//! takes handles for text breaks on OpenSSH as soon as more than 128 of them are open.

use bytes::{BufMut, Bytes, BytesMut};

use super::reader::{Malformed, Reader};

/// What a server calls an open file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handle(pub Bytes);

/// A status code (section 7 of the draft, and the few later ones that servers send in version 3 too).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusCode(pub u32);

impl StatusCode {
    pub const OK: Self = Self(0);
    pub const EOF: Self = Self(1);
    pub const NO_SUCH_FILE: Self = Self(2);
    pub const PERMISSION_DENIED: Self = Self(3);
    pub const FAILURE: Self = Self(4);
    pub const NO_CONNECTION: Self = Self(6);
    pub const CONNECTION_LOST: Self = Self(7);
    pub const UNSUPPORTED: Self = Self(8);
    pub const NO_SUCH_PATH: Self = Self(10);
    pub const WRITE_PROTECT: Self = Self(12);
    pub const NO_SPACE: Self = Self(14);
    pub const QUOTA_EXCEEDED: Self = Self(15);

    /// Nothing under that name, or nothing above it.
    pub fn is_absent(self) -> bool {
        self == Self::NO_SUCH_FILE || self == Self::NO_SUCH_PATH
    }
}

/// Flags of an open (section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenFlags(pub u32);

impl OpenFlags {
    /// For reading.
    pub const READ: Self = Self(0x01);
    /// For writing what is there already: a resumed upload, or one more lane of a running one.
    pub const WRITE: Self = Self(0x02);
    /// For writing from the start. Not exclusive: some servers ignore that flag, so nothing may rest on it.
    pub const WRITE_NEW: Self = Self(0x02 | 0x08 | 0x10);
}

/// One request, without its number.
#[derive(Debug, Clone)]
pub(super) enum Request<'a> {
    Open { path: &'a [u8], flags: OpenFlags, mode: Option<u32> },
    Close { handle: &'a Handle },
    Read { handle: &'a Handle, offset: u64, length: u32 },
    Write { handle: &'a Handle, offset: u64, data: Bytes },
    Stat { path: &'a [u8] },
    OpenFolder { path: &'a [u8] },
    ReadFolder { handle: &'a Handle },
    Remove { path: &'a [u8] },
    MakeFolder { path: &'a [u8], mode: u32 },
    RemoveFolder { path: &'a [u8] },
    RealPath { path: &'a [u8] },
    Rename { from: &'a [u8], to: &'a [u8] },
    PosixRename { from: &'a [u8], to: &'a [u8] },
    Sync { handle: &'a Handle },
    SpaceOf { path: &'a [u8] },
    Limits,
}

/// The extensions that we use, with the versions that every server was seen to announce.
pub(super) const POSIX_RENAME: (&str, &str) = ("posix-rename@openssh.com", "1");
pub(super) const FSYNC: (&str, &str) = ("fsync@openssh.com", "1");
pub(super) const STATVFS: (&str, &str) = ("statvfs@openssh.com", "2");
pub(super) const LIMITS: (&str, &str) = ("limits@openssh.com", "1");

/// Version 3: the last one that OpenSSH, and so everyone, speaks.
const VERSION: u32 = 3;
/// The attribute "permissions" is present.
const HAS_PERMISSIONS: u32 = 0x04;
/// Kind of a file within its permissions (POSIX `S_IFMT`, `S_IFDIR`).
const KIND_MASK: u32 = 0o170_000;
const KIND_FOLDER: u32 = 0o040_000;

/// Bytes of one request: what goes before the data, and the data, which is not copied.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub head: Bytes,
    pub data: Bytes,
}

/// The first packet of a channel.
pub(super) fn init() -> Outgoing {
    let mut head = BytesMut::with_capacity(9);
    head.put_u32(5);
    head.put_u8(1);
    head.put_u32(VERSION);
    Outgoing { head: head.freeze(), data: Bytes::new() }
}

impl Request<'_> {
    /// The packet that asks this under the number `id`.
    pub fn encode(self, id: u32) -> Outgoing {
        let mut body = Body::new(self.code(), id);
        let data = match self {
            Request::Open { path, flags, mode } => {
                body.text(path);
                body.number(flags.0);
                body.mode(mode);
                Bytes::new()
            }
            Request::Close { handle } | Request::ReadFolder { handle } => body.text(&handle.0),
            Request::Read { handle, offset, length } => {
                body.text(&handle.0);
                body.0.put_u64(offset);
                body.number(length)
            }
            Request::Write { handle, offset, data } => {
                body.text(&handle.0);
                body.0.put_u64(offset);
                body.length_of(&data);
                data
            }
            Request::Stat { path }
            | Request::OpenFolder { path }
            | Request::Remove { path }
            | Request::RemoveFolder { path }
            | Request::RealPath { path } => body.text(path),
            Request::MakeFolder { path, mode } => {
                body.text(path);
                body.mode(Some(mode))
            }
            Request::Rename { from, to } => {
                body.text(from);
                body.text(to)
            }
            Request::PosixRename { from, to } => {
                body.text(POSIX_RENAME.0.as_bytes());
                body.text(from);
                body.text(to)
            }
            Request::Sync { handle } => {
                body.text(FSYNC.0.as_bytes());
                body.text(&handle.0)
            }
            Request::SpaceOf { path } => {
                body.text(STATVFS.0.as_bytes());
                body.text(path)
            }
            Request::Limits => body.text(LIMITS.0.as_bytes()),
        };
        body.finish(data)
    }

    fn code(&self) -> u8 {
        match self {
            Request::Open { .. } => 3,
            Request::Close { .. } => 4,
            Request::Read { .. } => 5,
            Request::Write { .. } => 6,
            Request::OpenFolder { .. } => 11,
            Request::ReadFolder { .. } => 12,
            Request::Remove { .. } => 13,
            Request::MakeFolder { .. } => 14,
            Request::RemoveFolder { .. } => 15,
            Request::RealPath { .. } => 16,
            Request::Stat { .. } => 17,
            Request::Rename { .. } => 18,
            Request::PosixRename { .. } | Request::Sync { .. } | Request::SpaceOf { .. } | Request::Limits => 200,
        }
    }
}

/// A packet being written: its length comes first and is filled in last.
struct Body(BytesMut);

impl Body {
    fn new(code: u8, id: u32) -> Self {
        let mut bytes = BytesMut::with_capacity(128);
        bytes.put_u32(0);
        bytes.put_u8(code);
        bytes.put_u32(id);
        Self(bytes)
    }

    /// Every writer returns the empty data of a request that has none.
    fn number(&mut self, number: u32) -> Bytes {
        self.0.put_u32(number);
        Bytes::new()
    }

    fn length_of(&mut self, bytes: &[u8]) {
        self.0.put_u32(u32::try_from(bytes.len()).expect("paths and writes are far below 4 GiB"));
    }

    fn text(&mut self, bytes: &[u8]) -> Bytes {
        self.length_of(bytes);
        self.0.put_slice(bytes);
        Bytes::new()
    }

    fn mode(&mut self, mode: Option<u32>) -> Bytes {
        match mode {
            Some(mode) => {
                self.0.put_u32(HAS_PERMISSIONS);
                self.number(mode)
            }
            None => self.number(0),
        }
    }

    fn finish(mut self, data: Bytes) -> Outgoing {
        let length = self.0.len() - 4 + data.len();
        let length = u32::try_from(length).expect("paths and writes are far below 4 GiB");
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        Outgoing { head: self.0.freeze(), data }
    }
}

/// The few attributes that we read (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    pub size: Option<u64>,
    pub permissions: Option<u32>,
}

impl Attributes {
    pub fn is_folder(self) -> bool {
        self.permissions.is_some_and(|bits| bits & KIND_MASK == KIND_FOLDER)
    }
}

/// One name of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedEntry {
    pub name: Bytes,
    /// How `ls -l` would show it: the only hint at a folder where permissions are not sent.
    pub shown: Bytes,
    pub attributes: Attributes,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Status { code: StatusCode, message: Bytes },
    Handle(Handle),
    Data(Bytes),
    Names(Vec<NamedEntry>),
    Attributes(Attributes),
    Extended(Bytes),
}

/// The extensions that a server announced, with their versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Extensions(Vec<(Bytes, Bytes)>);

impl Extensions {
    /// Whether the extension is announced, in the version that we know.
    pub fn has(&self, (name, version): (&str, &str)) -> bool {
        self.0.iter().any(|(found, its_version)| found == name.as_bytes() && its_version == version.as_bytes())
    }
}

/// Reads the answer to [`init`].
pub(super) fn decode_version(frame: Bytes) -> Result<Extensions, Malformed> {
    let mut reader = Reader::new(frame);
    if reader.byte()? != 2 {
        return Err(Malformed("the first packet is not a version"));
    }
    if reader.number()? < VERSION {
        return Err(Malformed("the server speaks an SFTP version below 3"));
    }
    let mut found = Vec::new();
    while !reader.is_empty() {
        found.push((reader.text()?, reader.text()?));
    }
    Ok(Extensions(found))
}

/// Reads one reply: the number of its request, and what it says.
pub(super) fn decode_reply(frame: Bytes) -> Result<(u32, Reply), Malformed> {
    let mut reader = Reader::new(frame);
    let code = reader.byte()?;
    let id = reader.number()?;
    let reply = match code {
        101 => {
            let code = StatusCode(reader.number()?);
            // Old servers send no message at all.
            let message = if reader.is_empty() { Bytes::new() } else { reader.text()? };
            Reply::Status { code, message }
        }
        102 => Reply::Handle(Handle(reader.text()?)),
        103 => Reply::Data(reader.text()?),
        104 => Reply::Names(names(&mut reader)?),
        105 => Reply::Attributes(attributes(&mut reader)?),
        201 => Reply::Extended(reader.rest()),
        _ => return Err(Malformed("a packet of unknown kind")),
    };
    Ok((id, reply))
}

fn names(reader: &mut Reader) -> Result<Vec<NamedEntry>, Malformed> {
    let count = reader.number()?;
    // Not reserved beforehand: the count is the server's word, the bytes are what came.
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(NamedEntry { name: reader.text()?, shown: reader.text()?, attributes: attributes(reader)? });
    }
    Ok(found)
}

fn attributes(reader: &mut Reader) -> Result<Attributes, Malformed> {
    let flags = reader.number()?;
    let size = if flags & 0x01 != 0 { Some(reader.long()?) } else { None };
    if flags & 0x02 != 0 {
        reader.long()?; // owner and group
    }
    let permissions = if flags & HAS_PERMISSIONS != 0 { Some(reader.number()?) } else { None };
    if flags & 0x08 != 0 {
        reader.long()?; // times
    }
    if flags & 0x8000_0000 != 0 {
        for _ in 0..reader.number()? {
            reader.text()?;
            reader.text()?;
        }
    }
    Ok(Attributes { size, permissions })
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
