//! Routes of the configuration with their secrets fetched.

use camino::Utf8PathBuf;
use url::{Host, Url};

use crate::alert::{AlertError, Letter, MailSecurity, MailServer, Way, WebAddress, send};
use crate::base::{Hinted, MailAddress, Secret, causes, sanitise};
use crate::cli::session::Session;
use crate::config::{Address, AlertRoute, AlertWay, MailTls, SecretRef, SmtpRoute};
use crate::net::HttpPolicy;

/// Why something was not told, in words that hold no secret.
#[derive(Debug, Clone)]
pub struct Told {
    /// What happened, with its causes.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Told {
    /// An error of a room, with its hint.
    pub fn of<E: Hinted + std::error::Error + 'static>(error: &E) -> Self {
        let hints = error.hint().into_iter().collect();
        Self { message: sanitise(&causes(error).join(": ")), hints }
    }
}

/// Sends one message on a route now; nothing of it is written down.
pub async fn hand_over(session: &Session, route: &AlertRoute, letter: &Letter, to: &[MailAddress]) -> Result<(), Told> {
    let way = way(session, route).await?;
    send(&way, letter, to).await.map_err(|error| Told::of(&error))
}

/// A route as the room `alert` takes it. Secrets are fetched now, on a thread that may wait for them.
pub async fn way(session: &Session, route: &AlertRoute) -> Result<Way, Told> {
    Ok(match &route.way {
        AlertWay::Command(words) => Way::Command(words.clone()),
        AlertWay::Webhook(http) => Way::Webhook(web_address(session, &http.url, http.token.as_ref(), http.ca.as_ref()).await?),
        AlertWay::Ntfy(http) => Way::Ntfy(web_address(session, &http.url, http.token.as_ref(), http.ca.as_ref()).await?),
        AlertWay::Smtp(smtp) => Way::Smtp(mail_server(smtp).await?),
    })
}

/// An address for requests, with its client.
pub async fn web_address(
    session: &Session,
    address: &Address,
    token: Option<&SecretRef>,
    ca: Option<&Utf8PathBuf>,
) -> Result<WebAddress, Told> {
    let url = match address {
        Address::Plain(url) => Secret::new(url.to_string()),
        Address::Reference(reference) => fetch(reference).await?,
    };
    if !may_be_told(url.expose()) {
        return Err(Told::of(&AlertError::Address));
    }
    // A library may log the parts of an address one by one.
    if let (Address::Reference(_), Ok(parts)) = (address, Url::parse(url.expose())) {
        let _path = Secret::new(parts.path().trim_start_matches('/').to_owned());
        let _query = parts.query().map(|query| Secret::new(query.to_owned()));
    }
    let token = match token {
        Some(reference) => Some(fetch(reference).await?),
        None => None,
    };
    let policy = HttpPolicy { ca: ca.cloned(), ..HttpPolicy::new(&session.config.policy.timeouts) };
    Ok(WebAddress { client: session.clients.get(&policy).map_err(|error| Told::of(&error))?, url, token })
}

/// The rule of the configuration, for addresses that it only refers to.
fn may_be_told(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && own)
}

async fn mail_server(smtp: &SmtpRoute) -> Result<MailServer, Told> {
    let login = match (&smtp.user, &smtp.password) {
        (Some(user), Some(reference)) => Some((user.clone(), fetch(reference).await?)),
        _ => None,
    };
    let security = match smtp.tls {
        MailTls::StartTls => MailSecurity::StartTls,
        MailTls::Implicit => MailSecurity::Implicit,
        MailTls::None => MailSecurity::None,
    };
    Ok(MailServer {
        host: smtp.host.clone(),
        port: smtp.port,
        security,
        login,
        from: smtp.from.clone(),
        reply_to: smtp.reply_to.clone(),
        ca: smtp.ca.clone(),
    })
}

async fn fetch(reference: &SecretRef) -> Result<Secret, Told> {
    let reference = reference.clone();
    match tokio::task::spawn_blocking(move || reference.resolve()).await {
        Ok(resolved) => resolved.map_err(|error| Told::of(&error)),
        Err(error) => Err(Told { message: sanitise(&error.to_string()), hints: Vec::new() }),
    }
}
