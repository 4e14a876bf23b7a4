//! SFTP: an account that is locked into one folder of OpenSSH, or one at a hoster.

use super::words::{account, addresses, below, public_key, server_folder, title};
use super::{Flavour, Preparation, SetupError, SetupStep, place, web};
use crate::config::SftpTarget;

/// What a push asks of the server, and no more: without `setstat`, `symlink` and the like.
const REQUESTS: &str =
    "open,close,read,write,lstat,fstat,stat,opendir,readdir,remove,mkdir,rmdir,realpath,rename,posix-rename,statvfs,fsync,limits";

pub(super) fn steps(preparation: &Preparation<'_>, sftp: &SftpTarget) -> Result<Vec<SetupStep>, SetupError> {
    match preparation.choices.flavour {
        Flavour::Hoster => hoster(preparation, sftp),
        _ => openssh(preparation, sftp),
    }
}

fn openssh(preparation: &Preparation<'_>, sftp: &SftpTarget) -> Result<Vec<SetupStep>, SetupError> {
    let user = account(&sftp.user)?;
    let jail = server_folder("the folder of the chroot", &preparation.choices.server_folder)?;
    let etc = server_folder("the folder of configurations", &preparation.choices.etc)?;
    let path = sftp.path.trim_matches('/');
    if path.is_empty() || path == "." {
        return Err(SetupError::Top);
    }
    let path = below("the path", path)?;
    let (name, data) = (preparation.name, format!("{jail}/{path}"));
    let keys = format!("{etc}/ssh/authorized_keys.d");
    // Folders between the chroot and the account's own stay root's.
    let parents = path.match_indices('/').map(|(end, _)| format!("install -d -m 755 {jail}/{}", &path[..end]));
    let mut folders = vec![
        format!("useradd -M -d /nonexistent -s /usr/sbin/nologin -p '*' {user}"),
        format!("install -d -o root -g root -m 755 {jail}"),
    ];
    folders.extend(parents);
    folders.push(format!("install -d -o {user} -m 755 {data}"));
    folders.push(format!("install -d -m 755 {keys} {etc}/ssh/sshd_config.d"));
    let by_password = sftp.password.is_some();
    let login = if by_password {
        "AuthorizedKeysFile none\n    PasswordAuthentication yes".to_owned()
    } else {
        format!("AuthorizedKeysFile {keys}/{user}\n    AuthenticationMethods publickey")
    };
    if by_password {
        folders.push(format!("passwd {user}"));
    }
    let block = format!(
        "Match User {user}\n    {login}\n    ChrootDirectory {jail}\n    \
         ForceCommand internal-sftp -d / -u 0022 -p {REQUESTS}\n    AllowTcpForwarding no\n    AllowStreamLocalForwarding no\n    \
         AllowAgentForwarding no\n    X11Forwarding no\n    PermitTunnel no\n    PermitTTY no\n    PermitUserRC no\n"
    );
    let mut steps = vec![
        SetupStep::commands(
            "Make the account and its folder",
            &format!(
                "As root. The account has no shell. It is locked into {jail}, which has to belong to root, as every folder \
                 above it; it may write to {data} alone."
            ),
            &folders,
        ),
        SetupStep::file(
            "Lock it in",
            &format!(
                "Files only, below {jail}: no commands, no terminal, no forwarding. Most systems read this folder; where they do not (no Include \
                 line in {etc}/ssh/sshd_config), put it at the end of that file. That file also needs a line Subsystem sftp, as most systems have \
                 it; and if it has AllowUsers or AllowGroups, add {user} there."
            ),
            format!("{etc}/ssh/sshd_config.d/60-{name}.conf"),
            block,
        ),
        SetupStep::commands(
            "Take it in",
            "The first line says what is wrong, if something is; nothing changes then.",
            &["sshd -t && (systemctl reload ssh || systemctl reload sshd)".to_owned()],
        ),
    ];
    if !by_password {
        // Before sshd is told: it is let in at once.
        let last = steps.len() - 1;
        steps.insert(last, let_in(preparation, format!("{keys}/{user}"))?);
    }
    steps.extend(web::readers(preparation, &data)?);
    Ok(steps)
}

