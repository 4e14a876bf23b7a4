//! `spartacus key`: maintainers' keys and the online key.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::args::{Global, Key};
use super::ask;
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{bundle_failure, file_failure, hinted, key_failure, project};
use super::surface::{Surface, answer};
use crate::base::{Secret, VantageName, sanitise};
use crate::bundle::{KeyName, Keyring, Project};
use crate::trust::{PublicKey, RoleKeys, SigningKey, TrustError};

/// Where the key of a vantage lies unless `--out` or `--key` says otherwise.
const VANTAGE_KEY: &str = "vantage.key";

/// Makes, lists or shows keys.
pub fn key(surface: &Surface, global: &Global, order: &Key) -> Ended {
    match order {
        Key::New { name, out, vantage: true } => new_vantage(surface, name, out.as_ref()),
        Key::New { name, out, vantage: false } => new(surface, global, name, out.as_ref()),
        Key::List => list(surface, &project(global)?),
        Key::Show { name } => show(surface, &project(global)?, name),
    }
}

/// The key of a vantage is unlocked, as the online key is: it signs at any hour.
fn new_vantage(surface: &Surface, name: &str, out: Option<&Utf8PathBuf>) -> Ended {
    let who: VantageName = name.parse().map_err(|error| Failure::new(exit::USAGE, error))?;
    let secret = out.cloned().unwrap_or_else(|| Utf8PathBuf::from(VANTAGE_KEY));
    let public = secret.with_extension("pub");
    if secret.exists() {
        return Err(key_failure(TrustError::KeyExists { path: secret }));
    }
    let key = SigningKey::generate(who.as_str()).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    save_pair(&key, who.as_str(), &secret, &public, None)?;
    let line = key.public().to_minisign();
    let shown = format!(
        "secret   {secret}\npublic   {public}\n\ngive this to the maintainer, for targets.yaml:\n  \
         health: {{vantages: [{{name: {who}, key: {line}}}]}}"
    );
    answer(surface, "spartacus.key/1", &fields(who.as_str(), key.public(), Some(&secret), Some(&public)), &shown);
    Ok(exit::OK)
}

/// Both halves of a new key, or none.
pub fn save_pair(
    key: &SigningKey,
    who: &str,
    secret: &Utf8Path,
    public: &Utf8Path,
    password: Option<&Secret>,
) -> Result<(), Failure> {
    // The public half first: of a team member it may be all that is here, her secret key lies elsewhere.
    write_public(public, who, key.public())?;
    key.save(secret, password).map_err(|error| {
        // Without its secret half it is nobody's.
        let _ = std::fs::remove_file(public);
        key_failure(error)
    })
}

fn new(surface: &Surface, global: &Global, name: &str, out: Option<&Utf8PathBuf>) -> Ended {
    let who: KeyName = name.parse().map_err(|error| Failure::new(exit::USAGE, error))?;
    let secret = match out {
        Some(path) => path.clone(),
        None => project(global)?.maintainer_key(&who),
    };
    let public = secret.with_extension("pub");
    if secret.exists() {
        return Err(key_failure(TrustError::KeyExists { path: secret }));
    }
    if public.exists() {
        return Err(public_exists(&public));
    }
    // Whoever is asked for a password must get the terminal's echo back after Ctrl-C.
    let _listening = Cancel::on_signals(surface)?;
    let password = ask::new_password(surface, &format!("{who}'s key"))?;
    let key = SigningKey::generate(who.as_str()).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    save_pair(&key, who.as_str(), &secret, &public, Some(&password))?;
    let shown =
        format!("secret   {secret}\npublic   {public}\n\ngive {public} to whoever runs `spartacus init --maintainer-key`");
    answer(surface, "spartacus.key/1", &fields(who.as_str(), key.public(), Some(&secret), Some(&public)), &shown);
    Ok(exit::OK)
}

/// Writes a public key to a new file; one that is there may be another person's.
fn write_public(path: &Utf8Path, who: &str, key: &PublicKey) -> Result<(), Failure> {
    let text = format!("untrusted comment: {who}\n{}\n", key.to_minisign());
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => public_exists(path),
        _ => file_failure("write", path, error),
    })
}

fn public_exists(path: &Utf8Path) -> Failure {
    Failure::told(exit::USAGE, format!("{path} exists, and a key is never overwritten")).hint("choose another place: --out FILE")
}

