//! What is said the same way for several protocols.

use super::SetupStep;
use crate::config::SecretRef;

/// How secrets get into the files that `targets.yaml` names; none for those that come from elsewhere.
pub(super) fn keep_secrets(secrets: &[(&str, &SecretRef)]) -> Option<SetupStep> {
    let file = |(what, secret): &(&str, &SecretRef)| match secret {
        // Those that lie elsewhere are there already.
        SecretRef::File(path) if path.parent().is_none_or(|parent| parent.as_str().is_empty()) => {
            Some(format!("(umask 077 && cat > {path})     # the {what}, then Enter and Ctrl-D"))
        }
        _ => None,
    };
    let lines: Vec<String> = secrets.iter().filter_map(file).collect();
    let why = "In the folder of your offer, unless you gave them before. Only you can read these files, and no history of a shell has them.";
    (!lines.is_empty()).then(|| SetupStep::commands("Keep what you were shown", why, &lines))
}

/// Without it a mirror is of no use to anybody.
pub(super) fn no_public_address() -> SetupStep {
    SetupStep::words(
        "Choose a public address",
        "Readers need an address where they find the folder over https, without a login. Write it into targets.yaml as public_url, and \
         ask for these steps again: spartacus offer setup.",
    )
}
