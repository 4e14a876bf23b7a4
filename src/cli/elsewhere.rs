//! What is believed of the word of vantages: what was taken last, of those that are listed, as long as it counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::session::Session;
use crate::base::{ObjectPath, TargetName, VantageName};
use crate::config::{Target, TargetState};
use crate::health::{Elsewhere, Glance, Round, is_blind, to_read_again};
use crate::history::{HistoryError, LastTestimony};

/// What others saw, by mirror.
#[derive(Debug, Default)]
pub struct Believed {
    by_mirror: BTreeMap<TargetName, Vec<Elsewhere>>,
    again: BTreeMap<TargetName, Vec<Vec<ObjectPath>>>,
    /// Testimonies of which something is to be read again, and of which mirrors.
    open: Vec<(VantageName, u64, BTreeSet<TargetName>)>,
}

impl Believed {
    /// What counts at `now` of what others say about the mirrors that take part, whichever are looked at.
    pub fn at(session: &Session, now: Timestamp) -> Result<Self, HistoryError> {
        let mut believed = Self::default();
        let active = session.config.targets.iter().filter(|target| target.state == TargetState::Active);
        let targets: Vec<&Target> = active.collect();
        for last in known(session)? {
            let counts = last.testimony.expires > now && !is_blind(&last.testimony, &session.config.health.rules);
            if counts {
                believed.add(&last, &targets);
            }
        }
        Ok(believed)
    }

    fn add(&mut self, last: &LastTestimony, targets: &[&Target]) {
        let mut open = BTreeSet::new();
        for (target, elsewhere) in glances(last, targets) {
            let paths = to_read_again(&elsewhere.glance);
            if !last.looked && !paths.is_empty() {
                self.again.entry(target.name.clone()).or_default().push(paths);
                open.insert(target.name.clone());
            }
            self.by_mirror.entry(target.name.clone()).or_default().push(elsewhere);
        }
        if !last.looked {
            self.open.push((last.testimony.vantage.clone(), last.testimony.sequence, open));
        }
    }

    /// What others saw of this mirror.
    #[must_use]
    pub fn of(&self, mirror: &TargetName) -> Vec<Elsewhere> {
        self.by_mirror.get(mirror).cloned().unwrap_or_default()
    }

    /// Objects of this mirror to read again from here, each once: one of each vantage in turn, so that none crowds out what
    /// another one names.
    #[must_use]
    pub fn to_read_again(&self, mirror: &TargetName) -> Vec<ObjectPath> {
        let named = self.again.get(mirror).map_or(&[][..], Vec::as_slice);
        let longest = named.iter().map(Vec::len).max().unwrap_or(0);
        let in_turn = (0..longest).flat_map(|turn| named.iter().filter_map(move |paths| paths.get(turn)));
        let mut seen = BTreeSet::new();
        in_turn.filter(|path| seen.insert(*path)).cloned().collect()
    }

    /// Testimonies of which everything was read again in `round`. A mirror that could not be read is tried once: what is
    /// said of it stays unconfirmed.
    #[must_use]
    pub fn looked_into(&self, round: &Round) -> Vec<(VantageName, u64)> {
        let done =
            |mirror: &TargetName| round.mirrors.iter().any(|look| look.target == *mirror) && !round.unfinished.contains(mirror);
        let all_done = self.open.iter().filter(|(.., mirrors)| mirrors.iter().all(done));
        all_done.map(|(vantage, number, _)| (vantage.clone(), *number)).collect()
    }
}

/// The newest testimony of each vantage that is listed now with the key that signed it.
pub fn known(session: &Session) -> Result<Vec<LastTestimony>, HistoryError> {
    let listed = &session.config.health.vantages;
    let mut known = session.history.testimonies()?;
    known.retain(|last| listed.iter().any(|listed| listed.name == last.testimony.vantage && listed.key == last.key));
    Ok(known)
}

/// What a testimony says of `targets`, where it is about their public addresses.
pub fn glances<'a>(last: &LastTestimony, targets: &[&'a Target]) -> Vec<(&'a Target, Elsewhere)> {
    let said: BTreeMap<&TargetName, &Glance> = last.testimony.mirrors.iter().map(|glance| (&glance.mirror, glance)).collect();
    let glance = |target: &&'a Target| {
        let url = target.public_url.as_ref()?;
        let glance = said.get(&target.name).filter(|glance| glance.is_about(url))?;
        Some((*target, Elsewhere::of(&last.testimony, glance)))
    };
    targets.iter().filter_map(glance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_vantage_crowds_out_what_another_one_names() {
        let path = |name: &str| ObjectPath::new(name).expect("a good path");
        let mirror: TargetName = "paris".parse().expect("a name");
        let named = vec![vec![path("a1"), path("a2"), path("a3")], vec![path("x"), path("a1")]];
        let believed = Believed { again: [(mirror.clone(), named)].into(), ..Believed::default() };
        assert_eq!(believed.to_read_again(&mirror), [path("a1"), path("x"), path("a2"), path("a3")]);
        assert_eq!(believed.to_read_again(&"lyon".parse().expect("a name")), []);
    }
}