fn list(surface: &Surface, project: &Project) -> Ended {
    let keyring = project.keyring().map_err(bundle_failure)?;
    let mut text = String::new();
    for (role, keys, what) in roles(&keyring) {
        let _ = writeln!(text, "{role}: {} of {} ({what})", keys.threshold, keys.keys.len());
        for key in &keys.keys {
            let here = here(project, &keyring, key).map_or_else(String::new, |path| format!("   secret here: {path}"));
            let _ = writeln!(text, "  {:<16} {}{here}", called(&keyring, key), key.key_id());
        }
    }
    answer(surface, "spartacus.keys/1", &list_fields(project, &keyring), &text);
    let maintainers_here = keyring.targets.keys.iter().any(|key| here(project, &keyring, key).is_some());
    if maintainers_here {
        surface.remark("note: a maintainer's key lies on this machine; whoever takes the machine and the password can publish");
    }
    Ok(exit::OK)
}

fn roles(keyring: &Keyring) -> [(&'static str, &RoleKeys, &'static str); 3] {
    [
        ("root", &keyring.root, "may change keys"),
        ("targets", &keyring.targets, "sign bundles"),
        ("online", &keyring.online, "signs snapshot and timestamp, unattended"),
    ]
}

fn list_fields(project: &Project, keyring: &Keyring) -> serde_json::Value {
    let roles: Vec<serde_json::Value> = roles(keyring)
        .into_iter()
        .map(|(role, keys, _)| {
            let keys_told: Vec<serde_json::Value> = keys
                .keys
                .iter()
                .map(|key| {
                    serde_json::json!({
                        "name": called(keyring, key),
                        "key_id": key.key_id(),
                        "minisign": key.to_minisign(),
                        "secret_here": here(project, keyring, key).is_some(),
                    })
                })
                .collect();
            serde_json::json!({ "role": role, "threshold": keys.threshold, "keys": keys_told })
        })
        .collect();
    serde_json::json!({ "roles": roles })
}

/// One key as `new` and `show` tell it: its forms, and its files as far as they are known.
fn fields(name: &str, key: &PublicKey, secret: Option<&Utf8Path>, public: Option<&Utf8Path>) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "key_id": key.key_id(),
        "minisign": key.to_minisign(),
        "openssh": key.to_openssh(""),
        "secret": secret.map(Utf8Path::as_str),
        "public": public.map(Utf8Path::as_str),
    })
}

/// What people call a key: those without a file in `keys/` are known by what they may do.
fn called(keyring: &Keyring, key: &PublicKey) -> String {
    if keyring.online.keys.contains(key) {
        "online".to_owned()
    } else if keyring.root.keys.contains(key) && !keyring.targets.keys.contains(key) {
        "recovery".to_owned()
    } else {
        keyring.name_of(key)
    }
}

/// The secret file of a key, if it lies in this project.
fn here(project: &Project, keyring: &Keyring, key: &PublicKey) -> Option<Utf8PathBuf> {
    if keyring.online.keys.contains(key) {
        return Some(project.online_key()).filter(|path| path.exists());
    }
    let name: KeyName = keyring.name_of(key).parse().ok()?;
    Some(project.maintainer_key(&name)).filter(|path| path.exists())
}

fn show(surface: &Surface, project: &Project, name: &str) -> Ended {
    let keyring = project.keyring().map_err(bundle_failure)?;
    let (name, key) = find(&keyring, name)?;
    let minisign = key.to_minisign();
    let secret = here(project, &keyring, &key);
    let text = format!(
        "key id    {}\nminisign  {minisign}\nssh       {}\n\nreaders verify with:\n  minisign -V -P {minisign} -m SHA256SUMS -x SHA256SUMS.{name}.minisig\n  \
         echo '{name} {}' > allowed_signers\n  ssh-keygen -Y verify -f allowed_signers -I {name} -n file -s SHA256SUMS.{name}.sshsig < SHA256SUMS",
        key.key_id(),
        key.to_openssh(&name),
        key.to_openssh(""),
    );
    answer(surface, "spartacus.key/1", &fields(&name, &key, secret.as_deref(), None), &text);
    Ok(exit::OK)
}

/// The key that is meant, and what it is called in the names of signature files.
fn find(keyring: &Keyring, name: &str) -> Result<(String, PublicKey), Failure> {
    let all = || keyring.root.keys.iter().chain(&keyring.targets.keys).chain(&keyring.online.keys);
    if let Some(key) = all().find(|key| called(keyring, key) == name || key.key_id().as_str().starts_with(name)) {
        return Ok((called(keyring, key), key.clone()));
    }
    if let Ok(text) = std::fs::read_to_string(name) {
        let key = PublicKey::from_minisign(&text).map_err(key_failure)?;
        return Ok((Utf8Path::new(name).file_stem().unwrap_or(name).to_owned(), key));
    }
    let known: BTreeSet<String> = all().map(|key| called(keyring, key)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(Failure::told(exit::USAGE, format!("no key is called {}, and no file", sanitise(name)))
        .hint(format!("keys are: {}", known.join(", "))))
}
