//! Who was told of what, for people and for programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::object;
use super::table::{Style, Table, Tone, line};
use super::words;
use crate::base::Audience;
use crate::history::{Incident, OutboxMessage, RouteRecord};

/// Everything that is remembered of alerts.
#[derive(Debug, Clone)]
pub struct AlertReport {
    /// The moment.
    pub at: Timestamp,
    /// The routes, in the order of the configuration.
    pub routes: Vec<RouteReport>,
    /// Messages that wait to be sent, oldest first.
    pub waiting: Vec<OutboxMessage>,
    /// The last messages that were sent or given up, newest first.
    pub past: Vec<OutboxMessage>,
}

/// One route.
#[derive(Debug, Clone)]
pub struct RouteReport {
    /// `command`, `webhook`, `ntfy` or `smtp`.
    pub way: &'static str,
    /// For whom it is.
    pub audience: Audience,
    /// What became of its messages.
    pub record: RouteRecord,
    /// What is wrong now, as far as the route is told of it.
    pub open: Vec<Incident>,
}

/// Routes, what is open, what waits, what was sent.
#[must_use]
pub fn alerts_text(report: &AlertReport, style: Style) -> String {
    if report.routes.is_empty() {
        return "nobody is told of anything: there is no `alerts:` in targets.yaml\n".to_owned();
    }
    let mut table = Table::new(style, &["route", "way", "for", ">open", ">sent", ">waiting", "failing"]);
    for route in &report.routes {
        let record = &route.record;
        let failing =
            record.failing_since.map_or_else(|| words::NOTHING.to_owned(), |since| format!("since {}", words::moment(since)));
        let tone = if record.failing_since.is_some() { Tone::Bad } else { Tone::Good };
        let cells = [
            record.route.to_string(),
            route.way.to_owned(),
            route.audience.word().to_owned(),
            route.open.len().to_string(),
            record.sent.to_string(),
            record.waiting.to_string(),
            failing,
        ];
        table.row(&cells, (6, tone));
    }
    let mut text = table.render();
    section(&mut text, "open:", report.routes.iter().flat_map(|route| open_lines(route, &report.waiting)));
    section(&mut text, "waiting:", report.waiting.iter().map(waiting_line));
    section(&mut text, "sent, newest first:", report.past.iter().map(past_line));
    text
}

/// `alert route X fails since ...`, for each that does.
#[must_use]
pub fn failing_routes(records: &[RouteRecord]) -> String {
    let failing = records.iter().filter_map(|record| {
        let error = record.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let since = words::moment(record.failing_since?);
        Some(line(0, &format!("alert route {} fails since {since}{error}", record.route)))
    });
    failing.collect()
}

/// `spartacus.alerts/1`: the same for programs. No contents of messages, no addresses.
#[must_use]
pub fn alerts_json(report: &AlertReport) -> String {
    let routes: Vec<Value> = report.routes.iter().map(route_json).collect();
    let messages = |list: &[OutboxMessage]| list.iter().map(message_json).collect::<Vec<_>>();
    let fields = json!({
        "generated": report.at,
        "routes": routes,
        "waiting": messages(&report.waiting),
        "past": messages(&report.past),
    });
    object("spartacus.alerts/1", &fields)
}

fn route_json(route: &RouteReport) -> Value {
    let open = |incident: &Incident| {
        json!({
            "mirror": incident.mirror,
            "condition": incident.condition,
            "since": incident.since,
            "rounds": incident.rounds,
            "told": incident.told,
        })
    };
    json!({
        "route": route.record.route,
        "way": route.way,
        "audience": route.audience,
        "sent": route.record.sent,
        "failed": route.record.failed,
        "given_up": route.record.given_up,
        "waiting": route.record.waiting,
        "failing_since": route.record.failing_since,
        "error": route.record.error,
        "open": route.open.iter().map(open).collect::<Vec<_>>(),
    })
}

fn message_json(message: &OutboxMessage) -> Value {
    json!({
        "id": message.id,
        "route": message.message.route,
        "mirror": message.message.mirror,
        "title": message.message.title,
        "decided": message.decided,
        "tries": message.tries,
        "due": message.due,
        "error": message.error,
        "ended": message.ended,
        "sent": message.sent,
    })
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.map(|words| line(1, &words)).collect();
    if !lines.is_empty() {
        *text += &["\n", title, "\n", &lines].concat();
    }
}

fn open_lines<'a>(route: &'a RouteReport, waiting: &'a [OutboxMessage]) -> impl Iterator<Item = String> + use<'a> {
    let waits = move |incident: &Incident, told: Timestamp| {
        let of_it = |message: &OutboxMessage| message.message.mirror.is_none() || message.message.mirror == incident.mirror;
        waiting.iter().any(|message| message.message.route == route.record.route && of_it(message) && message.decided >= told)
    };
    route.open.iter().map(move |incident| {
        let what = incident.mirror.as_ref().map_or_else(String::new, |mirror| format!("{mirror} "));
        let told = match incident.told {
            None => "not told yet".to_owned(),
            Some(told) if waits(incident, told) => "not delivered yet".to_owned(),
            Some(told) => format!("told {}", words::moment(told)),
        };
        format!("{}: {what}{} since {}, {told}", route.record.route, incident.condition, words::moment(incident.since))
    })
}

fn waiting_line(message: &OutboxMessage) -> String {
    let why = message
        .error
        .as_ref()
        .map(|error| format!("; failed {}: {error}", words::counted(message.tries.into(), "time", "times")))
        .unwrap_or_default();
    format!("{}: {} (next try {}){why}", message.message.route, message.message.title, words::moment(message.due))
}

fn past_line(message: &OutboxMessage) -> String {
    let at = message.ended.map_or_else(|| words::NOTHING.to_owned(), words::moment);
    let how = if message.sent { String::new() } else { " (given up)".to_owned() };
    format!("{at}  {}: {}{how}", message.message.route, message.message.title)
}