fn let_in(preparation: &Preparation<'_>, file: String) -> Result<SetupStep, SetupError> {
    Ok(SetupStep::file(
        "Let the project's key in",
        "One line for the project, which ends by itself, and one for yourself. They belong to root, so the account cannot add to them.",
        file,
        authorized_keys(preparation, "")?,
    ))
}

/// The lines of the account's file: the project's, with as few rights as a push needs, and the volunteer's own. `more` are options
/// beside `restrict`.
fn authorized_keys(preparation: &Preparation<'_>, more: &str) -> Result<String, SetupError> {
    // A bare day would end at its beginning. It is the server's own time, which is a day off at most.
    let until = preparation.until().strftime("%Y%m%d2359");
    let own = match preparation.own_key {
        Some(key) => format!("restrict{more},expiry-time=\"{until}\" {}", public_key(key)?),
        None => "#   (the line of doctor_ed25519.pub, which is made with your folder)".to_owned(),
    };
    let theirs = match preparation.invite {
        Some(invite) => {
            let from = addresses(&invite.from)?.map(|list| format!(",from=\"{list}\"")).unwrap_or_default();
            let lines: Result<Vec<String>, SetupError> = invite
                .deploy_keys
                .iter()
                .map(|key| Ok(format!("restrict{more}{from},expiry-time=\"{until}\" {}", public_key(key)?)))
                .collect();
            format!("# pushes of {}\n{}", title(&invite.project), lines?.join("\n"))
        }
        None => format!(
            "# pushes: put the project's key, which stands in its invite, in place of the next line\n\
             # restrict{more},from=\"ADDRESSES OF THE PROJECT\",expiry-time=\"{until}\" ssh-ed25519 KEY OF THE PROJECT"
        ),
    };
    Ok(format!("{theirs}\n# yours, for `spartacus offer doctor`; remove it when you like\n{own}\n"))
}

fn hoster(preparation: &Preparation<'_>, sftp: &SftpTarget) -> Result<Vec<SetupStep>, SetupError> {
    let path = sftp.path.trim_matches('/');
    let path = if path.is_empty() || path == "." { "its login folder" } else { below("the path", path)? };
    let mut steps = vec![SetupStep::words(
        "Make an account for the mirror alone",
        format!(
            "In the panel of your hoster add a second SFTP account ({}), not the main one, and lock it into one folder ({path}) in which \
                 nothing of yours lies. Switch off its shell, if there is a switch. If there is no second account, do not offer the main \
                 one: whoever gets its key can change your website.",
            account(&sftp.user)?
        ),
    )];
    if let Some(password) = &sftp.password {
        steps.extend(place::keep_secrets(&[("password of the account", password)]));
    } else {
        steps.push(SetupStep::file(
            "Let the project's key in",
            "As SSH keys in the panel, or in .ssh/authorized_keys of that account. Where the panel takes no options, leave out all before \
             ssh-ed25519: then the panel alone decides whether the keys may run commands, and `spartacus offer doctor` tells.",
            "authorized_keys",
            // Nobody else sees to it here that the keys open files and nothing else: `restrict` alone lets commands run.
            authorized_keys(preparation, ",command=\"internal-sftp\"")?,
        ));
    }
    steps.push(match preparation.public_url {
        Some(url) => SetupStep::words(
            "Let readers in",
            format!(
                "In the panel let {url} show that folder: as files, without a login, without a list of names, without scripts. Where the web \
                 server compresses by itself or keeps copies in a cache, switch it off for this address."
            ),
        ),
        None => place::no_public_address(),
    });
    Ok(steps)
}
