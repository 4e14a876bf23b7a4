//! Folders, listings, sizes, deletes, free space.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::channel::{Channel, unexpected};
use super::codec::{Attributes, Handle, NamedEntry, Reply, Request};
use super::failure::Failure;
use super::reader::Reader;
use super::session::{RemotePath, Session};
use crate::base::ObjectPath;
use crate::store::{Entry, Space};

/// Rights of a new folder, said as it is made; the server's umask takes away from them (see `FILE_MODE`). Unlike our own,
/// that one is its operator's decision, and rights given afterwards would take the group's bit off inherited folders.
const FOLDER_MODE: u32 = 0o755;
/// Most names, bytes and packets that a listing may have, counted before anything is left out: a server could go on for
/// ever, with names of 256 KiB or with nothing but `.`. Servers send some hundred names a packet; one that sends them
/// singly is asked for a hundred thousand.
const LONGEST_LISTING: Extent = Extent { packets: 100_000, names: 1_000_000, bytes: 64 << 20 };
/// What an entry takes besides its texts.
const ENTRY_BYTES: usize = 64;

/// What is at `path`; `None`: nothing.
pub(super) async fn attributes(channel: &Channel, path: &RemotePath) -> Result<Option<Attributes>, Failure> {
    match channel.ask(Request::Stat { path: path.as_bytes() }).await {
        Ok(Reply::Attributes(found)) => Ok(Some(found)),
        Ok(other) => Err(unexpected(&other)),
        Err(failure) if failure.is_absent() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What a look at a path shows.
pub(super) enum Sight {
    Found(Attributes),
    Nothing,
    /// The account may not look: a drop box (velociraptor#957), which takes files all the same.
    Hidden,
}

/// The same for those who can do without an answer.
pub(super) async fn look(channel: &Channel, path: &RemotePath) -> Result<Sight, Failure> {
    match attributes(channel, path).await {
        Ok(found) => Ok(found.map_or(Sight::Nothing, Sight::Found)),
        Err(failure) if failure.is_denied() || failure.is_unsupported() => Ok(Sight::Hidden),
        Err(failure) => Err(failure),
    }
}

/// Makes the folders and all above them, one level after the other, each level in one flight.
pub(super) async fn make_folders(session: &Session, folders: &[ObjectPath]) -> Result<(), (Failure, Option<ObjectPath>)> {
    let mut levels: BTreeMap<usize, BTreeSet<ObjectPath>> = BTreeMap::new();
    for folder in folders {
        for each in folder.ancestors().into_iter().chain([folder.clone()]) {
            levels.entry(each.parts().count()).or_default().insert(each);
        }
    }
    for level in levels.values() {
        let made = level.iter().map(|folder| async move {
            make_folder(session, &session.path(folder)).await.map_err(|failure| (failure, Some(folder.clone())))
        });
        try_join_all(made).await?;
    }
    Ok(())
}

/// Makes one folder. Servers answer "exists" with whatever code they like, so a refusal is looked into.
async fn make_folder(session: &Session, path: &RemotePath) -> Result<(), Failure> {
    let slot = session.slot().await?;
    let refused = match slot.order(Request::MakeFolder { path: path.as_bytes(), mode: FOLDER_MODE }).await {
        Err(failure) if failure.is_answer() => failure,
        done => return done,
    };
    match look(&slot, path).await {
        Ok(Sight::Found(found)) if found.is_folder() => Ok(()),
        Ok(Sight::Found(_)) => Err(Failure::Exists("a file has that name".to_owned())),
        // "Failure" is what servers say of a folder that exists; if it does not, the put into it will tell.
        Ok(Sight::Hidden) if !refused.is_denied() => Ok(()),
        Ok(Sight::Nothing | Sight::Hidden) | Err(Failure::Status { .. }) => Err(refused),
        Err(failure) => Err(failure),
    }
}

/// Lists a folder; a missing one is empty.
pub(super) async fn list(session: &Session, path: &RemotePath) -> Result<Vec<Entry>, Failure> {
    let slot = session.slot().await?;
    let handle = match slot.ask(Request::OpenFolder { path: path.as_bytes() }).await {
        Ok(Reply::Handle(handle)) => handle,
        Ok(other) => return Err(unexpected(&other)),
        Err(failure) if failure.is_absent() => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let found = read_folder(&slot, &handle).await;
    slot.send_unheard(Request::Close { handle: &handle });
    found
}

async fn read_folder(channel: &Channel, handle: &Handle) -> Result<Vec<Entry>, Failure> {
    let mut found = Vec::new();
    let mut extent = Extent::default();
    loop {
        match channel.ask(Request::ReadFolder { handle }).await? {
            Reply::Names(names) if names.is_empty() => return Ok(found),
            Reply::Names(names) => {
                extent.grow(&names)?;
                found.extend(names.iter().filter_map(entry));
            }
            // The end: refusals are errors already.
            Reply::Status { .. } => return Ok(found),
            other => return Err(unexpected(&other)),
        }
    }
}

/// How much of a listing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Extent {
    packets: usize,
    names: usize,
    bytes: usize,
}

impl Extent {
    /// Counts one more packet; too much is an error.
    fn grow(&mut self, names: &[NamedEntry]) -> Result<(), Failure> {
        self.packets += 1;
        self.names += names.len();
        self.bytes += names.iter().map(|named| named.name.len() + named.shown.len() + ENTRY_BYTES).sum::<usize>();
        let Self { packets, names, bytes } = LONGEST_LISTING;
        if self.packets > packets || self.names > names || self.bytes > bytes {
            return Err(Failure::Protocol(format!(
                "a listing without end: {} names in {} packets, {} bytes",
                self.names, self.packets, self.bytes
            )));
        }
        Ok(())
    }
}

fn entry(named: &NamedEntry) -> Option<Entry> {
    if matches!(&named.name[..], b"." | b"..") {
        return None;
    }
    let folder = match named.attributes.permissions {
        Some(_) => named.attributes.is_folder(),
        None => named.shown.starts_with(b"d"),
    };
    let size = if folder { None } else { Some(named.attributes.size.unwrap_or(0)) };
    Some(Entry { name: String::from_utf8_lossy(&named.name).into_owned(), size })
}

/// Removes a file; what is not there is removed.
pub(super) async fn remove(channel: &Channel, path: &RemotePath) -> Result<(), Failure> {
    match channel.order(Request::Remove { path: path.as_bytes() }).await {
        Err(failure) if failure.is_absent() => Ok(()),
        done => done,
    }
}

/// Removes a folder unless something is in it.
pub(super) async fn remove_empty_folder(channel: &Channel, path: &RemotePath) -> Result<(), Failure> {
    let refused = match channel.order(Request::RemoveFolder { path: path.as_bytes() }).await {
        Err(failure) if failure.is_absent() => return Ok(()),
        Err(failure @ Failure::Status { .. }) => failure,
        done => return done,
    };
    match look(channel, path).await? {
        Sight::Nothing => Ok(()),
        // "Not empty" has no code of its own; being forbidden has.
        Sight::Found(found) if found.is_folder() && !refused.is_denied() => Ok(()),
        Sight::Found(_) | Sight::Hidden => Err(refused),
    }
}

/// Free space at the base; `None` where the server does not tell.
pub(super) async fn space(session: &Session, channel: &Channel) -> Result<Option<Space>, Failure> {
    if !session.facts.statvfs {
        return Ok(None);
    }
    match channel.ask(Request::SpaceOf { path: session.base().as_bytes() }).await {
        Ok(Reply::Extended(bytes)) => Ok(Some(read_space(Reader::new(bytes))?)),
        Ok(other) => Err(unexpected(&other)),
        // Announced and not there: seen.
        Err(failure) if failure.is_unsupported() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// OpenSSH PROTOCOL, section 4.4: eleven numbers in the order of `struct statvfs`.
fn read_space(mut reader: Reader) -> Result<Space, Failure> {
    let mut numbers = [0; 11];
    for number in &mut numbers {
        *number = reader.long()?;
    }
    let [_, fragment, _, _, available, files, _, files_available, ..] = numbers;
    // File systems that make files as they need them tell of none at all.
    let free_files = (files > 0).then_some(files_available);
    Ok(Space { free_bytes: available.saturating_mul(fragment), free_files })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn free_space_is_what_we_may_use() {
        let numbers: [u64; 11] = [4096, 512, 1000, 900, 800, 50, 40, 30, 1, 0, 255];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        let space = read_space(Reader::new(bytes.into())).expect("space");
        assert_eq!(space, Space { free_bytes: 800 * 512, free_files: Some(30) });
        assert!(read_space(Reader::new(Bytes::from_static(b"short"))).is_err());
    }

    #[test]
    fn a_listing_has_an_end_in_packets_names_and_bytes() {
        let named = |length: usize| NamedEntry {
            name: Bytes::from(vec![b'x'; length]),
            shown: Bytes::new(),
            attributes: Attributes::default(),
        };
        let packets_until_refused = |names: &[NamedEntry]| {
            let mut extent = Extent::default();
            (1..=2_000_000).find(|_| extent.grow(names).is_err()).expect("there is an end")
        };
        assert_eq!(packets_until_refused(&[named(1)]), 100_001);
        assert_eq!(packets_until_refused(&vec![named(1); 100]), 10_001);
        assert_eq!(packets_until_refused(&[named((1 << 18) - ENTRY_BYTES)]), 257, "64 MiB");
    }

    #[test]
    fn a_folder_is_known_without_permissions() {
        let named = |shown: &'static str| NamedEntry {
            name: Bytes::from_static(b"x"),
            shown: Bytes::from_static(shown.as_bytes()),
            attributes: Attributes { size: Some(4), permissions: None },
        };
        assert_eq!(entry(&named("drwxr-xr-x 2 0 0 4 x")).and_then(|entry| entry.size), None);
        assert_eq!(entry(&named("-rw-r--r-- 1 0 0 4 x")).and_then(|entry| entry.size), Some(4));
    }
}
