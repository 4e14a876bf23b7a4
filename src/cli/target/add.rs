//! `spartacus target add`: one more target, after a look at who answers there.

use camino::Utf8Path;

use super::address;
use super::list::place;
use crate::base::{Hinted as _, Sha256, TargetName, Timeouts, sanitise};
use crate::cli::args::{Global, TargetAdd};
use crate::cli::ask;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{bundle_failure, file_failure, folder, hinted, project, read_at_most};
use crate::cli::surface::{Surface, answer};
use crate::config::{MAX_FILE, NewTarget, SftpTarget, TargetKind, add_target};
use crate::net::{Destinations, HttpPolicy, NetError, certificate};
use crate::store::sftp::{ScannedKey, scan_host_keys};

/// Shows who answers at the address, asks, and writes the entry without disturbing the rest of the file.
pub async fn add(surface: &Surface, global: &Global, order: &TargetAdd) -> Ended {
    let name = TargetName::new(&order.name).map_err(|error| {
        Failure::new(exit::USAGE, anyhow::Error::new(error).context(format!("{:?} is no target name", order.name)))
    })?;
    read(global)?;
    let mut kind = address::kind(order)?;
    let certificate = meet(surface, global, order, &name, &mut kind).await?;
    let mut new = NewTarget::new(name.clone(), kind);
    new.public_url.clone_from(&order.public_url);
    new.operator.clone_from(&order.operator);
    new.country.clone_from(&order.country);
    new.proxy.clone_from(&order.proxy);
    new.ca.clone_from(&order.ca);
    // Somebody else may have written the file while we asked: it is read again, and nobody writes it meanwhile.
    let _lock = project(global)?.lock().map_err(bundle_failure)?;
    let text = read(global)?;
    let edited = add_target(&text, &new).map_err(|error| hinted(exit::USAGE, error))?;
    check(&global.config, &edited)?;
    replace(global, &edited)?;
    let fields = serde_json::json!({
        "name": name,
        "protocol": new.kind.word(),
        "place": place(&new.kind),
        "config": global.config.as_str(),
        "host_keys": host_keys(&new.kind),
        "certificate": certificate,
    });
    let text = format!("{name} is in {}\nnext: spartacus target probe {name}", global.config);
    answer(surface, "spartacus.target/1", &fields, &text);
    Ok(exit::OK)
}

/// The text of the configuration.
pub fn read(global: &Global) -> Result<String, Failure> {
    let bytes = read_at_most(&global.config, MAX_FILE.0)
        .map_err(|failure| failure.hint("spartacus init --name NAME makes a project with a targets.yaml"))?;
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(exit::USAGE, error).hint(format!("{} must be UTF-8 text", global.config)))
}

fn host_keys(kind: &TargetKind) -> &[String] {
    match kind {
        TargetKind::Sftp(settings) => &settings.host_keys,
        _ => &[],
    }
}

/// Whoever answers is shown and has to be accepted: its host key is pinned from now on. Gives the digest of the
/// certificate that was shown, if one was.
async fn meet(
    surface: &Surface,
    global: &Global,
    order: &TargetAdd,
    name: &TargetName,
    kind: &mut TargetKind,
) -> Result<Option<Sha256>, Failure> {
    match kind {
        TargetKind::Sftp(settings) => {
            if let Some(key) = &settings.key {
                let path = folder(global).join(key);
                std::fs::File::open(&path).map_err(|error| {
                    file_failure("read the key", &path, error)
                        .hint(format!("`spartacus init` makes {}", folder(global).join("keys/deploy_ed25519")))
                })?;
            }
            let (timeouts, destinations) = (Timeouts::default(), Destinations::anywhere());
            let proxy = order.proxy.as_ref();
            let keys = scan_host_keys(name, &settings.host, settings.port, proxy, &timeouts, &destinations).await;
            let keys = keys.map_err(|error| {
                let mut failure = hinted(exit::USAGE, error);
                // There is no target of that name yet, so none can be probed.
                failure.hints.retain(|hint| !hint.contains("target probe"));
                failure
                    .hint("is the server up, and are host and port right?")
                    .hint("if it is behind a jump host: write the entry into targets.yaml by hand (see targets.example.yaml)")
            })?;
            settings.host_keys = vec![accepted(surface, order, settings, &keys)?];
        }
        TargetKind::Webdav(settings) => return greet(surface, global, order, &settings.url).await,
        TargetKind::S3(settings) => return greet(surface, global, order, &settings.endpoint).await,
        TargetKind::Folder(settings) => {
            // As the file will be read: relative paths count from its folder.
            if !folder(global).join(&settings.path).is_dir() {
                return Err(Failure::told(exit::USAGE, format!("the folder {} does not exist", settings.path))
                    .hint(format!("mkdir -p {}", folder(global).join(&settings.path))));
            }
        }
    }
    Ok(None)
}

