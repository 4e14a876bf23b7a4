//! Where connections may lead: `addresses:` of a target, and `policy: private_networks`.

use super::super::TargetKind;
use super::super::section::Section;
use super::super::source::Span;
use crate::base::{AddressBlock, Addresses, ParseAddressBlockError};

/// Most networks that are allowed one by one: who has more of them means a larger one.
const MOST: usize = 256;

/// Which addresses the target may have.
pub(super) fn addresses(target: &Section<'_, '_>) -> Addresses {
    if target.entry("addresses").is_none() {
        return Addresses::default();
    }
    // A word that is neither is reported, and then the file is not used.
    target.choice("addresses", &[("public", Addresses::Public), ("anywhere", Addresses::Anywhere)]).unwrap_or_default()
}

/// Behind a proxy or a jump host names are looked up there, and nobody sees which address is connected to.
pub(super) fn needs_a_straight_way(target: &Section<'_, '_>, kind: &TargetKind, span: Span) {
    let what = target.what();
    if let Some((span, _)) = target.entry("proxy") {
        let hint = "write addresses: anywhere if the maintainer vouches for the target, or remove its proxy";
        let message = format!("{what} has a `proxy`, and `addresses: public`");
        target.wrong(span, message, "nobody sees which address is connected to behind it", Some(hint));
    }
    if matches!(kind, TargetKind::Sftp(sftp) if !sftp.jump.is_empty()) {
        let hint = "write addresses: anywhere if the maintainer vouches for the target, or remove its jump hosts";
        let message = format!("{what} has jump hosts, and `addresses: public`");
        target.wrong(span, message, "nobody sees which address is connected to behind them", Some(hint));
    }
}

/// Networks that a maintainer allows.
pub(super) fn private_networks(policy: &Section<'_, '_>) -> Vec<AddressBlock> {
    if policy.entry("private_networks").is_none() {
        return Vec::new();
    }
    let texts = policy.texts("private_networks").unwrap_or_default();
    if let Some(first) = texts.first().filter(|_| texts.len() > MOST) {
        let message = format!("{} networks in `private_networks`", texts.len());
        policy.wrong(first.span, message, "", Some("at most 256: write a larger one that has them"));
        return Vec::new();
    }
    let mut blocks = Vec::new();
    for text in texts {
        match text.text.parse::<AddressBlock>() {
            Ok(block) => blocks.push(block),
            Err(error) => {
                let hint = match error {
                    ParseAddressBlockError::Everything(_) => {
                        "to reach a target wherever it is, write addresses: anywhere for it, or leave addresses: out"
                    }
                    _ => "write networks by their first address: private_networks: [10.0.0.0/8, \"fd00::/8\"]",
                };
                policy.wrong(text.span, format!("`private_networks`: {error}"), "", Some(hint));
            }
        }
    }
    blocks
}
