//! Which probes a round makes of which mirror: what was asked for, what is due, and what the volunteer allows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::connect::TargetConnector;
use super::exit::{self, Failure};
use super::session::{Session, hinted};
use crate::base::{ByteCount, RetryPolicy, TargetName};
use crate::config::Target;
use crate::health::{Account, Depth, ProbeOrders, When, WriteOrder};
use crate::store::{Retries, Retrying, Store, StoreError};
use crate::transfer::Connector as _;

/// Longest that a canary is waited for; a mirror whose readers wait longer for a file has something to mend.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a round looks at.
#[derive(Debug, Clone, Copy)]
pub struct Looking {
    /// How deep.
    pub depth: Depth,
    /// Pieces to sample; `None`: as many as the configuration says.
    pub picks: Option<u32>,
    /// When a sample is taken.
    pub sample: When,
    /// When the speed is measured.
    pub throughput: When,
    /// When a canary is written.
    pub write: When,
}

impl Looking {
    /// A look without probes.
    #[must_use]
    pub fn only(depth: Depth) -> Self {
        Self { depth, picks: None, sample: When::Never, throughput: When::Never, write: When::Never }
    }

    /// The probes that are due, all of them.
    #[must_use]
    pub fn due(depth: Depth) -> Self {
        // Whoever hashes every byte needs no sample.
        let sample = if depth == Depth::Full { When::Never } else { When::Due };
        Self { depth, picks: None, sample, throughput: When::Due, write: When::Due }
    }
}

/// What is probed at `target` in a round like this; `needed` is what the newest release takes up.
pub fn probe_orders(
    session: &Session,
    target: &Target,
    looking: &Looking,
    needed: Option<ByteCount>,
) -> Result<ProbeOrders, Failure> {
    let now = session.clock.now();
    let clock = session.history.probe_clock(&target.name, now).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let health = &session.config.health;
    let per_day = target.limits.verify_bytes_per_day.unwrap_or(health.bytes_per_day);
    let picks = looking.picks.unwrap_or(health.sample);
    // A canary that nobody asked for keeps to the hours in which we may push.
    let open = target.limits.windows.is_empty() || target.limits.windows.iter().any(|window| window.contains(now));
    let write = clock.write(looking.write, now) && (open || looking.write == When::Now);
    Ok(ProbeOrders {
        reread: Vec::new(),
        sample: clock.sample(looking.sample, picks, per_day, now),
        throughput: clock.throughput(looking.throughput, target.limits.metered, per_day, now),
        write: write.then(|| WriteOrder {
            account: Arc::new(Way::to(session, target)),
            has_readers: target.public_url.is_some(),
            patience: session.config.policy.timeouts.first_byte.min(PATIENCE),
            needed,
        }),
    })
}

/// The way in with our credentials, with the retries of a push.
struct Way {
    target: TargetName,
    connector: TargetConnector,
    retry: RetryPolicy,
}

impl Way {
    fn to(session: &Session, target: &Target) -> Self {
        let connector = TargetConnector::new(session, target);
        Self { target: target.name.clone(), connector, retry: session.config.policy.retry }
    }
}

#[async_trait]
impl Account for Way {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        let retries = Arc::new(Retries::new(&self.target, self.retry, fastrand::u64(..)));
        let store = retries.connect(|| self.connector.connect()).await?;
        Ok(Arc::new(Retrying::with(store, retries)))
    }
}
