//! Messages of volunteers come in, and who has a ticket learns how it stands.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hyper::{HeaderMap, StatusCode};
use maud::{Markup, html};

use super::answers::{self, Refused};
use super::asker::Asker;
use super::counts::Post;
use super::view::Web;
use super::{intake, register, token};
use crate::history::{TicketState, TicketView};
use crate::registration::{Ticket, without_mail};

/// A form needs three bytes for many a letter of a file, so the file may be short enough and the form too long.
const BY_CURL: &str = "A form makes a file longer. Send the file itself: curl -H 'Content-Type: application/json' --data-binary @offer.json \
    https://THIS-SITE/api/v1/offers, or mail it.";
/// The only way in which people meet that refusal who did nothing wrong.
const OTHER_HOST: &str =
    "If you did write it here: the web server before this page has to pass the name of the host on; tell the maintainers.";

/// `POST /offers`: the form, with a signed file in it.
pub(super) async fn post_form(State(web): State<Arc<Web>>, request: Request) -> Response {
    let asker = asker(&request);
    let (head, body) = request.into_parts();
    let headers = &head.headers;
    let room = intake::allow(&web, asker)
        .and_then(|()| intake::expect_kind(&web, headers, "application/x-www-form-urlencoded"))
        .and_then(|()| intake::room(&web));
    let _room = match room {
        Ok(room) => room,
        Err(refused) => {
            let fields = intake::rest(&web, body).await.map(|body| Fields::read(&body));
            return fields.map_or_else(|| refused.to_page(""), |fields| give_back(&web, asker, headers, &refused, &fields));
        }
    };
    let fields = match intake::body(&web, body).await {
        Ok(body) => Fields::read(&body),
        Err(refused) if refused.status == StatusCode::PAYLOAD_TOO_LARGE => return refused.hint(BY_CURL).to_page(""),
        Err(refused) => return refused.to_page(""),
    };
    if token::is_from_elsewhere(headers) {
        web.counts.post(Post::Forged);
        let refused = Refused::new(StatusCode::FORBIDDEN, "a page of another site sent this");
        return give_back(&web, asker, headers, &refused.hint(OTHER_HOST), &fields);
    }
    if !web.tokens.is_good(&fields.token, asker.network(), seconds(&web)) {
        web.counts.post(Post::Forged);
        let words = "this form was open for too long, or another network sent it than the one that fetched it";
        let refused = Refused::new(StatusCode::FORBIDDEN, words).hint("What you wrote is still there: send it once more.");
        return register::again(&web, asker, &refused, &fields.offer);
    }
    // What is pasted may have a mail around it.
    let file = Bytes::copy_from_slice(&without_mail(fields.offer.as_bytes()));
    match intake::take_in(&web, file).await {
        Ok(taken) => answers::redirect(StatusCode::SEE_OTHER, &format!("offers/{}", taken.ticket)),
        Err(refused) => register::again(&web, asker, &refused, &fields.offer),
    }
}

/// The form with what was pasted into it, unless another site may have written that: then a visitor would send it with one click.
fn give_back(web: &Web, asker: Asker, headers: &HeaderMap, refused: &Refused, fields: &Fields) -> Response {
    let is_ours = !token::is_from_elsewhere(headers) || web.tokens.is_good(&fields.token, asker.network(), seconds(web));
    if is_ours && !fields.offer.is_empty() { register::again(web, asker, refused, &fields.offer) } else { refused.to_page("") }
}

/// `GET /offers`: where somebody ends up who loads a refused form once more.
pub(super) async fn to_form() -> Response {
    answers::redirect(StatusCode::SEE_OTHER, "register")
}

