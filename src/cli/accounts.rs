//! Targets that are one account on one server share what one account may do at once.
//!
//! Servers count connections, handles and requests for each user: four folders in one account, pushed at the same time,
//! must not ask four times as much of it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::{SecretRef, Target, TargetKind};
use crate::store::{Limited, Store};

/// Files that one SFTP channel has under way.
const FILES_PER_CHANNEL: usize = 64;

/// Calls under way that one account is asked for at most, where nothing else is said: what a backend does alone.
const SFTP_CHANNELS: usize = 4;
pub const S3_CONNECTIONS: usize = 16;
pub const WEBDAV_CONNECTIONS: usize = 8;

/// Who is who to a server.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Account {
    protocol: &'static str,
    host: String,
    port: u16,
    user: String,
}

/// The accounts that several targets share, each with the limit that these share.
#[derive(Debug, Default)]
pub struct Accounts(HashMap<Account, Arc<Semaphore>>);

impl Accounts {
    /// The shared accounts among `targets`. The strictest `limits.connections` of an account's targets counts for all.
    #[must_use]
    pub fn among(targets: &[Target]) -> Self {
        let mut found: HashMap<Account, Vec<usize>> = HashMap::new();
        for target in targets {
            if let Some(account) = account(&target.kind) {
                found.entry(account).or_default().push(calls(target));
            }
        }
        let shared = found.into_iter().filter(|(_, calls)| calls.len() > 1);
        Self(shared.map(|(account, calls)| (account, Arc::new(Semaphore::new(calls.into_iter().min().unwrap_or(1))))).collect())
    }

    /// `store` of `target`, within the limit that it shares with others, if it does.
    pub fn limit(&self, target: &Target, store: Arc<dyn Store>) -> Arc<dyn Store> {
        match account(&target.kind).and_then(|account| self.0.get(&account)) {
            // What a target may do alone is limited by the run and by its backend.
            Some(limit) => Arc::new(Limited::new(store, usize::MAX).sharing(limit.clone())),
            None => store,
        }
    }
}

fn account(kind: &TargetKind) -> Option<Account> {
    let (url, user) = match kind {
        TargetKind::Folder(_) => return None,
        TargetKind::Sftp(sftp) => {
            let host = sftp.host.to_ascii_lowercase();
            return Some(Account { protocol: kind.word(), host, port: sftp.port, user: sftp.user.clone() });
        }
        TargetKind::Webdav(webdav) => (&webdav.url, webdav.user.clone().unwrap_or_default()),
        // The reference stands for the key: resolving it is for whoever connects.
        TargetKind::S3(s3) => (&s3.endpoint, reference(&s3.access_key)),
    };
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    Some(Account { protocol: kind.word(), host, port: url.port_or_known_default().unwrap_or_default(), user })
}

fn reference(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("env:{name}"),
        SecretRef::File(path) => format!("file:{path}"),
        SecretRef::Command(words) => words.join("\0"),
        SecretRef::Sealed { file, .. } => format!("sealed:{file}"),
    }
}

fn calls(target: &Target) -> usize {
    let allowed = target.limits.connections.and_then(|count| usize::try_from(count).ok());
    match target.kind {
        TargetKind::Sftp(_) => FILES_PER_CHANNEL * allowed.unwrap_or(SFTP_CHANNELS).clamp(1, SFTP_CHANNELS),
        TargetKind::S3(_) => allowed.unwrap_or(S3_CONNECTIONS).max(1),
        TargetKind::Webdav(_) | TargetKind::Folder(_) => allowed.unwrap_or(WEBDAV_CONNECTIONS).max(1),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::base::ObjectPath;
    use crate::config::Config;
    use crate::store::memory::MemoryStore;
    use crate::store::{Body, Write};

    fn targets(entries: &[&str]) -> Vec<Target> {
        let text = format!("project:\n  name: Demo\ntargets:\n{}", entries.join(""));
        Config::from_text("targets.yaml".into(), &text).unwrap_or_else(|error| panic!("{}", error.render(false))).config.targets
    }

    fn webdav(name: &str, url: &str, user: &str, connections: u32) -> String {
        format!(
            "  - name: {name}\n    webdav: {{url: \"{url}\", user: {user}, password: \"env:P\"}}\n    limits: {{connections: {connections}}}\n"
        )
    }

    fn sftp(name: &str, host: &str) -> String {
        let pin = "A".repeat(43);
        format!(
            "  - name: {name}\n    sftp: {{host: {host}, user: u, path: /{name}, password: \"env:P\", host_keys: [\"SHA256:{pin}\"]}}\n"
        )
    }

    #[test]
    fn only_the_same_server_port_and_user_are_one_account() {
        let all = targets(&[
            &webdav("a", "https://one.example/a/", "u", 6),
            &webdav("b", "https://ONE.example:443/b/", "u", 2),
            &webdav("c", "https://one.example/c/", "v", 1),
            &webdav("d", "https://one.example:8443/d/", "u", 1),
            &sftp("e", "one.example"),
            &sftp("f", "One.example"),
            &sftp("g", "two.example"),
            "  - name: h\n    folder: {path: /srv/h}\n",
        ]);
        let accounts = Accounts::among(&all);
        let free = |index: usize| {
            let found = account(&all[index].kind).and_then(|account| accounts.0.get(&account));
            found.map(|limit| limit.available_permits())
        };
        let found: Vec<Option<usize>> = (0..all.len()).map(free).collect();
        assert_eq!(found, [Some(2), Some(2), None, None, Some(256), Some(256), None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_target_does_counts_for_the_others() {
        let all = targets(&[
            &webdav("a", "https://one.example/a/", "u", 1),
            &webdav("b", "https://one.example/b/", "u", 4),
            &webdav("c", "https://two.example/c/", "u", 1),
        ]);
        let accounts = Accounts::among(&all);
        let path = ObjectPath::new("x").expect("a good path");
        let store = |target: &Target| {
            let store = MemoryStore::new(target.name.clone());
            store.tamper(&path, "some bytes");
            accounts.limit(target, Arc::new(store))
        };
        let [one, other, elsewhere] = [0, 1, 2].map(|index| store(&all[index]));
        let reading = one.get(&path, None).await.expect("a stream");
        let body = Body::bytes("other bytes");
        timeout(Duration::from_secs(9), other.put(&path, &body, Write::New)).await.expect_err("the account is busy");
        timeout(Duration::from_secs(9), elsewhere.put(&path, &body, Write::New)).await.expect("another account").expect("a put");
        drop(reading);
        timeout(Duration::from_secs(9), other.put(&path, &body, Write::New)).await.expect("the account is free").expect("a put");
    }
}
