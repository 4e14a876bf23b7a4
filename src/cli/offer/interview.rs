//! The questions of `spartacus offer new`: what was not said on the command line.

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use crate::base::{MailAddress, Secret, TargetLimits, TargetName, sanitise};
use crate::cli::args::{OfferNew, TargetAdd};
use crate::cli::ask;
use crate::cli::exit::{self, Failure};
use crate::cli::session::file_failure;
use crate::cli::target::address;
use crate::config::{SecretRef, TargetKind, is_country};
use crate::registration::{Flavour, ParseWebServerError};

/// Files of secrets in the volunteer's folder.
pub const PASSWORD: &str = "password";
const ACCESS_KEY: &str = "access_key";
const SECRET_KEY: &str = "secret_key";

/// What was said and asked: with it nothing is open but the host key.
#[derive(Debug)]
pub struct Answers {
    pub kind: TargetKind,
    pub flavour: Flavour,
    pub order: OfferNew,
    /// Secrets that were typed, with the files that they belong into.
    pub secrets: Vec<(&'static str, Secret)>,
    /// What no question is asked about.
    pub more: More,
}

/// What only a file says.
#[derive(Debug, Default)]
pub struct More {
    pub network: Option<String>,
    pub tags: Vec<String>,
    pub limits: TargetLimits,
}

/// Asks for what is missing, where questions may be asked.
pub fn interview(mut order: OfferNew, may_ask: bool) -> Result<Answers, Failure> {
    for given in [&mut order.password, &mut order.access_key, &mut order.secret_key] {
        *given = given
            .take()
            .map(|text| match text.strip_prefix("file:") {
                Some(path) => Ok::<_, Failure>(format!("file:{}", whole(Utf8Path::new(path))?)),
                None => Ok(text),
            })
            .transpose()?;
    }
    let protocol = match &order.place {
        None if may_ask => Some(ask_protocol()?),
        None => return Err(no_place()),
        Some(_) => None,
    };
    let may_guess = order.flavour.is_none();
    if let Some(protocol) = &protocol {
        if may_guess {
            order.flavour = Some(ask_flavour(protocol)?);
        }
        order.place = Some(ask_place(&mut order, protocol)?);
    }
    let mut kind = address::kind(&as_target(&order))?;
    let flavour = match order.flavour {
        Some(flavour) => flavour,
        None if may_ask => {
            let guess = Flavour::guess(&kind);
            pick("what runs there", &Flavour::of_protocol(kind.word()), guess)?
        }
        None => Flavour::guess(&kind),
    };
    if let (TargetKind::S3(s3), None) = (&mut kind, &order.region) {
        usual_region(flavour).clone_into(&mut s3.region);
    }
    if may_ask {
        ask_about_readers(&mut order, &kind, flavour)?;
        ask_about_people(&mut order, &kind)?;
    }
    let secrets = if may_ask { ask_secrets(&order, &kind, flavour)? } else { Vec::new() };
    if let TargetKind::Sftp(sftp) = &mut kind
        && sftp.password.is_none()
    {
        sftp.key = Some(super::folder::DOCTOR_KEY.into());
    }
    Ok(Answers { kind, flavour, order, secrets, more: More::default() })
}

/// A reference that means the same in another folder.
pub fn absolute(secret: SecretRef) -> Result<SecretRef, Failure> {
    Ok(match secret {
        SecretRef::File(path) => SecretRef::File(whole(&path)?),
        other => other,
    })
}

fn whole(path: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    Ok(Utf8PathBuf::try_from(std::path::absolute(path).map_err(|error| file_failure("find", path, error))?)?)
}

fn no_place() -> Failure {
    Failure::told(exit::USAGE, "where is the place?")
        .hint("spartacus offer new --place sftp://mirror@mirror.example.org/pub --host-key SHA256:... --no-input")
        .hint("or a file with one target: spartacus offer new --from FILE --no-input")
}

/// The order as `target add` has it, so that addresses mean the same in both. Secrets that are not said lie in files of the folder.
fn as_target(order: &OfferNew) -> TargetAdd {
    let place = order.place.clone().unwrap_or_default();
    let said = |given: &Option<String>, file: &str| Some(given.clone().unwrap_or_else(|| format!("file:{file}")));
    let has_user = Url::parse(&place).is_ok_and(|url| !url.username().is_empty());
    let is_webdav = place.starts_with("webdav");
    TargetAdd {
        name: order.name.as_ref().map_or_else(|| "my-mirror".to_owned(), ToString::to_string),
        url: place,
        public_url: order.public_url.clone(),
        key: None,
        password: if is_webdav && has_user { said(&order.password, PASSWORD) } else { order.password.clone() },
        access_key: said(&order.access_key, ACCESS_KEY),
        secret_key: said(&order.secret_key, SECRET_KEY),
        region: order.region.clone(),
        host_key: order.host_key.clone(),
        ca: None,
        proxy: None,
        operator: order.operator.clone(),
        country: order.country.clone(),
        yes: order.yes,
    }
}

/// The region of a service that nobody has changed: requests that are signed for another one are refused.
fn usual_region(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Garage => "garage",
        Flavour::R2 => "auto",
        _ => "us-east-1",
    }
}

