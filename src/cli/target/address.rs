//! A target's address on the command line -> its protocol and settings.

use camino::Utf8PathBuf;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::cli::args::TargetAdd;
use crate::cli::exit::{self, Failure};
use crate::config::{Addressing, FolderTarget, HttpAuth, S3Target, SecretRef, SftpTarget, TargetKind, WebdavTarget};

/// Reads the address and the options that belong to its protocol.
pub fn kind(order: &TargetAdd) -> Result<TargetKind, Failure> {
    if let Some(path) = order.url.strip_prefix("folder:") {
        return Ok(TargetKind::Folder(FolderTarget { path: Utf8PathBuf::from(path.strip_prefix("//").unwrap_or(path)) }));
    }
    let url = Url::parse(&order.url).map_err(|error| unreadable(&error.to_string()))?;
    if url.password().is_some() {
        return Err(Failure::told(exit::USAGE, "the address holds a password; shells and process lists remember it")
            .hint("leave it out, and add --password env:NAME or --password file:PATH"));
    }
    match url.scheme() {
        "sftp" => sftp(order, &url),
        "webdav" | "webdavs" => webdav(order, &url),
        "s3+http" | "s3+https" => s3(order, &url),
        "http" | "https" => Err(unreadable("http and https do not say which protocol is meant")),
        other => Err(unreadable(&format!("{} is no scheme of a target", crate::base::sanitise(other)))),
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::told(exit::USAGE, format!("the address cannot be used: {why}"))
        .hint("sftp://user@host[:port]/path, webdavs://user@host/path, s3+https://host/bucket[/prefix] or folder:/path")
}

fn host(url: &Url) -> Result<String, Failure> {
    url.host_str().filter(|host| !host.is_empty()).map(ToOwned::to_owned).ok_or_else(|| unreadable("it has no host"))
}

fn decoded(text: &str) -> Result<String, Failure> {
    percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| unreadable("it is not UTF-8"))
}

fn sftp(order: &TargetAdd, url: &Url) -> Result<TargetKind, Failure> {
    if url.username().is_empty() {
        return Err(unreadable("it has no user name"));
    }
    // sftp://host/~/mirror is below the login folder, as in curl; everything else is absolute.
    let path = decoded(url.path())?;
    let path = path.strip_prefix("/~/").map_or(path.clone(), ToOwned::to_owned);
    Ok(TargetKind::Sftp(SftpTarget {
        host: host(url)?,
        port: url.port().unwrap_or(22),
        user: decoded(url.username())?,
        path,
        key: order.key.clone(),
        passphrase: None,
        password: reference(order.password.as_deref(), "--password")?,
        host_keys: Vec::new(),
        jump: Vec::new(),
    }))
}

fn webdav(order: &TargetAdd, url: &Url) -> Result<TargetKind, Failure> {
    let user = decoded(url.username())?;
    let scheme = if url.scheme() == "webdavs" { "https" } else { "http" };
    Ok(TargetKind::Webdav(WebdavTarget {
        url: with_scheme(url, scheme, url.path())?,
        user: (!user.is_empty()).then_some(user),
        password: reference(order.password.as_deref(), "--password")?,
        auth: HttpAuth::Auto,
    }))
}

fn s3(order: &TargetAdd, url: &Url) -> Result<TargetKind, Failure> {
    let path = decoded(url.path())?;
    let (bucket, prefix) = path.trim_matches('/').split_once('/').unwrap_or((path.trim_matches('/'), ""));
    if bucket.is_empty() {
        return Err(unreadable("it names no bucket"));
    }
    let needed = |given: &Option<String>, option: &str| {
        reference(given.as_deref(), option)?.ok_or_else(|| {
            Failure::told(exit::USAGE, format!("an S3 target needs {option} env:NAME or {option} file:PATH")).hint(format!(
                "spartacus target add {} {} --access-key env:NAME --secret-key file:PATH",
                crate::base::sanitise(&order.name),
                crate::base::sanitise(&order.url)
            ))
        })
    };
    Ok(TargetKind::S3(S3Target {
        endpoint: with_scheme(url, url.scheme().trim_start_matches("s3+"), "/")?,
        region: order.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        addressing: Addressing::Path,
        access_key: needed(&order.access_key, "--access-key")?,
        secret_key: needed(&order.secret_key, "--secret-key")?,
    }))
}

/// The same host and port under another scheme. (`Url::set_scheme` refuses to go from an unknown scheme to `https`.)
fn with_scheme(url: &Url, scheme: &str, path: &str) -> Result<Url, Failure> {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Url::parse(&format!("{scheme}://{}{port}{path}", host(url)?)).map_err(|error| unreadable(&error.to_string()))
}

fn reference(text: Option<&str>, option: &str) -> Result<Option<SecretRef>, Failure> {
    match text {
        None => Ok(None),
        Some(text) => match text.split_once(':') {
            Some(("env", name)) => Ok(Some(SecretRef::Env(name.to_owned()))),
            Some(("file", path)) => Ok(Some(SecretRef::File(Utf8PathBuf::from(path)))),
            // Who opens it is known where the file is read.
            Some(("sealed", path)) => Ok(Some(SecretRef::Sealed { file: path.into(), identity: Utf8PathBuf::new() })),
            // What was given may be the secret itself: it is not repeated.
            _ => Err(Failure::told(exit::USAGE, format!("{option} takes a reference, not the secret itself"))
                .hint(format!("{option} env:NAME, {option} file:PATH (mode 600), or {option} sealed:PATH (age)"))),
        },
    }
}
