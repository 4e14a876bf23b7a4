//! `spartacus offer new`: a folder for a place that is offered, and what to do on its server.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;

use super::folder::{CHOICES, CONFIG, DOCTOR_KEY, INVITE, Making, PAGE, refuse_taken};
use super::interview::{Answers, More, PASSWORD, absolute, interview, is_own_file, makes_password, name_for};
use super::setup::{heading, last_day, steps_of, tell};
use crate::base::{Secret, TargetName, Timeouts, sanitise};
use crate::cli::args::OfferNew;
use crate::cli::ask;
use crate::cli::cancel::Cancel;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::invite::verified;
use crate::cli::session::{configuration_at, hinted};
use crate::cli::surface::Surface;
use crate::cli::target::add::check;
use crate::config::{NewTarget, SftpTarget, TargetKind, add_target};
use crate::net::Destinations;
use crate::registration::{Flavour, Invite, SetupChoices, SetupStep, setup_page};
use crate::store::sftp::{ScannedKey, scan_host_keys};
use crate::trust::{LoginKey, new_password};

/// Everything that the folder is made from.
struct Draft {
    target: NewTarget,
    choices: SetupChoices,
    secrets: Vec<(&'static str, Secret)>,
    /// The file as it came, and what it says.
    invite: Option<(Vec<u8>, Invite)>,
}

/// 1. The invite is verified.
/// 2. What the place is stands in a file, on the command line, or is asked for; whoever answers at an SFTP server has to be accepted.
/// 3. The steps are made. What cannot stand in a configuration is refused here, before anything is written.
/// 4. The folder is written, and the steps are told.
pub async fn new(surface: &Surface, order: &OfferNew) -> Ended {
    refuse_taken(&order.folder)?;
    let until = last_day(order.until)?;
    let cancel = Cancel::on_signals(surface)?;
    let invite = invited(surface, order, &cancel).await?;
    let answers = if let Some(file) = &order.from {
        from_file(surface, order, file)?
    } else {
        let (order, may_ask) = (order.clone(), surface.may_ask);
        cancel.or_answer(move || interview(order, may_ask)).await?
    };
    let mut draft = draft(answers, until, invite)?;
    if let Some((_, invite)) = &draft.invite
        && !invite.protocols.iter().any(|known| known == draft.target.kind.word())
    {
        let (word, those) = (draft.target.kind.word(), invite.protocols.join(", "));
        surface.remark(&format!("the project does not name {word} among what it takes ({those}): ask before you go on"));
    }
    if let TargetKind::Sftp(sftp) = &mut draft.target.kind {
        meet(surface, order, &draft.target.name, sftp, &cancel).await?;
    }
    let login = match &draft.target.kind {
        TargetKind::Sftp(sftp) if sftp.password.is_none() => {
            Some(LoginKey::generate(&format!("{} doctor", draft.target.name)).map_err(|error| hinted(exit::UNEXPECTED, error))?)
        }
        _ => None,
    };
    let invite = draft.invite.as_ref().map(|(_, invite)| invite);
    let public = login.as_ref().map(|key| key.public.as_str());
    let target = &draft.target;
    let steps = steps_of(&target.name, &target.kind, target.public_url.as_ref(), &draft.choices, invite, public)?;
    let config = first_config(order, &draft)?;
    cancel.check()?;
    let files = if order.dry_run { Vec::new() } else { write(&order.folder, &draft, login.as_ref(), &config, &steps)? };
    let next = next(order, &files);
    tell(
        surface,
        "spartacus.offer_new/1",
        &order.folder,
        (&target.name, &target.kind),
        draft.choices.flavour,
        &files,
        &steps,
        &next,
    );
    Ok(exit::OK)
}

/// The invite, if there is one. Its pin comes from elsewhere: whoever made the file could have made the pin in it.
async fn invited(surface: &Surface, order: &OfferNew, cancel: &Cancel) -> Result<Option<(Vec<u8>, Invite)>, Failure> {
    let Some(file) = &order.invite else { return Ok(None) };
    let mut pin = order.pin;
    if pin.is_none() && order.root.is_none() && surface.may_ask {
        let question = || ask::line("pin of the project, as it tells it elsewhere (64 digits)", "");
        let answer = cancel.or_answer(question).await?;
        let digits = answer.strip_prefix("sha256:").unwrap_or(&answer);
        pin =
            Some(digits.parse().map_err(|error| Failure::new(exit::USAGE, anyhow::Error::new(error).context("that is no pin")))?);
    }
    let again = format!("spartacus offer new {} --invite {file}", order.folder);
    verified(file, pin, order.root.as_deref(), &again).map(Some)
}

/// The one target of a file.
fn from_file(surface: &Surface, order: &OfferNew, file: &Utf8Path) -> Result<Answers, Failure> {
    let config = configuration_at(surface, file)?;
    let [target] = <[_; 1]>::try_from(config.targets).map_err(|targets: Vec<_>| {
        Failure::told(exit::USAGE, format!("{file} has {} targets, and one place is offered at a time", targets.len()))
            .hint("leave the others out of the file")
    })?;
    let own = [("ca", target.ca.is_some()), ("proxy", target.proxy.is_some())];
    if let Some((word, _)) = own.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Failure::told(
            exit::USAGE,
            format!("{} in {file} has `{word}`, which is a thing of this machine", target.name),
        )
        .hint(format!("leave `{word}` out, and offer an address that everybody reaches without it")));
    }
    let more = More { network: target.network, tags: target.tags, limits: target.limits };
    let mut order = order.clone();
    order.name.get_or_insert(target.name);
    order.public_url = order.public_url.or(target.public_url);
    order.operator = order.operator.or(target.operator);
    order.country = order.country.or(target.country);
    order.contact = order.contact.or(target.contact.map(|contact| *contact));
    let mut kind = target.kind;
    match &mut kind {
        TargetKind::Sftp(sftp) => {
            sftp.password = sftp.password.take().map(absolute).transpose()?;
            // Whatever key the file names: it is tried with one of its own, which goes nowhere else.
            sftp.key = sftp.password.is_none().then(|| DOCTOR_KEY.into());
        }
        TargetKind::Webdav(webdav) => webdav.password = webdav.password.take().map(absolute).transpose()?,
        TargetKind::S3(s3) => {
            s3.access_key = absolute(s3.access_key.clone())?;
            s3.secret_key = absolute(s3.secret_key.clone())?;
        }
        TargetKind::Folder(_) => {}
    }
    let flavour = order.flavour.unwrap_or_else(|| Flavour::guess(&kind));
    Ok(Answers { kind, flavour, order, secrets: Vec::new(), more })
}