fn ask_protocol() -> Result<String, Failure> {
    until_good("how do files get there: sftp, webdav or s3", "sftp", |answer| match answer {
        "sftp" | "webdav" | "s3" => Ok(answer.to_owned()),
        _ => Err("answer sftp, webdav or s3".to_owned()),
    })
}

fn ask_flavour(protocol: &str) -> Result<Flavour, Failure> {
    let all = Flavour::of_protocol(protocol);
    let usual = all.first().copied().unwrap_or(Flavour::Other);
    pick("what runs there", &all, usual)
}

fn pick(question: &str, all: &[Flavour], usual: Flavour) -> Result<Flavour, Failure> {
    let words: Vec<&str> = all.iter().map(|flavour| flavour.word()).collect();
    until_good(&format!("{question}: {}", words.join(", ")), usual.word(), |answer| {
        all.iter().copied().find(|flavour| flavour.word() == answer).ok_or_else(|| format!("answer one of {}", words.join(", ")))
    })
}

/// The place as an address.
fn ask_place(order: &mut OfferNew, protocol: &str) -> Result<String, Failure> {
    match protocol {
        "s3" => {
            let endpoint = until_good("address of the service (https://...)", "", web_address)?;
            let bucket = until_good("bucket", "", part)?;
            let prefix = until_good("prefix in the bucket (empty: all of it)", "", below)?;
            if order.region.is_none() {
                order.region = Some(ask::line("region", usual_region(order.flavour.unwrap_or(Flavour::Other)))?);
            }
            Ok(format!("s3+{}/{bucket}/{prefix}", endpoint.as_str().trim_end_matches('/')))
        }
        "webdav" => {
            let url = until_good("address for pushes (https://.../)", "", web_address)?;
            let user = until_good("user", "mirror", part)?;
            let scheme = if url.scheme() == "https" { "webdavs" } else { "webdav" };
            if order.flavour.is_some_and(makes_password) {
                order.server_folder = ask::line("folder on the server for the files", &order.server_folder)?;
            }
            Ok(format!("{scheme}://{user}@{}", url.as_str().split_once("://").map_or("", |(_, rest)| rest)))
        }
        _ => {
            let host =
                until_good("host, with :port if it is not 22", "", |answer| match Url::parse(&format!("sftp://u@{answer}/")) {
                    Ok(url) if url.has_host() && url.path() == "/" && url.username() == "u" && !answer.is_empty() => {
                        Ok(answer.to_owned())
                    }
                    _ => Err("write only the host name, such as mirror.example.org".to_owned()),
                })?;
            let user = until_good("user", "mirror", part)?;
            let path = until_good("folder, as the account sees it", "/pub", below)?;
            if order.flavour == Some(Flavour::Openssh) {
                order.server_folder = ask::line("folder on the server that the account is locked into", &order.server_folder)?;
            }
            Ok(format!("sftp://{user}@{host}/{path}"))
        }
    }
}

fn ask_about_readers(order: &mut OfferNew, kind: &TargetKind, flavour: Flavour) -> Result<(), Failure> {
    if order.public_url.is_none() {
        let read = |answer: &str| if answer.is_empty() { Ok(None) } else { web_address(answer).map(Some) };
        order.public_url = until_good("address for readers (https://.../; empty: not known yet)", "", read)?;
    }
    if matches!(kind, TargetKind::Sftp(_)) && flavour == Flavour::Openssh && order.public_url.is_some() && order.web.is_none() {
        order.web = Some(until_good("what shows the folder to readers: nginx, apache, other", "nginx", |answer| {
            answer.parse().map_err(|error: ParseWebServerError| error.to_string())
        })?);
    }
    Ok(())
}

