//! What our own pages share: the form, tickets, and what is said when something does not work.

use std::sync::LazyLock;

use hyper::header::HeaderValue;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::view::style_policy;

/// The style, inline and named by its digest: nothing is fetched for a page.
const STYLE: &str = include_str!("style.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| style_policy(STYLE, ""));
static FORM_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| with_form(""));
static SCRIPT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| with_form("; script-src 'self'"));

/// A form of ours may be posted to ourselves.
fn with_form(more: &str) -> HeaderValue {
    let policy = style_policy(STYLE, more);
    let text = policy.to_str().unwrap_or_default().replace("form-action 'none'", "form-action 'self'");
    HeaderValue::try_from(text).unwrap_or(policy)
}

/// The policy of a page without a form and script of ours, or of the form (`true`) without its script.
pub(super) fn policy(form: bool) -> HeaderValue {
    if form { FORM_POLICY.clone() } else { POLICY.clone() }
}

/// The policy of the form with its script.
pub(super) fn script_policy() -> HeaderValue {
    SCRIPT_POLICY.clone()
}

/// A whole page; `up` leads from it to the root; `tail` comes last.
pub(super) fn page(title: &str, up: &str, body: &Markup, tail: &Markup) -> String {
    let root = if up.is_empty() { "./" } else { up };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                nav aria-label="Pages" {
                    a href=(root) { "All mirrors" } " "
                    a href={ (up) "invite" } { "The invite" } " "
                    a href={ (up) "register" } { "Register a mirror" }
                }
                main { (body) }
                (tail)
            }
        }
    }
    .into_string()
}
