//! Messages of volunteers come in, and who has a ticket learns how it stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{HeaderMap, StatusCode, header};
use maud::{Markup, html};

use super::answers::{self, Refused};
use super::asker::Asker;
use super::counts::Post;
use super::routes::nothing_yet;
use super::view::Web;
use super::{register, token};
use crate::base::Hinted as _;
use crate::history::{Received, Reception, TicketState, TicketView};
use crate::registration::{LONGEST_OFFER, Message, Ticket};

/// How long the body of a post may take.
const BODY: Duration = Duration::from_secs(10);

/// `POST /offers`: the form, with a signed file in it.
pub(super) async fn post_form(State(web): State<Arc<Web>>, request: Request) -> Response {
    let asker = asker(&request);
    let headers = request.headers().clone();
    let read = async {
        allow(&web, asker)?;
        if token::is_from_elsewhere(&headers) {
            web.counts.post(Post::Forged);
            return Err(Refused::new(StatusCode::FORBIDDEN, "a page of another site sent this"));
        }
        expect_kind(&web, &headers, "application/x-www-form-urlencoded")?;
        body(&web, request.into_body()).await
    };
    let fields = match read.await {
        Ok(body) => Fields::read(&body),
        Err(refused) => return refused.to_page(""),
    };
    if !web.tokens.is_good(&fields.token, asker.network(), seconds(&web)) {
        web.counts.post(Post::Forged);
        let words = "this form was open for too long, or another network sent it than the one that fetched it";
        let refused = Refused::new(StatusCode::FORBIDDEN, words).hint("What you wrote is still there: send it once more.");
        return register::again(&web, asker, &refused, &fields.offer);
    }
    match take_in(&web, fields.offer.clone().into_bytes().into()).await {
        Ok((ticket, _)) => answers::redirect(StatusCode::SEE_OTHER, &format!("offers/{ticket}")),
        Err(refused) => register::again(&web, asker, &refused, &fields.offer),
    }
}

/// `GET /offers/<ticket>`.
pub(super) async fn show(State(web): State<Arc<Web>>, Path(ticket): Path<String>) -> Response {
    let (ticket, view) = match find(&web, &ticket).await {
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

/// Counts a post against what its network and everybody may.
pub(super) fn allow(web: &Web, asker: Asker) -> Result<(), Refused> {
    web.posts.take(asker.network(), Instant::now()).map_err(|after| {
        web.counts.post(Post::Limited);
        Refused::new(StatusCode::TOO_MANY_REQUESTS, "too much was sent from your network, or from everywhere at once")
            .hint("Try again later, or mail the file.")
            .after(after)
    })
}

/// Refuses what does not come as `kind`.
pub(super) fn expect_kind(web: &Web, headers: &HeaderMap, kind: &str) -> Result<(), Refused> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if said.split(';').next().is_some_and(|said| said.trim().eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    web.counts.post(Post::Refused);
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("this is not sent as {kind}")))
}

/// The body, within its length and its time, while there is room for it in memory.
pub(super) async fn body(web: &Web, body: Body) -> Result<Bytes, Refused> {
    let Ok(_permit) = web.reading.try_acquire() else {
        web.counts.post(Post::Limited);
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "many people send something just now").after(BODY));
    };
    let longest = usize::try_from(LONGEST_OFFER).expect("64 KiB fit");
    let refused = match tokio::time::timeout(BODY, Limited::new(body, longest).collect()).await {
        Ok(Ok(body)) => return Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "this is longer than 64 KiB").hint("A sealed offer has a few KiB.")
        }
        Ok(Err(_)) => Refused::new(StatusCode::BAD_REQUEST, "this did not come whole"),
        Err(_) => Refused::new(StatusCode::REQUEST_TIMEOUT, "this did not come within 10 seconds"),
    };
    web.counts.post(Post::Refused);
    Err(refused)
}

/// Keeps a signed file, if it is one for this project. Nobody is asked anything over the network.
pub(super) async fn take_in(web: &Arc<Web>, file: Bytes) -> Result<(Ticket, Reception), Refused> {
    let Some(view) = web.view() else { return Err(nothing_yet()) };
    let worker = Arc::clone(web);
    let work = move || {
        let now = worker.clock.now();
        let message = Message::read(&file, view.about.pin, now).map_err(|error| {
            worker.counts.post(Post::Refused);
            let refused = Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("this was not taken: {error}"));
            match error.hint() {
                Some(hint) => refused.hint(hint),
                None => refused,
            }
        })?;
        let ticket = message.ticket();
        let received = Received { ticket: ticket.to_string(), sequence: message.sequence, received: now, bytes: file };
        let length = received.bytes.len();
        let reception = worker.writer().receive(&received, view.about.most_waiting).map_err(|error| out_of_order(&error))?;
        worker.counts.post(match reception {
            Reception::Kept => Post::Kept,
            Reception::Known => Post::Known,
            Reception::Full => Post::Full,
        });
        tracing::info!(%ticket, sequence = message.sequence, length, result = ?reception, "a message came");
        if reception == Reception::Full {
            return Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "as many offers wait as the maintainers want to have waiting",
            )
            .hint("Keep the file, and send it in some days; nothing of it is lost.")
            .after(Duration::from_hours(24)));
        }
        Ok((ticket, reception))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// What is known under a ticket.
pub(super) async fn find(web: &Arc<Web>, text: &str) -> Result<(Ticket, TicketView), Refused> {
    let unknown = || {
        Refused::new(StatusCode::NOT_FOUND, "there is no such ticket")
            .hint("Tickets look like t-7k3q-9xzd-2f4h-m8vw; they end with the offer.")
    };
    let ticket: Ticket = text.parse().map_err(|_| unknown())?;
    let Ok(_permit) = web.asking.try_acquire() else {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "many people ask just now").after(Duration::from_secs(5)));
    };
    let (front, asked) = (web.reader(), ticket.to_string());
    let found = tokio::task::spawn_blocking(move || front.ticket(&asked)).await;
    let found = found.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    found.map_err(|error| out_of_order(&error))?.map(|view| (ticket, view)).ok_or_else(unknown)
}

/// The log says what it is; strangers learn that it is not their fault.
fn out_of_order(error: &crate::history::HistoryError) -> Refused {
    tracing::warn!("the front database cannot be used: {}", crate::base::causes(error).join(": "));
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be used at the moment").after(Duration::from_mins(1))
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
