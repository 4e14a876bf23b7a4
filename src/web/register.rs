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

use super::answers::{self, Refused};
use super::asker::Asker;
use super::offers::{asker, seconds};
use super::view::Web;
use super::{fields, frame, routes};
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
        @match (invite, script) {
            (Some(invite), Some(_)) => {
                (fields::section(invite))
                noscript { p { "Your browser runs no scripts here, so it cannot seal for you: take the program, as described below." } }
                (send("2. Send", &token, pasted))
                (commands(invite, "Or with the program"))
            }
            (Some(invite), None) => {
                (commands(invite, "1. Seal it with the program"))
                (send("2. Send", &token, pasted))
            }
            (None, _) => (send("Send", &token, pasted)),
        }
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
            "With some web space you can keep a copy that everybody can verify: " (invite.needs.bytes) " today. You can pause or leave on any \
             day. " a href="invite" { "The invite" } " says what is stored, and where pushes come from."
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

/// The only form: what is posted is a sealed file, wherever it was sealed.
fn send(title: &str, token: &str, pasted: &str) -> Markup {
    html! {
        h2 #send { (title) }
        form #offer method="post" action="offers" {
            input type="hidden" name="token" value=(token);
            label for="file" { "The sealed file" }
            small #file-words {
                "What was sealed stands here, with your signature. What is secret in it can be read by the maintainers alone, not by \
                 this server. Later changes that you signed, such as a pause, go here as well."
            }
            textarea #file name="offer" required aria-describedby="file-words" spellcheck="false" autocomplete="off" { (pasted) }
            button type="submit" { "Send it to the maintainers" }
        }
        p.soft { "You get a ticket, which tells how it stands. Nothing is connected to before a maintainer has read your offer." }
    }
}

/// For people whose browser does not seal, and for those who would not have it do so.
fn commands(invite: &Invite, title: &str) -> Markup {
    html! {
        h2 { (title) }
        p {
            code { "spartacus" } " asks what it needs, writes the set-up of your server, tries the place, and seals what is secret on your own \
             machine. Save " a href="invite.json" download { "invite.json" } ", the signed invite, then:"
        }
        pre {
            "spartacus offer new my-mirror --invite invite.json --pin " (invite.pin) "\n"
            "cd my-mirror\n"
            "spartacus offer doctor\n"
            "spartacus offer seal"
        }
        p { "Paste what is in " code { "offer.json" } " then into the field " a href="#send" { "The sealed file" } ", and send it." }
    }
}