fn draft(answers: Answers, until: Date, invite: Option<(Vec<u8>, Invite)>) -> Result<Draft, Failure> {
    let Answers { kind, flavour, order, mut secrets, more } = answers;
    if let (TargetKind::Webdav(webdav), true, true) = (&kind, makes_password(flavour), secrets.is_empty())
        && is_own_file(webdav.password.as_ref(), PASSWORD)
    {
        secrets.push((PASSWORD, new_password().map_err(|error| hinted(exit::UNEXPECTED, error))?));
    }
    let name = order.name.clone().unwrap_or_else(|| name_for(&kind, order.public_url.as_ref()));
    let mut target = NewTarget::new(name, kind);
    target.public_url = order.public_url;
    target.operator = order.operator;
    target.country = order.country;
    target.contact = order.contact;
    (target.network, target.tags, target.limits) = (more.network, more.tags, more.limits);
    let web = order.web.unwrap_or_default();
    let choices = SetupChoices { server_folder: order.server_folder, etc: order.etc, web, ..SetupChoices::new(flavour, until) };
    Ok(Draft { target, choices, secrets, invite })
}

/// The host key that is pinned: as the volunteer read it on the server, or as the server shows it and the volunteer accepts it.
async fn meet(
    surface: &Surface,
    order: &OfferNew,
    name: &TargetName,
    sftp: &mut SftpTarget,
    cancel: &Cancel,
) -> Result<(), Failure> {
    const ON_THE_SERVER: &str = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub";
    if let Some(key) = &order.host_key {
        sftp.host_keys = vec![key.clone()];
    }
    if sftp.host_keys.is_empty() && surface.may_ask && !order.yes {
        let question = format!("host key, as `{ON_THE_SERVER}` prints it on the server (SHA256:...; empty: ask the server now)");
        let answer = cancel.or_answer(move || ask::line(&question, "")).await?;
        // The whole line may be pasted.
        sftp.host_keys = answer.split_whitespace().filter(|word| word.starts_with("SHA256:")).map(str::to_owned).collect();
    }
    if !sftp.host_keys.is_empty() {
        return Ok(());
    }
    let (timeouts, anywhere) = (Timeouts::default(), Destinations::anywhere());
    let keys = scan_host_keys(name, &sftp.host, sftp.port, None, &timeouts, &anywhere).await.map_err(|error| {
        let mut failure = hinted(exit::USAGE, error);
        failure.hints.retain(|hint| !hint.contains("target probe"));
        failure.hint(format!("read the key on the server ({ON_THE_SERVER}), and say it: --host-key SHA256:..."))
    })?;
    let Some((key, others)) = keys.split_first() else {
        return Err(Failure::told(exit::USAGE, format!("{}:{} shows no host key", sftp.host, sftp.port)));
    };
    let place = format!("{}:{}", sftp.host, sftp.port);
    let shown = |key: &ScannedKey| sanitise(&format!("{} {}", key.algorithm, key.fingerprint));
    for other in others {
        surface.remark(&format!("{place} also shows {}, which is not pinned", shown(other)));
    }
    if order.yes {
        let what = shown(key);
        surface.remark(&format!(
            "{place} shows the host key {what}, pinned because of --yes; compare with {ON_THE_SERVER} on the server"
        ));
    } else {
        let question =
            format!("{place} shows the host key {}: does {ON_THE_SERVER} on the server print exactly this?", shown(key));
        let surface = surface.clone();
        cancel.or_answer(move || ask::confirm(&surface, &question, "--host-key SHA256:... (or --yes)")).await?;
    }
    sftp.host_keys = vec![key.line.clone()];
    Ok(())
}

