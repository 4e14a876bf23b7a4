//! What is due when, for people.

use jiff::Timestamp;

use super::table::{Style, Table, Tone};
use super::words;

/// A row for each job, the next one first; what is overdue is due now.
#[must_use]
pub fn schedule_table(jobs: &[(Timestamp, String)], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(style, &["due", "job"]);
    for (at, job) in jobs {
        let (due, tone) = if *at <= now { ("now".to_owned(), Tone::Doubtful) } else { (words::moment(*at), Tone::Good) };
        table.row(&[due, job.clone()], (0, tone));
    }
    table.render()
}