/// `GET /offers/<ticket>`.
pub(super) async fn show(State(web): State<Arc<Web>>, path: Result<Path<String>, PathRejection>) -> Response {
    let (ticket, view) = match find(&web, path).await {
        Ok(found) => found,
        Err(refused) => return refused.to_page("../"),
    };
    let queue = web.queue();
    let body = html! {
        h1 { "Your offer" }
        p { "Ticket " code { (ticket) } ". Keep the address of this page: whoever has it sees how the offer stands, and nothing else." }
        div class=(if view.state == TicketState::Active { "state good" } else { "state" }) {
            p { strong { (words_for(view.state)) } }
            @for line in view.words.lines() { p { (line) } }
            p.soft { "since " (moment(view.changed)) " UTC" }
        }
        @if let Some(why) = &view.refused { p { "What was sent last was not taken: " (why) } }
        @if let (Some(newest), true) = (view.waiting.last(), view.state != TicketState::Offered) {
            p { "A message of yours came " (moment(*newest)) " UTC and waits for a maintainer." }
        }
        @if !view.waiting.is_empty() {
            p {
                // This offer may be newer than what was last read of the queue.
                "Waiting in all: " (queue.waiting.max(1)) "."
                @if let Some(oldest) = queue.oldest { " The oldest came " (moment(oldest)) " UTC." }
            }
        }
        @if matches!(view.state, TicketState::Offered | TicketState::Verifying) { (next()) }
        @if view.state != TicketState::Retired { (changes()) }
    };
    answers::page(StatusCode::OK, "Your offer", "../", &body)
}

/// What the project does with an offer.
fn next() -> Markup {
    html! {
        h2 { "What happens next" }
        ol {
            li { "A maintainer reads it. Nobody has connected to your server before that." }
            li { "The project logs in and tries the place with small files. If something is not right, you are told, here or by mail." }
            li { "It sends its files, and reads every byte back as readers do." }
            li { "After some good days readers are sent to your mirror." }
        }
        p { "Leave the account open until then. You need not do anything else." }
    }
}

/// What the volunteer can do later.
fn changes() -> Markup {
    html! {
        h2 { "If something changes" }
        p {
            "What you say later is signed with your " code { "volunteer.key" } ". In a folder with that file and the "
            a href="../invite.json" download { "invite.json" } " of the project, type the first line and one of the others:"
        }
        pre { "chmod 600 volunteer.key\nspartacus offer pause --until '14 days'\nspartacus offer resume\nspartacus offer withdraw" }
        p { "Then " a href="../register#send" { "send" } " what is in the file that it makes, as you sent the offer." }
    }
}

/// Who asks, as the guard noted it.
pub(super) fn asker(request: &Request) -> Asker {
    *request.extensions().get::<Asker>().expect("the guard notes who asks")
}

/// What is known under a ticket.
pub(super) async fn find(web: &Arc<Web>, path: Result<Path<String>, PathRejection>) -> Result<(Ticket, TicketView), Refused> {
    let unknown = || {
        Refused::new(StatusCode::NOT_FOUND, "there is no such ticket")
            .hint("Tickets look like t-7k3q-9xzd-2f4h-m8vw; they end with the offer.")
    };
    // What is no text in the address is no ticket either.
    let ticket: Ticket = path.ok().and_then(|Path(text)| text.parse().ok()).ok_or_else(unknown)?;
    let Ok(_permit) = web.asking.try_acquire() else {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "many people ask just now").after(Duration::from_secs(5)));
    };
    let (front, asked) = (web.reader(), ticket.to_string());
    let found = tokio::task::spawn_blocking(move || front.ticket(&asked)).await;
    let found = found.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    found.map_err(|error| intake::out_of_order(web, &error))?.map(|view| (ticket, view)).ok_or_else(unknown)
}

/// What a form says.
struct Fields {
    token: String,
    offer: String,
}

impl Fields {
    /// The first of each name; others are ignored.
    fn read(body: &[u8]) -> Self {
        let first = |name: &str| {
            let mut found = url::form_urlencoded::parse(body).filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        Self { token: first("token"), offer: first("offer") }
    }
}

/// Seconds since 1970.
pub(super) fn seconds(web: &Web) -> u64 {
    u64::try_from(web.clock.now().as_second()).unwrap_or_default()
}

fn moment(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

fn words_for(state: TicketState) -> &'static str {
    match state {
        TicketState::Offered => "It came, and waits for a maintainer to look at it.",
        TicketState::Verifying => "A maintainer looks at the place.",
        TicketState::Rejected => "It was not accepted.",
        TicketState::Probation => "Accepted: it is filled and watched before readers are sent there.",
        TicketState::Active => "It is a mirror. Thank you.",
        TicketState::Paused => "Paused: nothing is sent there.",
        TicketState::Draining => "It is about to end; our files are being removed.",
        TicketState::Retired => "It has ended. Thank you for the time that it stood.",
    }
}