/// `targets.yaml`, such that every other command takes it.
fn first_config(order: &OfferNew, draft: &Draft) -> Result<String, Failure> {
    let (project, root) = match &draft.invite {
        Some((_, invite)) => {
            (invite.project.as_str(), format!("  root: sha256:{}   # the pin of the project that it is offered to\n", invite.pin))
        }
        None => ("my offer", String::new()),
    };
    // JSON strings are YAML strings, so any name is safe.
    let text = format!(
        "# A place that is offered as a mirror. `spartacus offer doctor` tries it. Every key is explained in targets.example.yaml.\n\
         project:\n  name: {}\n{root}\ntargets: []\n",
        serde_json::Value::from(project)
    );
    let config = add_target(&text, &draft.target).map_err(|error| hinted(exit::USAGE, error))?;
    check(&order.folder.join(CONFIG), &config)?;
    Ok(config)
}

fn write(
    folder: &Utf8Path,
    draft: &Draft,
    login: Option<&LoginKey>,
    config: &str,
    steps: &[SetupStep],
) -> Result<Vec<String>, Failure> {
    let mut making = Making::begin(folder)?;
    making.volunteer_key(draft.target.name.as_str())?;
    if let Some(login) = login {
        making.doctor_key(login)?;
    }
    for (name, secret) in &draft.secrets {
        making.secret(name, secret)?;
    }
    if let Some((file, _)) = &draft.invite {
        making.public(INVITE, file)?;
    }
    making.public(CONFIG, config.as_bytes())?;
    let choices = serde_json::to_string_pretty(&draft.choices)?;
    making.public(CHOICES, format!("{choices}\n").as_bytes())?;
    for step in steps {
        if let Some(name) = step.own_file() {
            making.public(name, format!("{}\n", step.text).as_bytes())?;
        }
    }
    making.public(PAGE, setup_page(&heading(&draft.target.name), steps).as_bytes())?;
    Ok(making.keep())
}

fn next(order: &OfferNew, files: &[String]) -> Vec<String> {
    if files.is_empty() {
        return vec!["dry run: nothing was written".to_owned()];
    }
    let folder: &Utf8PathBuf = &order.folder;
    let mut next = vec![format!("do the steps above; they are in {} too", folder.join(PAGE))];
    if order.invite.is_none() {
        next.push("get the invite of the project, and put its key where the steps say so".to_owned());
    }
    next.push(format!("cd {folder} && spartacus offer doctor"));
    next.push("spartacus offer seal".to_owned());
    next
}
