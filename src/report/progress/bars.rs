//! Progress as bars on a terminal.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{ended, retry};
use crate::base::{TargetName, escape};
use crate::transfer::{Event, Stage};

/// The bar over all targets: bytes, rate and the time left.
const OVERALL: &str = "{prefix} [{bar:24}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// The bar of one target. Names longer than the column are cut here; every report has them whole.
const TARGET: &str = "{prefix:20!} [{bar:24}] {binary_bytes} of {binary_total_bytes}, {msg}";

/// How often bars are drawn anew when nothing happens, so that the rate falls while a server is silent.
const TICK: Duration = Duration::from_millis(250);

/// One bar for the run and one for each target that is being worked on; what must not scroll away unseen (retries,
/// how a target ended) is printed above them. All bars are gone when the run is over.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    targets: HashMap<TargetName, ProgressBar>,
    finished: usize,
    total: usize,
}

impl Bars {
    /// Bars on stderr.
    #[must_use]
    pub fn on_stderr() -> Self {
        let bars = Self::on(ProgressDrawTarget::stderr());
        bars.overall.enable_steady_tick(TICK);
        bars
    }

    /// Bars on any terminal, or on none.
    #[must_use]
    pub fn on(place: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(place);
        let overall = all.add(ProgressBar::new(0).with_style(style(OVERALL)));
        Self { all, overall, targets: HashMap::new(), finished: 0, total: 0 }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted { targets } => {
                self.total = targets.len();
                self.count();
            }
            // Only targets that are being worked on get a bar: hundreds would not fit a terminal.
            Event::StageEntered { stage: Stage::Waiting, .. } | Event::Sent { .. } => {}
            Event::StageEntered { target, stage } => self.bar(target).set_message(stage.to_string()),
            Event::Planned { target, bytes, .. } => {
                self.bar(target).set_length(bytes.0);
                self.overall.inc_length(bytes.0);
            }
            Event::Progress { target, bytes } => self.advance(target, bytes.0),
            Event::Retrying { target, what, attempt, pause_ms } => {
                self.print(&retry(target, what, *attempt, *pause_ms))?;
            }
            Event::TargetFinished { outcome } => {
                if let Some(bar) = self.targets.remove(&outcome.target) {
                    let missing = bar.length().unwrap_or(0).saturating_sub(bar.position());
                    if outcome.is_good() {
                        // Progress events may be lost on a full channel; the outcome is not.
                        self.overall.inc(missing);
                    } else {
                        // What was planned and not sent is no longer to come.
                        self.overall.dec_length(missing);
                    }
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                self.finished += 1;
                self.count();
                self.print(&ended(outcome))?;
            }
            Event::RunFinished => {
                self.overall.finish_and_clear();
                self.all.clear()?;
            }
        }
        Ok(())
    }

    /// Bytes sent twice count twice in the event, and must not push a bar past its end.
    fn advance(&mut self, target: &TargetName, sent: u64) {
        let bar = self.bar(target);
        let position = sent.min(bar.length().unwrap_or(0));
        let before = bar.position();
        bar.set_position(position);
        self.overall.inc(position.saturating_sub(before));
    }

    fn bar(&mut self, target: &TargetName) -> ProgressBar {
        let all = &self.all;
        let made = || all.insert_from_back(1, ProgressBar::new(0).with_style(style(TARGET)).with_prefix(target.to_string()));
        self.targets.entry(target.clone()).or_insert_with(made).clone()
    }

    fn count(&self) {
        self.overall.set_prefix(format!("{} of {} targets", self.finished, self.total));
    }

    fn print(&self, text: &str) -> io::Result<()> {
        self.all.println(escape(text))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed").progress_chars("#- ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ByteCount;
    use crate::report::tests::sample;

    #[test]
    fn bars_follow_the_bytes_and_are_gone_at_the_end() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        let (alpha, beta) = (sample::target("alpha"), sample::target("beta"));
        let started = Event::RunStarted { targets: vec![alpha.clone(), beta.clone()] };
        let planned = |target: &TargetName| Event::Planned { target: target.clone(), objects: 1, bytes: ByteCount(100) };
        for event in [
            started,
            Event::StageEntered { target: beta.clone(), stage: Stage::Waiting },
            planned(&alpha),
            Event::Progress { target: alpha.clone(), bytes: ByteCount(40) },
        ] {
            bars.show(&event).unwrap();
        }
        assert_eq!(bars.targets.keys().collect::<Vec<_>>(), [&alpha], "who waits has no bar");
        assert_eq!((bars.overall.position(), bars.overall.length()), (40, Some(100)));

        bars.show(&planned(&beta)).unwrap();
        bars.show(&Event::Progress { target: beta.clone(), bytes: ByteCount(500) }).unwrap();
        assert_eq!((bars.overall.position(), bars.overall.length()), (140, Some(200)), "repeats do not overflow a bar");

        let outcome = Box::new(sample::failed("alpha"));
        bars.show(&Event::TargetFinished { outcome }).unwrap();
        assert_eq!((bars.overall.position(), bars.overall.length()), (140, Some(140)));
        assert_eq!(bars.overall.prefix(), "1 of 2 targets");
        let gamma = sample::target("gamma");
        bars.show(&planned(&gamma)).unwrap();
        bars.show(&Event::TargetFinished { outcome: Box::new(sample::done("gamma")) }).unwrap();
        assert_eq!((bars.overall.position(), bars.overall.length()), (240, Some(240)), "done is done, told or not");
        bars.show(&Event::RunFinished).unwrap();
        assert!(bars.overall.is_finished() && !bars.targets.contains_key(&alpha));
    }
}
