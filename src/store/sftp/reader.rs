//! Reading numbers and strings off a packet, and packets off a stream.

use bytes::{Buf, Bytes, BytesMut};

/// A packet that breaks the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub &'static str);

/// Largest packet that is accepted: the 256 KiB of OpenSSH, and room for what stands before the data. Whoever
/// announces more is cut off before anything is allocated for it.
pub(super) const LARGEST_PACKET: usize = 256 * 1024 + 1024;

/// Takes values off the front of a packet.
pub(super) struct Reader(Bytes);

impl Reader {
    pub fn new(packet: Bytes) -> Self {
        Self(packet)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| SHORT)
    }

    pub fn number(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| SHORT)
    }

    pub fn long(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| SHORT)
    }

    /// A string: its length, then its bytes (shared, not copied).
    pub fn text(&mut self) -> Result<Bytes, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| SHORT)?;
        if length > self.0.len() {
            return Err(SHORT);
        }
        Ok(self.0.split_to(length))
    }

    pub fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.0)
    }
}

const SHORT: Malformed = Malformed("a packet that ends early");

/// Cuts a stream of bytes into packets.
#[derive(Debug, Default)]
pub(super) struct Framer(BytesMut);

impl Framer {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole packet, without its length.
    pub fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        let Some(announced) = self.0.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*announced)).unwrap_or(usize::MAX);
        if length > LARGEST_PACKET {
            return Err(Malformed("a packet longer than 256 KiB"));
        }
        if length == 0 {
            return Err(Malformed("an empty packet"));
        }
        if self.0.len() - 4 < length {
            return Ok(None);
        }
        self.0.advance(4);
        Ok(Some(self.0.split_to(length).freeze()))
    }
}
