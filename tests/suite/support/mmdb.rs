//! A database of networks in MaxMind's format (its specification 2.0), made for a test.

use std::net::{IpAddr, Ipv6Addr};

/// Bytes between the tree and the data.
const SEPARATOR: usize = 16;
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Where a branch of the tree leads.
#[derive(Debug, Clone, Copy)]
enum Branch {
    Nowhere,
    Node(usize),
    /// An offset in the data.
    Data(usize),
}

/// A database in the making.
#[derive(Debug)]
pub struct Mmdb {
    kind: String,
    nodes: Vec<[Branch; 2]>,
    data: Vec<u8>,
}

impl Mmdb {
    /// An empty one that says it is of this type.
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), nodes: vec![[Branch::Nowhere; 2]], data: Vec::new() }
    }

    /// A GeoLite2 ASN database with these networks: an address, bits of it that count, number and name.
    pub fn of_networks(networks: &[(&str, u8, u32, &str)]) -> Self {
        networks.iter().fold(Self::of("GeoLite2-ASN"), |database, (address, bits, number, name)| {
            let number = uint(6, u64::from(*number));
            let record = map(&[("autonomous_system_number", number), ("autonomous_system_organization", string(name))]);
            database.with(address.parse().expect("an address"), *bits, &record)
        })
    }

    /// Adds a record, encoded, for a network.
    pub fn with(mut self, address: IpAddr, bits: u8, record: &[u8]) -> Self {
        // IPv4 lies below ::/96.
        let (address, bits) = match address {
            IpAddr::V4(address) => (Ipv6Addr::from(u128::from(u32::from(address))), bits + 96),
            IpAddr::V6(address) => (address, bits),
        };
        let offset = self.data.len();
        self.data.extend(record);
        let bit = |place: u8| usize::from(u128::from(address) >> (127 - place) & 1 == 1);
        let mut node = 0;
        for place in 0..bits - 1 {
            if !matches!(self.nodes[node][bit(place)], Branch::Node(_)) {
                self.nodes[node][bit(place)] = Branch::Node(self.nodes.len());
                self.nodes.push([Branch::Nowhere; 2]);
            }
            let Branch::Node(next) = self.nodes[node][bit(place)] else { unreachable!("it was just made one") };
            node = next;
        }
        self.nodes[node][bit(bits - 1)] = Branch::Data(offset);
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let value = |branch: &Branch| match branch {
            Branch::Nowhere => count,
            Branch::Node(node) => *node,
            Branch::Data(offset) => count + SEPARATOR + offset,
        };
        let tree =
            self.nodes.iter().flatten().flat_map(|branch| u32::try_from(value(branch)).expect("a small one").to_be_bytes());
        let mut bytes: Vec<u8> = tree.collect();
        bytes.extend([0; SEPARATOR]);
        bytes.extend(&self.data);
        bytes.extend(MARKER);
        bytes.extend(map(&[
            ("node_count", uint(6, count as u64)),
            ("record_size", uint(5, 32)),
            ("ip_version", uint(5, 6)),
            ("database_type", string(&self.kind)),
            ("languages", vec![0, 4]),
            ("binary_format_major_version", uint(5, 2)),
            ("binary_format_minor_version", uint(5, 0)),
            ("build_epoch", uint(9, 1_772_323_200)),
            ("description", map(&[("en", string("made by a test"))])),
        ]));
        bytes
    }
}

/// A text.
pub fn string(text: &str) -> Vec<u8> {
    let mut bytes = control(2, text.len());
    bytes.extend(text.as_bytes());
    bytes
}

/// A mapping of texts to encoded values.
pub fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = control(7, entries.len());
    for (key, value) in entries {
        bytes.extend(string(key));
        bytes.extend(value);
    }
    bytes
}

/// A number of this type, without the zeros at its beginning.
pub fn uint(kind: u8, number: u64) -> Vec<u8> {
    let digits: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let mut bytes = control(kind, digits.len());
    bytes.extend(digits);
    bytes
}

fn control(kind: u8, size: usize) -> Vec<u8> {
    let (short, long) = if size < 29 { (size, None) } else { (29, Some(size - 29)) };
    let first = u8::try_from(short).expect("less than 30");
    let mut bytes = if kind < 8 { vec![kind << 5 | first] } else { vec![first, kind - 7] };
    bytes.extend(long.map(|more| u8::try_from(more).expect("no text here is longer than 284 bytes")));
    bytes
}
