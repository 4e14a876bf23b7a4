//! The WebDAV store against a server that writes uploads in place: what the probe is for.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use dav_server::{DavHandler, localfs::LocalFs};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use spartacus::store::webdav::{WebdavSettings, WebdavStore};
use spartacus::store::{Body, Store as _, StoreExt as _, SwapClass, Write, contract};
use tokio::net::TcpListener;
use url::Url;

use super::webdav_servers::{settings, target};

/// The crate dav-server over a temporary folder, without a login, until the runtime ends.
pub async fn serve() -> (tempfile::TempDir, Url) {
    let folder = tempfile::tempdir().expect("a folder");
    let handler = DavHandler::builder().filesystem(LocalFs::new(folder.path(), false, false, false)).build_handler();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = handler.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let handler = handler.clone();
                    async move { Ok::<_, Infallible>(handler.handle(request).await) }
                });
                // A connection that breaks is what some tests are about.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (folder, Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL"))
}

async fn in_place() -> (tempfile::TempDir, WebdavStore) {
    let (folder, base) = serve().await;
    (folder, WebdavStore::new(target(), WebdavSettings { user: None, ..settings(base) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_writes_in_place_keeps_the_rest_of_the_contract() {
    let (_folder, store) = in_place().await;
    assert_eq!(store.capabilities().swap, SwapClass::Torn, "nothing else is promised before a probe");
    contract::run_all(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_upload_shows_that_a_server_tears() {
    let (_folder, store) = in_place().await;
    let at = contract::path("scratch");
    store.put(&at, &Body::bytes(Bytes::from_static(b"old")), Write::New).await.expect("a put succeeds");
    store.abort_half_put(&at, &Body::bytes(contract::noise(100_000, 1))).await.expect("it breaks off");
    let left = store.get_small(&at, 1 << 20).await.expect("it can be read").expect("it is there");
    assert!(left != b"old"[..], "the old bytes are gone");
    assert_eq!(left, contract::noise(100_000, 1).slice(..left.len()), "and a piece of the new ones lies there");
}
