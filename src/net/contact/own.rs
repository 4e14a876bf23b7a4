//! Which of our own addresses the other side has before it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address that packets to `to` leave this machine with, by its own routes. Nothing is sent: a datagram socket is only
/// given its peer. A connection could tell the same, but not one that was refused. A router may change it on the way.
pub(super) fn own_address(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|own| own.ip()).filter(|own| !own.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_reaches_itself_from_itself() {
        let own = own_address((Ipv4Addr::LOCALHOST, 9).into());
        assert_eq!(own, Some(Ipv4Addr::LOCALHOST.into()));
    }
}
