//! Three mirrors inside this process: real protocols on free loopback ports over folders of their own.
//!
//! Purpose: something to push to without installing anything: S3 (s3s-fs), SFTP (russh), WebDAV (dav-server), each with
//! a public face over HTTP, as a volunteer's web server would give it. They stop with the runtime that started them.
//! Nothing here stands in for a real server where compatibility is to be proved.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::net::TcpListener;

pub mod face;
mod s3;
mod sftp;
mod webdav;

/// Login name for SFTP and WebDAV.
pub const USER: &str = "deploy";
/// The environment variable that `targets.yaml` names for [`PASSWORD`].
pub const PASSWORD_VARIABLE: &str = "DEMO_PASSWORD";
/// Password for SFTP and WebDAV.
pub const PASSWORD: &str = "only-for-the-demo";
/// The environment variable that `targets.yaml` names for [`SECRET_KEY`].
pub const SECRET_KEY_VARIABLE: &str = "DEMO_S3_SECRET";
/// The environment variable that `targets.yaml` names for [`ACCESS_KEY`].
pub const ACCESS_KEY_VARIABLE: &str = "DEMO_S3_ACCESS";
/// S3 access key id.
pub const ACCESS_KEY: &str = "AKIADEMO";
/// S3 secret access key.
pub const SECRET_KEY: &str = "only-for-the-demo-too";

/// One running mirror.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Its name in `targets.yaml`.
    pub name: &'static str,
    /// The folder on this machine that readers see.
    pub folder: PathBuf,
    /// Where readers see it, with a slash at the end.
    pub public_url: String,
    /// Its entry of the list `targets:`, indented by two.
    pub entry: String,
    /// Where its protocol listens.
    pub address: SocketAddr,
}

/// Starts one mirror of each protocol, each over a new folder below `parent`. For `key` see [`start_sftp`].
pub async fn start(parent: &Path, key: Option<&Path>) -> anyhow::Result<Vec<Mirror>> {
    Ok(vec![start_s3(parent).await?, start_sftp(parent, key).await?, start_webdav(parent).await?])
}

/// An S3 store; readers see its one bucket.
pub async fn start_s3(parent: &Path) -> anyhow::Result<Mirror> {
    let bucket = "mirror";
    let store = parent.join("s3");
    let folder = new_folder(&store, bucket)?;
    let address = s3::start(&store).await?;
    let settings = format!(
        "    s3:\n      endpoint: http://{address}\n      bucket: {bucket}\n      access_key: env:{ACCESS_KEY_VARIABLE}\n      \
         secret_key: env:{SECRET_KEY_VARIABLE}\n"
    );
    mirror("demo-s3", folder, address, &settings).await
}

/// An SFTP server; the login folder is the mirror. With the path of a private key, `targets.yaml` names that key, and its
/// neighbour `<key>.pub` is read at each login; without, it names a password. The server takes either.
pub async fn start_sftp(parent: &Path, key: Option<&Path>) -> anyhow::Result<Mirror> {
    let folder = new_folder(parent, "sftp")?;
    let authorized = key.map(|key| key.with_extension("pub"));
    let (address, fingerprint) = sftp::start(&folder, authorized).await?;
    let login = match key {
        Some(key) => format!("key: {}", key.display()),
        None => format!("password: env:{PASSWORD_VARIABLE}"),
    };
    let settings = format!(
        "    sftp:\n      host: 127.0.0.1\n      port: {}\n      user: {USER}\n      path: /\n      {login}\n      \
         host_keys:\n        - {fingerprint}\n",
        address.port()
    );
    mirror("demo-sftp", folder, address, &settings).await
}

/// A WebDAV server; the collection `/dav/` is the mirror.
pub async fn start_webdav(parent: &Path) -> anyhow::Result<Mirror> {
    let folder = new_folder(parent, "webdav")?;
    let address = webdav::start(&folder).await?;
    let settings =
        format!("    webdav:\n      url: http://{address}/dav/\n      user: {USER}\n      password: env:{PASSWORD_VARIABLE}\n");
    mirror("demo-webdav", folder, address, &settings).await
}

async fn mirror(name: &'static str, folder: PathBuf, address: SocketAddr, settings: &str) -> anyhow::Result<Mirror> {
    let public_url = format!("http://{}/", face::start(&folder).await?);
    let entry = format!("  - name: {name}\n    public_url: {public_url}\n{settings}");
    Ok(Mirror { name, folder, public_url, entry, address })
}

fn new_folder(parent: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = parent.join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// A listener on a free loopback port, and where it is.
async fn listen() -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
    let address = listener.local_addr().context("cannot read the listener's address")?;
    Ok((listener, address))
}
