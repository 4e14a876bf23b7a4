//! What the person who runs a mirror should do about each thing that speaks against it.

use super::fleet::FleetMirror;
use crate::health::ReasonCode;

/// What to do about a mirror: as [`advice`] says, but where it was our own rule that kept us from it.
#[must_use]
pub fn advice_about(mirror: &FleetMirror, code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::NoAnswer | ReasonCode::CannotWrite | ReasonCode::NotShown if mirror.is_refused_by_us() => {
            "It was not asked: `addresses: public` does not let us go where it lies. Allow that network in `policy: private_networks`, or \
             write `addresses: anywhere` for it, if you know that it may lie there."
        }
        code => advice(code),
    }
}

/// What to do, in words for a volunteer.
#[must_use]
pub fn advice(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::Altered => {
            "Something changes files on the way to readers. Look for a disk that fails, a proxy or CDN that rewrites or \
             compresses, or a stranger with access. The maintainer brings the files again with `spartacus repair`."
        }
        ReasonCode::Mixed => {
            "The copy is a mixture of two publishes: a cache keeps old files, or two servers behind one name differ. Purge \
             the cache of metadata/ and see that all servers share one folder."
        }
        ReasonCode::RolledBack => {
            "It served a newer state before. A backup was restored, or a cache or a second server serves old files. \
             The maintainer brings the newest state again with `spartacus repair`."
        }
        ReasonCode::NoAnswer => "See that the web server runs, that its name resolves, and that no firewall keeps us out.",
        ReasonCode::Missing => {
            "Files are gone or short. See that nothing cleans the folder up; the maintainer fills it again with `spartacus repair`."
        }
        ReasonCode::Behind => "Pushes do not arrive there. See that the account still works and that the folder can be written.",
        ReasonCode::Expired => "Nobody has renewed the signed pointer. This is the maintainer's to do, not the mirror's.",
        ReasonCode::NoSpace => "Make room, or tell the maintainer how much may be used (`limits.max_bytes`).",
        ReasonCode::CannotWrite => {
            "See that the account still works, that the folder may be written, and that the disk is not full or read-only. \
             The maintainer tries again with `spartacus check --write`."
        }
        ReasonCode::NotShown => {
            "Let the public address show the very folder that we write to, names that begin with a dot among them \
             (.spartacus-probe-...), and without a cache that keeps answers of 404."
        }
        ReasonCode::Reverifying => "Nothing: the next full verification (`spartacus check --full`) decides.",
        ReasonCode::CertificateEnds => {
            "Renew the certificate and see that the web server loads the new one. If something renews it by itself, look at \
             its log: it should have done so by now."
        }
        ReasonCode::HalfReached => {
            "Readers with one kind of address get nothing. See that the web server listens on both, that the firewall lets \
             both in, and that the A and AAAA records of the name are right; else remove the record that leads nowhere."
        }
        ReasonCode::Slow => {
            "Readers wait. See whether disk, memory or line of the server are at their limit; a mirror that is far away is \
             no trouble for readers near it."
        }
        ReasonCode::Regional => {
            "Some readers reach it and others do not, or get something older. See whether a firewall, a block of addresses or \
             countries, a CDN or a route treats the places named above differently."
        }
        ReasonCode::Unconfirmed => {
            "Somebody elsewhere got bytes that were not signed, and we do not get them. See whether a CDN, a cache or one of \
             several servers behind the name serves that place; the maintainer looks at every byte with `spartacus check --full`."
        }
        ReasonCode::Flapping => "It comes and goes. Look at the server's log at the moments listed below.",
    }
}
