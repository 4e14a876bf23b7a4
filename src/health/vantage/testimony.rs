//! What a vantage says: one glance at each mirror, with a number and an end.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::{BundleName, Level, Sha256, TargetName, VantageName, sanitise};
use crate::health::{CertificateSight, Depth, Evidence, MirrorCheck, Probes, Reach, Round, Verdict};
use crate::trust::{SigningKey, Statement, TrustError};

/// The purpose under which testimonies are signed, and the name of their form.
pub(super) const SCHEMA: &str = "spartacus.testimony/1";
/// Longest file, in bytes: 10,000 mirrors with evidence.
pub const LONGEST_TESTIMONY: u64 = 16 << 20;
/// Longest time that a testimony may count for.
pub const LONGEST_VALID: Duration = Duration::from_hours(24);
/// Most mirrors in one, as many as a project may have.
const MIRRORS: usize = 10_000;
/// Pieces of evidence that are written of one mirror, the worst ones; and that are read.
const EVIDENCE: usize = 8;
/// Longest address, in bytes.
const LONGEST_ADDRESS: usize = 2048;
/// Address families of one mirror.
const FAMILIES: usize = 2;
/// Largest number that every JSON reader keeps exactly.
const MOST: u64 = 1 << 53;

/// What one vantage saw of the mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// The pin of the project that this is about.
    pub project: Sha256,
    /// Who says so.
    pub vantage: VantageName,
    /// Grows with each testimony of a vantage: an older one is never taken for news.
    pub sequence: u64,
    /// When the looking began.
    pub at: Timestamp,
    /// It counts until then.
    pub expires: Timestamp,
    /// How deep the look went.
    pub depth: Depth,
    /// Whether the vantage was online itself; `None`: it asked nobody.
    pub online: Option<bool>,
    /// A glance at each mirror.
    pub mirrors: Vec<Glance>,
}

/// What a vantage saw of one mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// The mirror's name in the list that the vantage was given.
    pub mirror: TargetName,
    /// The address at which it was read: this is what the glance is about.
    pub url: String,
    /// What it amounts to, measured against the newest that the vantage saw anywhere.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How much is known of the copy.
    pub level: Option<Level>,
    /// The bundle that it presents as newest.
    pub release: Option<BundleName>,
    /// Its timestamp version.
    pub version: Option<u64>,
    /// Whether it was reached, over each address family.
    pub reach: Vec<Reach>,
    /// The certificate that it showed.
    pub certificate: Option<CertificateSight>,
    /// What the verdict rests on, worst first.
    pub evidence: Vec<Evidence>,
}

impl Testimony {
    /// What a round at a vantage saw. `mirrors` are the addresses that were read, in the order of the round; it counts for
    /// `valid`, at most [`LONGEST_VALID`].
    #[must_use]
    pub fn of(project: Sha256, vantage: VantageName, sequence: u64, round: &Round, mirrors: &[Url], valid: Duration) -> Self {
        let glance = |(check, url): (&MirrorCheck, &Url)| {
            let probes = round.probes.get(&check.target).cloned().unwrap_or_default();
            Glance::of(check, url, probes)
        };
        let whole = |moment: Timestamp| Timestamp::from_second(moment.as_second()).unwrap_or(moment);
        let at = whole(round.started);
        let valid = SignedDuration::try_from(valid.min(LONGEST_VALID)).unwrap_or(SignedDuration::ZERO);
        Self {
            project,
            vantage,
            sequence,
            at,
            expires: at + valid,
            depth: round.depth,
            online: round.online,
            mirrors: round.mirrors.iter().zip(mirrors).map(glance).collect(),
        }
    }

    /// The file, signed by `key`.
    ///
    /// # Panics
    /// Never: records have text keys.
    #[must_use]
    pub fn to_file(&self, key: &SigningKey) -> Vec<u8> {
        let signed = serde_json::to_value(self).expect("records have text keys and whole numbers");
        Statement::write(SCHEMA, &signed, key)
    }

    /// What a statement claims, in the form of a testimony, with every text made safe to print.
    pub(super) fn claimed(statement: &Statement) -> Result<Self, String> {
        let claimed: Self = serde_json::from_value(statement.claim().clone()).map_err(|error| sanitise(&error.to_string()))?;
        claimed.checked()
    }

    /// Refuses what nobody needs to say.
    fn checked(mut self) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.mirrors.iter().find(|glance| !names.insert(&glance.mirror)) {
            return Err(format!("{} is in it twice", twice.mirror));
        }
        if self.mirrors.len() > MIRRORS {
            return Err(format!("it is about {} mirrors, at most {MIRRORS} are read", self.mirrors.len()));
        }
        if self.sequence > MOST {
            return Err("its number is larger than 2^53".to_owned());
        }
        self.mirrors.iter_mut().try_for_each(Glance::check)?;
        Ok(self)
    }
}

/// Reads a statement of this form; who made it is not known yet.
pub(super) fn read(file: &[u8]) -> Result<Statement, TrustError> {
    Statement::read(SCHEMA, file)
}

/// An address as it is compared: with and without a slash at its end is the same place.
fn address(url: &Url) -> String {
    format!("{}/", url.as_str().trim_end_matches('/'))
}

impl Glance {
    /// Whether it is about the mirror at this address.
    #[must_use]
    pub fn is_about(&self, url: &Url) -> bool {
        self.url == address(url)
    }

    fn of(check: &MirrorCheck, url: &Url, probes: Probes) -> Self {
        Self {
            mirror: check.target.clone(),
            url: address(url),
            verdict: check.verdict,
            level: check.level,
            release: check.release.clone(),
            version: check.version,
            reach: probes.reach,
            certificate: probes.certificate,
            evidence: check.evidence.iter().take(EVIDENCE).cloned().collect(),
        }
    }

    /// Bounds every list, and makes every text safe to print.
    fn check(&mut self) -> Result<(), String> {
        if self.evidence.len() > EVIDENCE || self.reach.len() > FAMILIES {
            return Err(format!("it says more of {} than is read", self.mirror));
        }
        // It is compared and never asked or shown.
        if self.url.len() > LONGEST_ADDRESS {
            return Err(format!("the address of {} is longer than {LONGEST_ADDRESS} bytes", self.mirror));
        }
        let safe = |text: &mut String| *text = sanitise(text);
        self.evidence.iter_mut().for_each(|fact| safe(&mut fact.what));
        self.reach.iter_mut().filter_map(|reach| reach.trouble.as_mut()).for_each(|trouble| safe(&mut trouble.what));
        if let Some(certificate) = &mut self.certificate {
            safe(&mut certificate.issuer);
            let texts = certificate.protocol.iter_mut().chain(&mut certificate.organisation).chain(&mut certificate.trouble);
            texts.for_each(safe);
        }
        Ok(())
    }

    /// How soon the first byte came over the faster family that worked, in milliseconds.
    #[must_use]
    pub fn first_byte_ms(&self) -> Option<u32> {
        Probes { reach: self.reach.clone(), ..Probes::default() }.first_byte_ms()
    }
}
