//! `spartacus serve`: the web front.

use std::net::SocketAddr;

use serde_json::json;

use super::args::{Global, Serve};
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{folder, hinted};
use super::surface::{Surface, answer};
use crate::web::{self, Settings, WebError};

/// Serves until it is stopped. No project is needed, only its front database.
pub async fn serve(surface: &Surface, global: &Global, order: &Serve) -> Ended {
    // Metrics name every mirror and how it is, and nobody logs in for them.
    if let Some(elsewhere) = order.metrics.filter(|address| !address.ip().to_canonical().is_loopback()) {
        let message = format!("--metrics {elsewhere}: metrics are told without a login, so on loopback only");
        return Err(Failure::told(exit::USAGE, message).hint(format!(
            "spartacus serve --metrics 127.0.0.1:{port}; from another machine: ssh -N -L {port}:127.0.0.1:{port} THIS-MACHINE",
            port = if elsewhere.port() == 0 { 8421 } else { elsewhere.port() },
        )));
    }
    let database = order.database.clone().unwrap_or_else(|| folder(global).join(".spartacus/front/front.db"));
    let cancel = Cancel::on_signals(surface)?;
    let settings = Settings {
        listen: order.listen,
        metrics: order.metrics,
        database: database.clone(),
        behind: order.behind.clone(),
        files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
    };
    let listening = |address: SocketAddr, metrics: Option<SocketAddr>| {
        let more = metrics.map(|address| format!("\nmetrics on http://{address}/metrics")).unwrap_or_default();
        answer(
            surface,
            "spartacus.serve/1",
            &json!({"address": address, "metrics": metrics, "database": database.as_str()}),
            &format!("listening on http://{address}/{more}"),
        );
    };
    web::serve(settings, cancel.token.clone(), listening).await.map_err(failure)?;
    Ok(cancel.code().unwrap_or(exit::OK))
}

fn failure(error: WebError) -> Failure {
    hinted(exit::USAGE, error)
}
