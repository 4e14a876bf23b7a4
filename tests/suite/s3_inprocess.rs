//! The S3 store against s3s-fs in this process.

use std::net::SocketAddr;

use bytes::Bytes;
use spartacus::base::{ObjectPath, Secret, Timeouts};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::store::contract::{self, noise, path};
use spartacus::store::s3::{Addressing, S3Settings, S3Store};
use spartacus::store::{Body, ErrorKind, FaultPlan, Faulty, Limited, Retrying, Store, StoreExt as _, Write};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::support::{ACCESS_KEY as ACCESS, SECRET_KEY as SECRET};

/// Settings for a server on this machine.
pub fn settings(address: SocketAddr, secret: &str) -> S3Settings {
    let timeouts = Timeouts::default();
    S3Settings {
        endpoint: format!("http://{address}").parse().expect("a URL"),
        region: "us-east-1".to_owned(),
        bucket: "mirror".to_owned(),
        prefix: "some/where".to_owned(),
        addressing: Addressing::Path,
        access_key: ACCESS.to_owned(),
        secret_key: Secret::new(secret.to_owned()),
        http: Clients::default().get(&HttpPolicy::new(&timeouts).for_uploads()).expect("a client"),
        timeouts,
        connections: 8,
    }
}

/// Refuses these operations, and whoever does not sign.
struct Refusing(fn(&str) -> bool);

#[async_trait::async_trait]
impl s3s::access::S3Access for Refusing {
    async fn check(&self, context: &mut s3s::access::S3AccessContext<'_>) -> s3s::S3Result<()> {
        if context.credentials().is_none() || (self.0)(context.s3_op().name()) {
            return Err(s3s::s3_error!(AccessDenied, "not for this account"));
        }
        Ok(())
    }
}

/// A server that ends with the value.
pub struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_refusing(|_| false).await
    }

    /// One whose account may not do what the function names, by the protocol's names of operations.
    pub async fn start_refusing(operation: fn(&str) -> bool) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join("mirror")).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a file system");
        let mut builder = s3s::service::S3ServiceBuilder::new(files);
        builder.set_auth(s3s::auth::SimpleAuth::from_single(ACCESS, SECRET));
        builder.set_access(Refusing(operation));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let executor = hyper_util::rt::TokioExecutor::new();
                    let io = hyper_util::rt::TokioIo::new(connection);
                    // A client that hangs up is part of several tests.
                    let _ = hyper_util::server::conn::auto::Builder::new(executor).serve_connection(io, service).await;
                });
            }
        });
        Self { address, task, folder }
    }

    pub fn store(&self) -> S3Store {
        S3Store::new("inprocess".parse().expect("a name"), settings(self.address, SECRET))
    }

    /// Where an object's bytes lie.
    pub fn file(&self, path: &ObjectPath) -> std::path::PathBuf {
        self.folder.path().join("mirror/some/where").join(path.as_str())
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    let server = Server::start().await;
    contract::run_all(&server.store()).await;
}

#[tokio::test]
async fn keeps_the_contract_under_every_wrapper() {
    let server = Server::start().await;
    let store = Retrying::new(
        Limited::new(Faulty::new(server.store(), FaultPlan::none()), 8),
        spartacus::base::RetryPolicy::default(),
        1,
    );
    contract::run_all(&store).await;
}

#[tokio::test]
async fn objects_lie_below_the_prefix() {
    let server = Server::start().await;
    server.store().put(&path("a/b.txt"), &Body::bytes("x"), Write::New).await.expect("a put succeeds");
    let file = server.folder.path().join("mirror/some/where/a/b.txt");
    assert_eq!(std::fs::read(file).expect("the object's file"), b"x");
}

#[tokio::test]
async fn a_wrong_secret_is_told_once() {
    let server = Server::start().await;
    let store = S3Store::new("inprocess".parse().expect("a name"), settings(server.address, "wrong-canary-secret"));
    let error = store.put(&path("a"), &Body::bytes("x"), Write::New).await.expect_err("the secret is wrong");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, spartacus::store::Retry::Never), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

/// Writes, reads and removes what a push does; used for real servers too.
pub async fn ordinary_traffic(store: &dyn Store) {
    five_hundred_small_files(store).await;
    a_file_in_parts(store).await;
}

async fn five_hundred_small_files(store: &dyn Store) {
    let paths: Vec<ObjectPath> = (0..500).map(|number| path(&format!("small/{}/{number}", number % 7))).collect();
    let bodies: Vec<Body> = (0..500).map(|number| Body::bytes(noise(200 + number, number as u64))).collect();
    let puts = futures_util::stream::iter(paths.iter().zip(&bodies).map(|(at, body)| store.put(at, body, Write::New)));
    let results: Vec<_> = futures_util::StreamExt::collect(futures_util::StreamExt::buffer_unordered(puts, 16)).await;
    for result in results {
        result.expect("a put succeeds");
    }
    for (at, body) in paths.iter().zip(&bodies).step_by(23) {
        assert_eq!(store.digest(at, 1 << 20).await.expect("a get succeeds"), (body.length(), body.sha256()), "{at}");
    }
    let listed = store.list(Some(&path("small/0"))).await.expect("a list succeeds");
    assert_eq!(listed.len(), 500_usize.div_ceil(7));
}

async fn a_file_in_parts(store: &dyn Store) {
    let bytes: Bytes = noise(64 << 20, 5);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("object");
    std::fs::write(&file, &bytes).expect("a file");
    let file = camino::Utf8PathBuf::try_from(file).expect("a UTF-8 path");
    let body = Body::file(file, bytes.len() as u64, Body::bytes(bytes).sha256());
    store.put(&path("large/object.bin"), &body, Write::New).await.expect("a put in parts succeeds");
    assert_eq!(store.stat(&path("large/object.bin")).await.expect("a stat succeeds").map(|stat| stat.size), Some(64 << 20));
    let found = store.digest(&path("large/object.bin"), 1 << 30).await.expect("a get succeeds");
    assert_eq!(found, (body.length(), body.sha256()));
    store.delete(&path("large/object.bin")).await.expect("a delete succeeds");
}

#[tokio::test]
async fn carries_ordinary_traffic() {
    let server = Server::start().await;
    ordinary_traffic(&server.store()).await;
}
