//! The registration form.
//!
//! Only a sealed file is ever posted. What it is made of is filled in outside of the form, in fields without names, by people whose
//! browser runs the script that seals; for all others the page tells the commands. docs/web.md names what the script relies on.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, StatusCode, header};
use maud::{Markup, html};
use serde_json::json;

use super::answers::{self, Refused};
use super::asker::Asker;
use super::offers::{asker, seconds};
use super::view::Web;
use super::{frame, routes};
use crate::registration::Invite;

/// `GET /register`
pub(super) async fn show(State(web): State<Arc<Web>>, request: Request) -> Response {
    form(&web, asker(&request), StatusCode::OK, None, "")
}

/// The form once more, with what was wrong and with what was pasted.
pub(super) fn again(web: &Web, asker: Asker, refused: &Refused, pasted: &str) -> Response {
    refused.timed(form(web, asker, refused.status, Some(refused), pasted))
}

/// `GET /assets/<name>`: the script, whose name changes with it.
pub(super) async fn script(
    State(web): State<Arc<Web>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    match web.script.as_ref().filter(|script| name.is_ok_and(|Path(name)| name == script.name)) {
        Some(script) => answers::file(&script.asset, &headers, "public, max-age=31536000, immutable"),
        None => Refused::new(StatusCode::NOT_FOUND, "there is nothing at this address").to_page("../"),
    }
}

fn form(web: &Web, asker: Asker, status: StatusCode, refused: Option<&Refused>, pasted: &str) -> Response {
    let Some(view) = web.view() else { return routes::nothing_yet().to_page("") };
    let invite = view.invite(web.clock.now());
    let title = format!("Register a mirror of {}", view.about.project);
    let token = web.tokens.new_token(asker.network(), seconds(web));
    let script = web.script.as_ref().filter(|_| invite.is_some());
    let body = html! {
        h1 { (title) }
        @if let Some(refused) = refused {
            p role="alert" { (refused.words) "." }
            @if let Some(hint) = &refused.hint { p { (hint) } }
        }
        @match invite {
            Some(invite) => (about(invite)),
            None => p { "The project invites nobody new at the moment. Whoever has offered something already can send changes below." },
        }
        @if let (Some(_), Some(invite)) = (script, invite) { (section(invite)) }
        @if let Some(invite) = invite { (commands(invite, script.is_some())) }
        h2 #send { "Send" }
        form #offer method="post" action="offers" {
            input type="hidden" name="token" value=(token);
            label for="file" { "The sealed file" }
            small #file-words { "It begins with { and has your signature. Nothing secret in it is readable to us here, or to anybody on the way." }
            textarea #file name="offer" required aria-describedby="file-words" spellcheck="false" autocomplete="off" { (pasted) }
            button type="submit" { "Send it to the maintainers" }
        }
        p.soft { "You get a number with which you can see how it stands. Nothing is looked at or connected to before a maintainer has read it." }
    };
    let tail = html! {
        @if let Some(script) = script {
            script src={ "assets/" (script.name) } integrity=(script.integrity) crossorigin="anonymous" defer {}
        }
    };
    let mut response = answers::of(status, "text/html; charset=utf-8", frame::page(&title, "", &body, &tail));
    let policy = if script.is_some() { frame::script_policy() } else { frame::policy(true) };
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    // With none at all, browsers do not say either where the form is posted from.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// What a volunteer agrees to.
fn about(invite: &Invite) -> Markup {
    html! {
        p {
            "With some web space you can keep a copy that everybody can verify: " (invite.needs.bytes) " today. "
            a href="invite" { "The invite" } " says what is stored, and where pushes come from."
        }
        @if !invite.conditions.is_empty() {
            h2 { "What we agree on" }
            ul { @for condition in &invite.conditions { li { (condition) } } }
        }
        p { "Pin of the project: " code { (invite.pin) } ". Compare it with what the project says elsewhere, before you write a secret here." }
        details {
            summary { "To whom secrets are sealed" }
            p { "Compare these, too. The program does it for you: it seals only for what the pin vouches for." }
            ul { @for recipient in &invite.recipients { li { code { (recipient) } } } }
        }
    }
}

/// For people whose browser does not seal, and for those who would not have it do so.
fn commands(invite: &Invite, or_here: bool) -> Markup {
    html! {
        h2 { @if or_here { "Or with the program" } @else { "With the program" } }
        p { "It asks what it needs, tries the place, and seals what is secret on your own machine:" }
        pre {
            "spartacus offer new my-mirror --invite invite.json --pin " (invite.pin) "\n"
            "cd my-mirror\n"
            "spartacus offer doctor\n"
            "spartacus offer seal"
        }
        p { a href="invite.json" download { "invite.json" } " is the signed invite. Paste below what was sealed." }
    }
}

