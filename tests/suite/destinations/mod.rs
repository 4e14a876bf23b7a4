//! Where connections may lead: every spelling of every address that is not of the public Internet, over every protocol.

mod end_to_end;
mod names;
mod random;
mod spellings;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use spartacus::base::{Secret, TargetName, Timeouts};
use spartacus::net::{Clients, Destinations, HttpPolicy, Lookup};
use spartacus::store::sftp::{HostKeyPin, SftpAuth, SftpSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The public Internet and these networks.
fn public_and(networks: &[&str]) -> Destinations {
    let allowed: Vec<_> = networks.iter().map(|text| text.parse().expect("a block")).collect();
    Destinations::public(&allowed, &[])
}

fn public() -> Destinations {
    public_and(&[])
}

fn client(destinations: &Destinations) -> reqwest::Client {
    let policy = HttpPolicy { pool: 0, destinations: destinations.clone(), ..HttpPolicy::new(&Timeouts::default()) };
    Clients::default().get(&policy).expect("a client")
}

fn target() -> TargetName {
    "offered".parse().expect("a name")
}

/// An SFTP target that nobody lets us into: connecting is all that is tried.
fn sftp(host: &str, port: u16, destinations: &Destinations) -> SftpSettings {
    let pin: HostKeyPin = format!("SHA256:{}", "A".repeat(43)).parse().expect("a pin");
    let mut settings = SftpSettings::new(host, "nobody", SftpAuth::Password(Secret::new("canary-5e2d".to_owned())), vec![pin]);
    (settings.port, settings.destinations) = (port, destinations.clone());
    settings
}

/// A port of addresses of this machine that counts who comes, and answers every request with the same.
struct Doorbell {
    port: u16,
    rung: Arc<AtomicUsize>,
    _listening: AbortOnDropHandle<()>,
}

impl Doorbell {
    async fn at(address: IpAddr, port: u16, answer: String) -> io::Result<Self> {
        let listener = TcpListener::bind((address, port)).await?;
        let port = listener.local_addr()?.port();
        let rung = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&rung);
        let listening = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    // Whoever came may speak another protocol, or go at once.
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Ok(Self { port, rung, _listening: AbortOnDropHandle::new(listening) })
    }

    /// Behind every address of this machine, of both families.
    async fn everywhere() -> Self {
        Self::at(address("::"), 0, "no\r\n".to_owned()).await.expect("a port of both families")
    }

    /// One port of two addresses of this machine: what a name may lead to here, and what it may not.
    async fn two(allowed: Ipv4Addr, answer: impl Fn(u16) -> String) -> (Self, Self) {
        for _ in 0..100 {
            let refused = Self::at(Ipv4Addr::LOCALHOST.into(), 0, "no\r\n".to_owned()).await.expect("a free port");
            if let Ok(allowed) = Self::at(allowed.into(), refused.port, answer(refused.port)).await {
                return (allowed, refused);
            }
        }
        panic!("no port is free on two addresses of this machine");
    }

    fn rung(&self) -> usize {
        self.rung.load(Ordering::SeqCst)
    }
}

type Answers = dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync;

/// A name server that answers as it is told, and counts the questions.
struct Names {
    answers: Box<Answers>,
    asked: AtomicUsize,
}

impl Names {
    /// The answer depends on the name and on how often was asked before.
    fn new(answers: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Names").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Lookup for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let found = (self.answers)(name, self.asked.fetch_add(1, Ordering::SeqCst));
        if found.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(found.into_iter().map(|address| (address, 0).into()).collect())
    }
}