/// The line to pin: of the key that `--host-key` names, or else of the first, and then the question is about that one.
///
/// Each kind of key comes over a connection of its own. Whoever stands in between can pass on all but one of them, so a
/// key counts as compared only when its own fingerprint was.
fn accepted(surface: &Surface, order: &TargetAdd, settings: &SftpTarget, keys: &[ScannedKey]) -> Result<String, Failure> {
    let place = format!("{}:{}", settings.host, settings.port);
    let shown = |key: &ScannedKey| sanitise(&format!("{} {}", key.algorithm, key.fingerprint));
    if let Some(wanted) = &order.host_key {
        if let Some(key) = keys.iter().find(|key| key.fingerprint == *wanted) {
            return Ok(key.line.clone());
        }
        let mut failure = Failure::told(exit::FORGED, format!("{place} does not show the host key {}", sanitise(wanted)))
            .hint("somebody may be in between: ask the operator, over another channel, for the fingerprint");
        failure.details = keys.iter().map(|key| format!("it shows {}", shown(key))).collect();
        return Err(failure);
    }
    let Some((key, others)) = keys.split_first() else {
        return Err(Failure::told(exit::USAGE, format!("{place} shows no host key")));
    };
    for other in others {
        surface.remark(&format!("{place} also shows {}, which is not pinned unless --host-key names it", shown(other)));
    }
    if order.yes {
        surface.remark(&format!("{place} shows the host key {}, pinned because of --yes", shown(key)));
    } else {
        let question = format!("{place} shows the host key {}: did its operator give you exactly this fingerprint?", shown(key));
        ask::confirm(surface, &question, "--host-key SHA256:... (or --yes)")?;
    }
    Ok(key.line.clone())
}

async fn greet(surface: &Surface, global: &Global, order: &TargetAdd, url: &url::Url) -> Result<Option<Sha256>, Failure> {
    let host = url.host_str().unwrap_or_default().to_owned();
    // As the file will be read: relative paths count from its folder.
    let ca = order.ca.as_ref().map(|path| folder(global).join(path));
    let policy = HttpPolicy { proxy: order.proxy.clone(), ca, ..HttpPolicy::new(&Timeouts::default()) };
    let shown = certificate(url, &policy).await.map_err(|error| {
        let strange = matches!(error, NetError::Certificate { .. });
        let failure = hinted(exit::USAGE, error);
        match (&order.ca, strange) {
            (None, true) => failure.hint(format!("if {host} has an authority of its own: add --ca FILE, its certificate as PEM")),
            _ => failure,
        }
    })?;
    match shown {
        Some(digest) => surface.remark(&format!("{host} shows a certificate that is valid for it; sha256 {digest}")),
        None => surface.remark(&format!("{host} is spoken to without TLS")),
    }
    if !order.yes {
        ask::confirm(surface, "add it?", "--yes")?;
    }
    Ok(shown)
}

/// The configuration that a text is.
pub fn parse(global: &Global, text: &str) -> Result<crate::config::Config, Failure> {
    match crate::config::Config::from_text(&global.config, text) {
        Ok(loaded) => Ok(loaded.config),
        Err(error) => Err(Failure::told(exit::USAGE, format!("{} cannot be used as it is: {error}", global.config))),
    }
}

/// Nothing is written that the next command would refuse.
pub fn check(config: &Utf8Path, edited: &str) -> Result<(), Failure> {
    crate::config::Config::from_text(config, edited).map(|_| ()).map_err(|error| {
        let hint = error.hint();
        let mut failure = Failure::told(exit::USAGE, "with this entry the file would be wrong; it was left as it is");
        failure.details = error.render(false).lines().map(ToOwned::to_owned).collect();
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Writes beside the file and renames, so that a crash leaves the old file or the new one. A link stays a link: what it
/// leads to is replaced.
pub fn replace(global: &Global, text: &str) -> Result<(), Failure> {
    let fail = |error| file_failure("write", &global.config, error);
    let file = global.config.canonicalize_utf8().map_err(fail)?;
    let temporary = file.with_extension("yaml.part");
    let permissions = std::fs::metadata(&file).map_err(fail)?.permissions();
    std::fs::write(&temporary, text).map_err(fail)?;
    std::fs::set_permissions(&temporary, permissions).map_err(fail)?;
    std::fs::File::open(&temporary).and_then(|written| written.sync_all()).map_err(fail)?;
    std::fs::rename(&temporary, &file).map_err(fail)
}