fn ask_about_people(order: &mut OfferNew, kind: &TargetKind) -> Result<(), Failure> {
    if order.name.is_none() {
        let usual = name_for(kind, order.public_url.as_ref());
        order.name = Some(until_good("name of the mirror", usual.as_str(), |answer| {
            TargetName::new(answer).map_err(|error| error.to_string())
        })?);
    }
    if order.country.is_none() {
        let country = until_good("country, two letters (empty: not told)", "", |answer| {
            let code = answer.to_ascii_uppercase();
            if code.is_empty() || is_country(&code) { Ok(code) } else { Err("there is no such country code".to_owned()) }
        })?;
        order.country = Some(country).filter(|country| !country.is_empty());
    }
    if order.contact.is_none() {
        let read = |answer: &str| match answer {
            "" => Ok(None),
            some => some.parse::<MailAddress>().map(Some).map_err(|error| error.to_string()),
        };
        order.contact = until_good("mail address for news of its troubles (empty: none)", "", read)?;
    }
    Ok(())
}

/// A name from the host that readers or pushes use.
pub fn name_for(kind: &TargetKind, public_url: Option<&Url>) -> TargetName {
    let host = match (public_url.and_then(Url::host_str), kind) {
        (Some(host), _) => host.to_owned(),
        (None, TargetKind::Sftp(sftp)) => sftp.host.clone(),
        (None, TargetKind::S3(s3)) => s3.bucket.clone(),
        (None, TargetKind::Webdav(webdav)) => webdav.url.host_str().unwrap_or_default().to_owned(),
        (None, TargetKind::Folder(_)) => String::new(),
    };
    let host = host.strip_prefix("www.").unwrap_or(&host).to_ascii_lowercase();
    TargetName::new(&host).or_else(|_| TargetName::new("my-mirror")).expect("a name of plain letters")
}

/// Secrets that nobody named a place for. Most do not exist yet: they are made by the steps.
fn ask_secrets(order: &OfferNew, kind: &TargetKind, flavour: Flavour) -> Result<Vec<(&'static str, Secret)>, Failure> {
    let mut secrets = Vec::new();
    let mut typed = |question: &str, file: &'static str| -> Result<(), Failure> {
        secrets.extend(ask::secret(question)?.map(|secret| (file, secret)));
        Ok(())
    };
    match kind {
        TargetKind::S3(_) => {
            if order.access_key.is_none() {
                typed("access key (not shown; empty: later)", ACCESS_KEY)?;
            }
            if order.secret_key.is_none() {
                typed("secret key (not shown; empty: later)", SECRET_KEY)?;
            }
        }
        TargetKind::Webdav(webdav) if webdav.user.is_some() && order.password.is_none() => {
            let empty = if makes_password(flavour) { "a new one is made" } else { "later" };
            typed(&format!("password (not shown; empty: {empty})"), PASSWORD)?;
        }
        _ => {}
    }
    Ok(secrets)
}

/// Whether the volunteer decides what the password is, so that a new one can be made here.
pub fn makes_password(flavour: Flavour) -> bool {
    matches!(flavour, Flavour::Apache | Flavour::Nginx)
}

/// Whether a secret lies in a file of the folder that nobody has written yet.
pub fn is_own_file(secret: Option<&SecretRef>, name: &str) -> bool {
    matches!(secret, Some(SecretRef::File(path)) if path == name)
}

/// Asks until the answer will do.
fn until_good<T>(question: &str, usual: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
    loop {
        match read(&ask::line(question, usual)?) {
            Ok(answer) => return Ok(answer),
            Err(why) => eprintln!("  {}", sanitise(&why)),
        }
    }
}

/// An address of the web, without a login in it.
fn web_address(answer: &str) -> Result<Url, String> {
    let example = "write an address such as https://mirror.example.org/archive/";
    match Url::parse(answer) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url)
        }
        _ => Err(example.to_owned()),
    }
}

/// A word that can stand in an address as it is.
fn part(answer: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if !answer.is_empty() && answer.chars().all(plain) {
        return Ok(answer.to_owned());
    }
    Err("letters, digits and . _ - belong here".to_owned())
}

/// A path of such words, without slashes at its ends.
fn below(answer: &str) -> Result<String, String> {
    let path = answer.trim_matches('/');
    if path.is_empty() || path.split('/').all(|one| part(one).is_ok()) {
        return Ok(path.to_owned());
    }
    Err("letters, digits and . _ - belong into each part of it".to_owned())
}