/// The fields of a place. They have no names and stand in no form, so no browser posts them; the script shows them.
fn section(invite: &Invite) -> Markup {
    let data = json!({
        "project": invite.project,
        "pin": invite.pin,
        "recipients": invite.recipients,
        "expires": invite.expires,
        "conditions": invite.conditions,
    });
    html! {
        section #register hidden data-invite=(data.to_string()) aria-labelledby="fill" {
            h2 #fill { "Fill in" }
            p { "What you write here is sealed and signed in your browser. It does not leave it before that." }
            fieldset {
                legend { "What everybody may know" }
                (field("name", "Name of the mirror", "Letters a-z, digits, '.', '_' and '-'.", "text"))
                (field("public_url", "Public address", "Where readers find the files: https://mirror.example.org/archive/", "url"))
                (field("operator", "Who runs it", "May stay empty.", "text"))
                (field("country", "Country", "Two letters, such as DE. May stay empty.", "text"))
                (field("network", "Hosting network", "Such as AS64496. May stay empty.", "text"))
                (field("limits.max_bytes", "Most that may lie there", "Such as 200 GiB. May stay empty.", "text"))
                (field("limits.bandwidth", "Most that is sent in a second", "Such as 10 MiB. May stay empty.", "text"))
                (flag("limits.metered", "I pay for what is sent"))
                (field("days", "For how many days you offer it", "Up to 400; you are reminded before it ends.", "number"))
            }
            label for="f-kind" { "How files get there" }
            select #f-kind data-field="kind" {
                option value="sftp" { "SFTP" }
                option value="s3" { "S3" }
                option value="webdav" { "WebDAV" }
            }
            (sftp(invite))
            fieldset data-kind="s3" hidden {
                legend { "S3" }
                (field("s3.endpoint", "Service address", "https://s3.example.org", "url"))
                (field("s3.region", "Region", "Such as us-east-1.", "text"))
                (field("s3.bucket", "Bucket", "", "text"))
                (field("s3.prefix", "Prefix", "The folder in it. May stay empty.", "text"))
                (flag("s3.virtual_host", "The bucket is named in the host name"))
                (field("s3.access_key", "Access key", "Sealed.", "text"))
                (field("s3.secret_key", "Secret key", "Sealed.", "password"))
            }
            fieldset data-kind="webdav" hidden {
                legend { "WebDAV" }
                (field("webdav.url", "Address of the folder", "https://cloud.example.org/remote.php/dav/files/mirror/", "url"))
                (field("webdav.user", "User", "", "text"))
                (field("webdav.password", "App password", "Sealed. Make one for this alone.", "password"))
            }
            fieldset {
                legend { "What only the maintainers may know" }
                (field("contact", "Mail address", "Where you hear of troubles of your mirror. Sealed.", "email"))
                (area("notes", "Anything else", "Sealed. May stay empty."))
            }
            button type="button" data-action="seal" { "Seal and sign" }
            p data-role="status" role="status" {}
            p { a href="#send" data-action="key" hidden { "Keep volunteer.key: with it you change or withdraw the offer" } }
        }
    }
}

fn sftp(invite: &Invite) -> Markup {
    html! {
        fieldset data-kind="sftp" {
            legend { "SFTP" }
            @if !invite.deploy_keys.is_empty() {
                p { "No secret is needed: let this key in, locked into one folder." }
                @for key in &invite.deploy_keys { pre { (key) } }
            }
            (field("sftp.host", "Host", "", "text"))
            (field("sftp.port", "Port", "22 if you do not say.", "number"))
            (field("sftp.user", "User", "", "text"))
            (field("sftp.path", "Folder", "As the account sees it.", "text"))
            (area("sftp.host_keys", "Host keys", "One a line, read on the server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"))
            (field("sftp.password", "Password", "Better none. Sealed.", "password"))
        }
    }
}

/// One field, with what is said about it and a place for what is wrong with it.
fn field(name: &str, label: &str, about: &str, kind: &str) -> Markup {
    let id = id(name);
    html! {
        label for=(id) { (label) }
        input id=(id) data-field=(name) type=(kind) autocomplete="off" spellcheck="false" aria-describedby={ (id) "-about " (id) "-error" };
        (notes(name, &id, about))
    }
}

fn area(name: &str, label: &str, about: &str) -> Markup {
    let id = id(name);
    html! {
        label for=(id) { (label) }
        textarea id=(id) data-field=(name) rows="3" autocomplete="off" spellcheck="false" aria-describedby={ (id) "-about " (id) "-error" } {}
        (notes(name, &id, about))
    }
}

fn flag(name: &str, label: &str) -> Markup {
    let id = id(name);
    html! {
        label.flag for=(id) { input id=(id) data-field=(name) type="checkbox"; (label) }
        (notes(name, &id, ""))
    }
}

fn notes(name: &str, id: &str, about: &str) -> Markup {
    html! {
        small id={ (id) "-about" } { (about) }
        " "
        small id={ (id) "-error" } data-error=(name) {}
    }
}

fn id(name: &str) -> String {
    format!("f-{}", name.replace('.', "-"))
}
