//! WebDAV: a collection of Apache or nginx, a user of Nextcloud, an account at a hoster.

use super::words::{account, below, server_folder, title, url_path};
use super::{Flavour, Preparation, SetupError, SetupStep, place, web};
use crate::config::{SecretRef, WebdavTarget};

/// Where Nextcloud begins the address of a user's files.
const NEXTCLOUD_FILES: &str = "/remote.php/dav/files/";

pub(super) fn steps(preparation: &Preparation<'_>, webdav: &WebdavTarget) -> Result<Vec<SetupStep>, SetupError> {
    match preparation.choices.flavour {
        Flavour::Nextcloud => Ok(nextcloud(preparation, webdav)),
        Flavour::Hoster => Ok(hoster(preparation, webdav)),
        flavour => own_server(preparation, webdav, flavour),
    }
}

/// A server of the volunteer's own: nobody but the web server touches the files.
fn own_server(preparation: &Preparation<'_>, webdav: &WebdavTarget, flavour: Flavour) -> Result<Vec<SetupStep>, SetupError> {
    let user = account(webdav.user.as_deref().unwrap_or_default())?;
    let folder = server_folder("the folder", &preparation.choices.server_folder)?;
    let etc = server_folder("the folder of configurations", &preparation.choices.etc)?;
    let name = preparation.name;
    let (path, public) = (url_path(&webdav.url)?, preparation.public_url);
    if let Some(public) = public
        && public.origin() == webdav.url.origin()
        && url_path(public)? == path
    {
        return Err(SetupError::SameAddress(public.to_string()));
    }
    let is_apache = flavour == Flavour::Apache;
    let passwords = format!("{etc}/{}/{name}.htpasswd", if is_apache { "apache2" } else { "nginx" });
    let ask = if is_apache {
        format!("htpasswd -c -B {passwords} {user}")
    } else {
        format!("printf '{user}:%s\\n' \"$(openssl passwd -6)\" > {passwords}")
    };
    let password = match &webdav.password {
        Some(SecretRef::File(file)) => {
            format!(
                "It asks for the password: that in the file {} of this folder, on your own machine.",
                title(file.file_name().unwrap_or_default())
            )
        }
        _ => "It asks for the password, which goes to the project with your offer: a long one that is used nowhere else."
            .to_owned(),
    };
    let account = SetupStep::commands(
        "Make the login",
        &format!("As root. {password} Nobody but the web server can read the file."),
        &[ask, format!("chown root:www-data {passwords} && chmod 640 {passwords}")],
    );
    let block = web::Block::new(preparation, folder, etc)?.with_pushes(&webdav.url, passwords, user.to_owned())?;
    let block = match public {
        Some(public) => block.with_readers(public)?,
        None => block,
    };
    let mut steps = vec![
        SetupStep::commands(
            "Make the folder",
            "As root. It belongs to the web server (www-data on Debian), and nothing of yours lies in it.",
            &[format!(
                "install -d -o www-data -g www-data -m 755 {folder}{}",
                if is_apache { String::new() } else { format!(" {folder}.uploads") }
            )],
        ),
        account,
    ];
    steps.extend(if is_apache { block.apache() } else { block.nginx() });
    if public.is_none() {
        steps.push(place::no_public_address());
    }
    Ok(steps)
}

fn nextcloud(preparation: &Preparation<'_>, webdav: &WebdavTarget) -> Vec<SetupStep> {
    let user = title(webdav.user.as_deref().unwrap_or("mirror"));
    let folder = webdav.url.path().split_once(NEXTCLOUD_FILES).and_then(|(_, rest)| rest.trim_end_matches('/').split_once('/'));
    let folder = folder.filter(|(_, folder)| below("the folder", folder).is_ok()).map_or("a folder", |(_, folder)| folder);
    let mut steps = vec![
        SetupStep::words(
            "Make a user for the mirror alone",
            format!(
                "Ask for, or make as the administrator, a user ({user}) with a quota and with nothing else in it. Not your own: an app password \
                 opens every file of its user. Log in as that user once, and make the folder {folder}."
            ),
        ),
        SetupStep::words(
            "Make an app password",
            "As that user: Settings, Security, Devices & sessions; type a name such as spartacus, then Create new app password. It is shown once. \
             It works with two-factor logins too, and can be taken back at the same place.",
        ),
    ];
    steps.extend(webdav.password.as_ref().and_then(|secret| place::keep_secrets(&[("app password", secret)])));
    let host = webdav.url.host_str().unwrap_or("cloud.example.org");
    steps.push(SetupStep::words(
        "Let readers in",
        format!(
            "Share the folder by a public link without a password, for viewing only. The link ends with a token: https://{host}/s/TOKEN. From \
             Nextcloud 29 on readers then find the files below https://{host}/public.php/dav/files/TOKEN/ (index.php may come before it). Write \
             that into targets.yaml as public_url{}. Some clouds switch it off; `spartacus offer doctor` tells.",
            match preparation.public_url {
                Some(url) => format!(", where it says {url} now"),
                None => String::new(),
            }
        ),
    ));
    steps
}

fn hoster(preparation: &Preparation<'_>, webdav: &WebdavTarget) -> Vec<SetupStep> {
    let user = title(webdav.user.as_deref().unwrap_or("mirror"));
    let mut steps = vec![SetupStep::words(
        "Make an account for the mirror alone",
        format!(
            "In the panel of your hoster add a sub-account ({user}) whose files are below {} and nowhere else, over https. Not the main account: \
             its password opens everything.",
            webdav.url
        ),
    )];
    steps.extend(webdav.password.as_ref().and_then(|secret| place::keep_secrets(&[("password of the account", secret)])));
    steps.push(match preparation.public_url {
        Some(url) => SetupStep::words(
            "Let readers in",
            format!("In the panel let {url} show the same folder: as files, without a login, without scripts, not compressed, not cached."),
        ),
        None => place::no_public_address(),
    });
    steps
}
