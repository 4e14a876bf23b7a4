//! An invite as a page: to be read, printed and hung up.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Invite;

/// Plain enough for paper, and readable in the dark.
const STYLE: &str = ":root{color-scheme:light dark;--page:#fbfaf7;--ink:#1d2327;--link:#1f5f8b;--line:#c9c6bb}\
    @media (prefers-color-scheme:dark){:root{--page:#14181b;--ink:#e7e9e6;--link:#86c0e8;--line:#475258}}\
    body{margin:0;background:var(--page);color:var(--ink);overflow-wrap:anywhere;\
    font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}\
    main,nav{max-width:46rem;margin:0 auto;padding:0 1.25rem}nav{padding-top:1.25rem;font-size:.9rem}main{padding-bottom:4rem}\
    h1{font-size:1.5rem;line-height:1.25;margin:1rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem}a{color:var(--link)}\
    code,pre{font:14px/1.4 ui-monospace,\"DejaVu Sans Mono\",monospace}\
    pre{white-space:pre-wrap;border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem}\
    dt{font-weight:600;margin-top:.75rem}dd{margin:0}\
    @media print{:root{--page:#fff;--ink:#000;--link:#000}main{max-width:none;padding:0}nav{display:none}}";

/// The page, without scripts and without anything from elsewhere. Nothing in it is secret, and nothing of it is signed: it says where
/// the signed file is to be compared. `form`: the address of the registration form, where the page is served beside one.
#[must_use]
pub fn invite_page(invite: &Invite, form: Option<&str>) -> String {
    let title = format!("Mirrors wanted: {}", invite.project);
    let page: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if form.is_some() { nav aria-label="Pages" { a href="./" { "All mirrors" } } }
                main {
                    h1 { (title) }
                    p {
                        "With some web space you can keep a copy of " (invite.project) " that everybody can verify. You need no more than an account \
                         that is locked into one folder; what you give us for it is sealed, and you can leave at any time."
                    }
                    @if let Some(form) = form {
                        p { strong { a href=(form) { "Register a mirror" } } ", with the form on this site." }
                    }
                    (facts(invite))
                    h2 { "How" }
                    ol {
                        li {
                            "Make an account for one folder, by SFTP, WebDAV or S3, and an address where readers find that folder. "
                            code { "spartacus offer new my-mirror --invite invite.json --pin PIN" } " asks what you have, and says what to do."
                        }
                        li { "Let it be looked at: " code { "spartacus offer doctor" } ". It says what is missing, and what is too much." }
                        li {
                            "Tell us of it (see above). " code { "spartacus offer seal" } " writes what to send. By hand: seal passwords and \
                             keys to both recipients below, with age; an account with SFTP needs none."
                        }
                    }
                    @if !invite.deploy_keys.is_empty() {
                        h3 { "For SFTP: the line in authorized_keys" }
                        pre { (authorized_keys(invite)) }
                    }
                    h3 { "To seal a secret" }
                    pre { "age -a" @for recipient in &invite.recipients { " -r " (recipient) } " -o secret.age" }
                    @if !invite.conditions.is_empty() {
                        h2 { "What we agree on" }
                        @for condition in &invite.conditions { p { (condition) } }
                    }
                    h2 { "Is it from us?" }
                    p {
                        "This page is not signed; " a href="invite.json" { "invite.json" } " is, with the same in it. Compare the pin with \
                         what we say elsewhere, and let the file be verified:"
                    }
                    pre { "spartacus invite --show invite.json --pin " (invite.pin) }
                }
            }
        }
    };
    page.into_string()
}

fn facts(invite: &Invite) -> Markup {
    let needs = &invite.needs;
    let day = |moment: jiff::Timestamp| moment.strftime("%Y-%m-%d").to_string();
    html! {
        dl {
            dt { "What is stored" }
            dd {
                (needs.bytes) " in " (needs.files) " files"
                @if let Some(newest) = &needs.newest { "; the newest release, " (newest) ", has " (needs.newest_bytes) }
                @if let Some(growth) = needs.growth_per_year { "; about " (growth) " more in a year" }
                "."
            }
            dt { "Where offers go" }
            @for place in &invite.send_to {
                dd { a href=(place) { (place.strip_prefix("mailto:").unwrap_or(place)) } }
            }
            @if !invite.from.is_empty() {
                dt { "We push and look from" }
                dd { code { (invite.from.join(", ")) } }
            }
            dt { "By" }
            dd { (invite.protocols.join(", ")) }
            dt { "Pin" }
            dd { code { (invite.pin) } }
            dt { "This invite holds" }
            dd { "from " (day(invite.at)) " until " (day(invite.expires)) }
        }
    }
}

/// The lines for `authorized_keys`: one for each key, with no more rights than a push needs, and only from our own addresses where
/// they are known.
#[must_use]
pub fn authorized_keys(invite: &Invite) -> String {
    let from = if invite.from.is_empty() { String::new() } else { format!(",from=\"{}\"", invite.from.join(",")) };
    let line = |key: &String| format!("restrict,command=\"internal-sftp\"{from} {key}");
    invite.deploy_keys.iter().map(line).collect::<Vec<_>>().join("\n")
}
