//! Destinations as a part of an HTTP client, so that whoever has the client cannot go around them.
//!
//! The client asks a resolver for the addresses of names and connects to what that answers: one look-up, one answer. It asks
//! nobody where the host is an address already, and tells the resolver no port. What decides which proxy a connection takes,
//! however, is told every address and port, each time that one is made. So a place that is refused gets a proxy that does not
//! exist, by a name in which the place is written, and the resolver, asked for that name, answers why it was refused.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::{Destinations, RefusedDestination, ResolveError};

/// Below this name nothing exists (RFC 6761, section 6.4).
const NOWHERE: &str = ".refused.invalid";

/// `builder` with a gate before every connection of its client.
pub(in crate::net) fn gated(builder: reqwest::ClientBuilder, destinations: &Destinations) -> reqwest::ClientBuilder {
    if destinations.is_anywhere() {
        return builder;
    }
    let gate = destinations.clone();
    builder
        .dns_resolver(Gate(destinations.clone()))
        .proxy(reqwest::Proxy::custom(move |url| gate.admit(&host(url), port(url)).is_err().then(|| nowhere(url))))
}

/// With its brackets, an IPv6 address stays one word.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// The proxy for a place that is refused.
fn nowhere(url: &Url) -> Url {
    let place = hex::encode(format!("{} {}", port(url), host(url)));
    Url::parse(&format!("http://{place}{NOWHERE}")).expect("hexadecimal digits are a good name")
}

/// The place that such a proxy stands for.
fn refused_place(name: &str) -> Option<(String, u16)> {
    let place = String::from_utf8(hex::decode(name.strip_suffix(NOWHERE)?).ok()?).ok()?;
    let (port, host) = place.split_once(' ')?;
    Some((host.to_owned(), port.parse().ok()?))
}

struct Gate(Destinations);

impl Gate {
    async fn addresses(&self, name: &str) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let found = match refused_place(name) {
            Some((host, port)) => match self.0.admit(&host, port) {
                Err(refused) => Err(refused.into()),
                // An address that was ours a moment ago may be so no more. The connection is refused all the same.
                Ok(()) => Err(ResolveError::NoAddress),
            },
            None => self.0.addresses(name).await,
        };
        match found {
            Ok(found) => Ok(Box::new(found.into_iter().map(unported))),
            // Not wrapped: whoever looks for the refusal among the causes finds it by its type.
            Err(ResolveError::Refused(refused)) => Err(refused.into()),
            Err(other) => Err(other.into()),
        }
    }
}

/// Without a port the client takes that of the URL.
fn unported(mut address: SocketAddr) -> SocketAddr {
    address.set_port(0);
    address
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = Self(self.0.clone());
        Box::pin(async move { gate.addresses(name.as_str()).await })
    }
}

/// Why the gate refused, if it was the gate that failed an exchange.
#[must_use]
pub fn refused_destination(error: &reqwest::Error) -> Option<&RefusedDestination> {
    let mut next = std::error::Error::source(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_place_is_written_into_a_name_and_read_again() {
        let longest = format!("https://{}example.org/", "a-label-of-sixty-three-characters-or-nearly-so-to-be-honest.".repeat(4));
        for text in ["http://10.0.0.7/", "http://[::1]:25/x", "https://mirror.example:9/", &longest] {
            let url = Url::parse(text).expect("a URL");
            let name = nowhere(&url);
            assert_eq!(refused_place(&host(&name)), Some((host(&url), port(&url))), "{name}");
        }
        for name in ["refused.invalid", "x.refused.invalid", "31.refused.invalid", "mirror.example", ".refused.invalid"] {
            assert_eq!(refused_place(name), None, "{name}");
        }
    }
}
