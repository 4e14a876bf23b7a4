//! The codec against an independent one (russh-sftp, which the product does not use), and against garbage.

use proptest::prelude::*;
use russh_sftp::protocol as peer;

use super::*;
use crate::store::sftp::reader::{Framer, LARGEST_PACKET};

fn seen_by_peer(request: Request<'_>, id: u32) -> peer::Packet {
    let sent = request.encode(id);
    let mut bytes = BytesMut::from(&sent.head[..]);
    bytes.extend_from_slice(&sent.data);
    assert_eq!(bytes.len() - 4, u32::from_be_bytes(*bytes.first_chunk().expect("a length")) as usize);
    peer::Packet::try_from(&mut bytes.freeze().slice(4..)).expect("the peer reads it")
}

fn sent_by_peer(packet: peer::Packet) -> Bytes {
    Bytes::try_from(packet).expect("the peer writes it").slice(4..)
}

#[test]
fn an_open_asks_for_what_it_says() {
    let packet = seen_by_peer(Request::Open { path: b"a/b", flags: OpenFlags::WRITE_NEW, mode: Some(0o644) }, 7);
    let peer::Packet::Open(open) = packet else { panic!("{packet:?}") };
    assert_eq!((open.id, open.filename.as_str()), (7, "a/b"));
    assert_eq!(open.pflags.bits(), (peer::OpenFlags::WRITE | peer::OpenFlags::CREATE | peer::OpenFlags::TRUNCATE).bits());
    assert_eq!(open.attrs.permissions, Some(0o644));
}

#[test]
fn extensions_carry_their_arguments() {
    let packet = seen_by_peer(Request::PosixRename { from: b"x", to: b"yz" }, 9);
    let peer::Packet::Extended(extended) = packet else { panic!("{packet:?}") };
    assert_eq!(extended.request, POSIX_RENAME.0);
    assert_eq!(extended.data, b"\0\0\0\x01x\0\0\0\x02yz");
}

#[test]
fn handles_that_are_not_text_survive() {
    let frame = b"\x66\0\0\0\x05\0\0\0\x04\xff\x00\x80\xfe";
    let (id, reply) = decode_reply(Bytes::from_static(frame)).expect("a handle");
    assert_eq!((id, &reply), (5, &Reply::Handle(Handle(Bytes::from_static(b"\xff\x00\x80\xfe")))));
    let Reply::Handle(handle) = reply else { panic!("a handle") };
    assert!(Request::Close { handle: &handle }.encode(6).head.ends_with(b"\xff\x00\x80\xfe"));
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    assert!(decode_version(Bytes::from_static(b"\x02\0\0\0\x02")).is_err());
    assert!(decode_version(Bytes::from_static(b"\x65\0\0\0\x03")).is_err());
}

#[test]
fn extensions_are_known_by_name_and_version() {
    let mut version = peer::Version::new();
    version.extensions.insert(STATVFS.0.into(), "2".into());
    version.extensions.insert(POSIX_RENAME.0.into(), "9".into());
    let found = decode_version(sent_by_peer(peer::Packet::Version(version))).expect("a version");
    assert!(found.has(STATVFS) && !found.has(FSYNC) && !found.has(POSIX_RENAME));
}

#[test]
fn an_announced_length_of_four_gigabytes_is_refused_before_its_bytes_come() {
    let mut framer = Framer::default();
    framer.push(&[0xff, 0xff, 0xff, 0xff, 0x65]);
    assert_eq!(framer.next(), Err(Malformed("a packet longer than 256 KiB")));
}

#[test]
fn a_count_of_names_without_names_allocates_nothing() {
    assert!(decode_reply(Bytes::from_static(b"\x68\0\0\0\x01\xff\xff\xff\xff")).is_err());
}

proptest! {
    #[test]
    fn the_peer_reads_every_write(id: u32, offset: u64, data in prop::collection::vec(any::<u8>(), 0..600)) {
        let handle = Handle(Bytes::from_static(b"h1"));
        let packet = seen_by_peer(Request::Write { handle: &handle, offset, data: data.clone().into() }, id);
        let peer::Packet::Write(write) = packet else { panic!("{packet:?}") };
        prop_assert_eq!((write.id, write.handle.as_str(), write.offset, write.data), (id, "h1", offset, data));
    }

    #[test]
    fn the_peer_reads_every_read(id: u32, offset: u64, length: u32) {
        let handle = Handle(Bytes::from_static(b"h1"));
        let packet = seen_by_peer(Request::Read { handle: &handle, offset, length }, id);
        let peer::Packet::Read(read) = packet else { panic!("{packet:?}") };
        prop_assert_eq!((read.id, read.offset, read.len), (id, offset, length));
    }

    #[test]
    fn we_read_every_listing_of_the_peer(id: u32, names in prop::collection::vec(("[a-zé]{1,9}", any::<u64>(), any::<u32>()), 0..9)) {
        let files = names.iter().map(|(name, size, mode)| {
            let mut attributes = peer::FileAttributes::empty();
            attributes.size = Some(*size);
            attributes.permissions = Some(*mode);
            attributes.atime = Some(1);
            attributes.mtime = Some(2);
            peer::File::new(name, attributes)
        }).collect();
        let (found, reply) = decode_reply(sent_by_peer(peer::Packet::Name(peer::Name { id, files }))).expect("names");
        prop_assert_eq!(found, id);
        let Reply::Names(entries) = reply else { panic!("{reply:?}") };
        prop_assert_eq!(entries.len(), names.len());
        for (entry, (name, size, mode)) in entries.iter().zip(&names) {
            prop_assert_eq!(&entry.name[..], name.as_bytes());
            prop_assert_eq!(entry.attributes, Attributes { size: Some(*size), permissions: Some(*mode) });
        }
    }

    #[test]
    fn garbage_and_cut_packets_are_errors_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let frame = Bytes::from(bytes);
        let _ = decode_version(frame.clone());
        if let Ok((_, reply)) = decode_reply(frame.clone()) {
            prop_assert!(matches!(frame[0], 101..=105 | 201), "{reply:?}");
        }
    }

    #[test]
    fn however_a_stream_is_cut_the_same_packets_come_out(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..8),
        cut in 1_usize..50,
    ) {
        let mut stream = Vec::new();
        for packet in &packets {
            stream.extend_from_slice(&u32::try_from(packet.len()).expect("short").to_be_bytes());
            stream.extend_from_slice(packet);
        }
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for piece in stream.chunks(cut) {
            framer.push(piece);
            while let Some(packet) = framer.next().expect("whole packets") {
                prop_assert!(packet.len() <= LARGEST_PACKET);
                found.push(packet.to_vec());
            }
        }
        prop_assert_eq!(found, packets);
    }
}
