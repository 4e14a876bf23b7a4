//! An S3 store over a folder: s3s speaks the protocol, s3s-fs keeps buckets as sub-folders.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::anyhow;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

/// Serves the buckets below `store` on a free loopback port until the runtime ends.
pub async fn start(store: &Path) -> anyhow::Result<SocketAddr> {
    let backend = s3s_fs::FileSystem::new(store).map_err(|error| anyhow!("cannot open the S3 folder: {error:?}"))?;
    let mut builder = S3ServiceBuilder::new(backend);
    builder.set_auth(SimpleAuth::from_single(super::ACCESS_KEY, super::SECRET_KEY));
    let service = builder.build();

    let (listener, address) = super::listen().await?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // A client that hangs up ends its own connection only.
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), service).await;
            });
        }
    });
    Ok(address)
}
