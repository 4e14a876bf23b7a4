//! What is written besides a report: metrics, the public page, and the front database.

use camino::Utf8Path;

use super::alert::route_records;
use super::args::Global;
use super::board::{board, everybody};
use super::exit::{self, Failure};
use super::front;
use super::parties::good_standpoints;
use super::public::{write_public, write_whole};
use super::session::{Session, hinted, refuse_other_content, refuse_own_files};
use super::surface::complain;
use crate::base::causes;
use crate::config::Target;
use crate::health::resilience::assess;
use crate::report::{self, Board, Fleet};

/// What is written besides the report.
#[derive(Debug, Clone, Copy)]
pub struct Outputs<'a> {
    prometheus: Option<&'a Utf8Path>,
    html: Option<&'a Utf8Path>,
}

impl<'a> Outputs<'a> {
    /// Refuses places that hold something else, before anything is looked at.
    pub fn wanted(global: &Global, prometheus: Option<&'a Utf8Path>, html: Option<&'a Utf8Path>) -> Result<Self, Failure> {
        if let Some(path) = prometheus {
            refuse_own_files(global, "--prometheus", path)?;
            refuse_other_content("--prometheus", path, "# HELP spartacus_", "file of metrics of ours")?;
        }
        if let Some(folder) = html {
            refuse_own_files(global, "--html", folder)?;
        }
        Ok(Self { prometheus, html })
    }

    /// Writes what is wanted: each, whatever becomes of the other. The first failure is told.
    pub async fn write(&self, session: &Session, targets: &[&Target], all: &Fleet) -> Result<(), Failure> {
        let metrics = match self.prometheus {
            Some(path) => metrics(session, targets, all).and_then(|text| write_whole(path, &text)),
            None => Ok(()),
        };
        if self.html.is_none() && session.config.serve.is_none() {
            return metrics;
        }
        let everybody = everybody(session);
        let board = match board(session, &everybody).await {
            Ok(board) => board,
            Err(failure) => return metrics.and(Err(failure)),
        };
        let page = self.html.map_or(Ok(()), |folder| write_public(&session.project, &board, folder).map(|_| ()));
        if let Err(failure) = publish(session, &everybody, &board) {
            warn(&failure);
        }
        metrics.and(page)
    }
}

/// Puts what is known now in front of everybody, where the project has a front: after whatever changes it. That this failed is told,
/// and is no failure of what was done.
pub async fn show(session: &Session) {
    if session.config.serve.is_none() {
        return;
    }
    let everybody = everybody(session);
    let shown = board(session, &everybody).await.and_then(|board| publish(session, &everybody, &board));
    if let Err(failure) = shown {
        warn(&failure);
    }
}

fn publish(session: &Session, everybody: &[&Target], board: &Board) -> Result<(), Failure> {
    if session.config.serve.is_none() {
        return Ok(());
    }
    metrics(session, everybody, &board.fleet).and_then(|text| front::publish(session, board, text))
}

fn warn(failure: &Failure) {
    complain(&format!("warning: the web front was not told: {}", causes(failure.error.as_ref()).join(": ")));
    failure.hints.iter().for_each(|hint| complain(&format!("hint: {hint}")));
}

/// All metrics: of the mirrors, of who could take them down, and of who is told.
fn metrics(session: &Session, targets: &[&Target], all: &Fleet) -> Result<String, Failure> {
    let routes = route_records(session).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let assessment = assess(&good_standpoints(session, targets, all)?);
    let resilience = report::prometheus_resilience(assessment.as_ref());
    Ok(report::prometheus(all) + &resilience + &report::prometheus_alerts(&routes))
}
