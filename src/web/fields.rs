//! The fields of a place. They have no names and stand in no form, so no browser posts them; the script shows them, reads them, and
//! says beside each what is wrong with it. docs/web.md names what it relies on.

use maud::{Markup, html};
use serde_json::json;

use crate::registration::{Invite, authorized_keys};

/// All that is filled in, hidden until the script is there to seal it.
pub(super) fn section(invite: &Invite) -> Markup {
    let data = json!({
        "project": invite.project,
        "pin": invite.pin,
        "recipients": invite.recipients,
        "expires": invite.expires,
        "conditions": invite.conditions,
    });
    html! {
        section #register hidden data-invite=(data.to_string()) aria-labelledby="fill" {
            h2 #fill { "1. Fill in and seal" }
            p {
                "What you write here stays in your browser. There it is signed, and what is private is sealed so that only the maintainers \
                 can open it; then you send the result. Whatever is not optional is needed."
            }
            fieldset {
                legend { "How the files get there" }
                label for="f-kind" { "Protocol" }
                select #f-kind data-field="kind" {
                    option value="sftp" { "SFTP: an account on a server" }
                    option value="s3" { "S3: a bucket" }
                    option value="webdav" { "WebDAV: Nextcloud, Apache, nginx" }
                }
            }
            (sftp(invite))
            (s3())
            (webdav())
            fieldset {
                legend { "What readers see" }
                (needed("public_url", "Public address", "Where readers find the same folder, without a login: https://mirror.example.org/archive/", "url"))
                (needed("name", "Name of the mirror", "Such as paris-1: a-z, 0-9, '.', '_' and '-'.", "text"))
                (optional("operator", "Who runs it", "You, or your organisation.", "text"))
                (optional("country", "Country of the server", "Two letters, such as DE.", "text"))
                (optional("network", "Hosting network", "Such as AS64496, or the name of the hoster.", "text"))
            }
            fieldset {
                legend { "What you allow" }
                (needed("days", "For how many days you offer it", "400 at most. You are reminded before it ends, and can go on.", "number"))
                (optional("limits.max_bytes", "Most that may lie there", "Such as 200 GiB.", "text"))
                (optional("limits.bandwidth", "Most that is sent in a second", "Such as 10 MiB.", "text"))
                (flag("limits.metered", "I pay for what is sent"))
            }
            fieldset {
                legend { "What only the maintainers see" }
                (optional("contact", "Mail address", "Where you hear that something is wrong with your mirror. Sealed.", "email"))
                (area("notes", "Anything else", true, &html! { "Sealed." }))
            }
            button type="button" data-action="seal" { "Seal and sign" }
            p data-role="status" role="status" {}
            p { a.button href="#send" data-action="key" hidden { "Save volunteer.key" } }
        }
    }
}

fn sftp(invite: &Invite) -> Markup {
    html! {
        fieldset data-kind="sftp" {
            legend { "The account with SFTP" }
            @if !invite.deploy_keys.is_empty() {
                p {
                    "Our key logs in, so you give away no secret. Put this into " code { "~/.ssh/authorized_keys" }
                    " of an account that has nothing but one folder:"
                }
                pre { (authorized_keys(invite)) }
            }
            (needed("sftp.host", "Server", "Such as sftp.example.org.", "text"))
            (optional("sftp.port", "Port", "22 if you do not say.", "number"))
            (needed("sftp.user", "Login name", "", "text"))
            (needed("sftp.path", "Folder", "As the account sees it, such as /data or public_html/archive.", "text"))
            (area("sftp.host_keys", "Host keys of the server", false, &html! {
                "One a line, beginning with SHA256: or ssh-. On the server " code { "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" }
                " prints one; a hoster has them in its help pages."
            }))
            (optional("sftp.password", "Password", "Only if our key cannot log in. Sealed.", "password"))
        }
    }
}

fn s3() -> Markup {
    html! {
        fieldset data-kind="s3" hidden {
            legend { "The bucket" }
            (needed("s3.endpoint", "Address of the service", "Such as https://s3.example.org", "url"))
            (optional("s3.region", "Region", "Such as us-east-1; many services have none.", "text"))
            (needed("s3.bucket", "Bucket", "", "text"))
            (optional("s3.prefix", "Folder in the bucket", "Such as archive/; otherwise all of it is ours.", "text"))
            (flag("s3.virtual_host", "The name of the bucket is part of the host name"))
            p { "Make a key that can do nothing else but write there. Both halves are sealed." }
            (needed("s3.access_key", "Access key", "", "text"))
            (needed("s3.secret_key", "Secret key", "", "password"))
        }
    }
}

fn webdav() -> Markup {
    html! {
        fieldset data-kind="webdav" hidden {
            legend { "The folder with WebDAV" }
            (needed("webdav.url", "Address of the folder", "Such as https://cloud.example.org/remote.php/dav/files/mirror/", "url"))
            (optional("webdav.user", "Login name", "Best a user with nothing else in it.", "text"))
            (optional("webdav.password", "Password", "An app password, made for this alone. Sealed.", "password"))
        }
    }
}

fn needed(name: &str, label: &str, about: &str, kind: &str) -> Markup {
    field(name, label, about, kind, false)
}

fn optional(name: &str, label: &str, about: &str, kind: &str) -> Markup {
    field(name, label, about, kind, true)
}

/// One field: what it is, what is said about it, and a place for what is wrong with it.
fn field(name: &str, label: &str, about: &str, kind: &str, is_optional: bool) -> Markup {
    let id = id(name);
    // What a browser knows of logins to this site is no login to the place.
    let known = if kind == "password" { "new-password" } else { "off" };
    html! {
        (head(&id, label, is_optional, &html! { (about) }))
        input id=(id) data-field=(name) type=(kind) autocomplete=(known) autocapitalize="none" spellcheck="false"
            aria-required=(!is_optional) aria-describedby={ (id) "-about " (id) "-error" };
        (problem(name, &id))
    }
}

/// The same for several lines.
fn area(name: &str, label: &str, is_optional: bool, about: &Markup) -> Markup {
    let id = id(name);
    html! {
        (head(&id, label, is_optional, about))
        textarea id=(id) data-field=(name) rows="3" autocomplete="off" spellcheck="false"
            aria-required=(!is_optional) aria-describedby={ (id) "-about " (id) "-error" } {}
        (problem(name, &id))
    }
}

fn flag(name: &str, label: &str) -> Markup {
    let id = id(name);
    html! {
        label.flag for=(id) { input id=(id) data-field=(name) type="checkbox" aria-describedby={ (id) "-error" }; (label) }
        (problem(name, &id))
    }
}

fn head(id: &str, label: &str, is_optional: bool, about: &Markup) -> Markup {
    html! {
        label for=(id) { (label) @if is_optional { " " span.soft { "(optional)" } } }
        small id={ (id) "-about" } { (about) }
    }
}

fn problem(name: &str, id: &str) -> Markup {
    html! { p.problem id={ (id) "-error" } data-error=(name) {} }
}

fn id(name: &str) -> String {
    format!("f-{}", name.replace('.', "-"))
}
