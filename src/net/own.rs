//! Which addresses are those of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses that no machine has (RFC 5737, RFC 3849).
const NOBODYS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// The address that packets to `to` leave this machine with, by its own routes. Nothing is sent: a datagram socket is only
/// given its peer. A connection could tell the same, but not one that was refused. A router may change it on the way.
pub(super) fn own_address(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|own| own.ip()).filter(|own| !own.is_unspecified())
}

/// Whether `address` is one of this machine's. Nothing is sent: a socket can be given such an address and no other.
pub(super) fn is_own(address: IpAddr) -> bool {
    let given = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    // Some systems are told to give out any address (net.ipv4.ip_nonlocal_bind). There the routes have to do, which know the
    // first address of each network alone.
    let tells = NOBODYS.into_iter().any(|nobodys| nobodys.is_ipv4() == address.is_ipv4() && !given(nobodys));
    if tells { given(address) } else { own_address((address, 9).into()) == Some(address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_reaches_itself_from_itself() {
        let own = own_address((Ipv4Addr::LOCALHOST, 9).into());
        assert_eq!(own, Some(Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn this_machine_knows_its_own_addresses_from_those_of_others() {
        assert!(is_own(Ipv4Addr::LOCALHOST.into()));
        for others in NOBODYS {
            assert!(!is_own(others), "{others}");
        }
    }
}
