//! JSON for programs, held against its published schemas.

use serde_json::{Map, Value};

use super::sample;
use super::schema::problems;
use super::text::is_dangerous;
use crate::report::{check_json, run_json, status_json};

const RUN: &str = include_str!("../../../docs/schema/run-1.json");
const CHECK: &str = include_str!("../../../docs/schema/check-1.json");
const STATUS: &str = include_str!("../../../docs/schema/status-1.json");
const MANUAL: &str = include_str!("../../../docs/json.md");

#[test]
fn every_report_is_what_its_schema_says() {
    assert_eq!(problems(RUN, &run_json(&sample::run())), NONE);
    assert_eq!(problems(CHECK, &check_json(&sample::round(), None)), NONE);
    assert_eq!(problems(STATUS, &status()), NONE);
}

#[test]
fn a_report_that_lacks_or_invents_a_field_is_noticed() {
    let change = |edit: fn(&mut Map<String, Value>)| {
        let mut report: Value = serde_json::from_str(&run_json(&sample::run())).unwrap();
        edit(report["outcomes"][1].as_object_mut().unwrap());
        problems(RUN, &report.to_string())
    };
    assert_eq!(change(|outcome| drop(outcome.remove("retries"))), ["/outcomes/1/retries: missing"]);
    assert_eq!(change(|outcome| drop(outcome.insert("new".into(), 1.into()))), ["/outcomes/1/new: not in the schema"]);
    assert_eq!(
        change(|outcome| drop(outcome.insert("ending".into(), "DONE".into()))),
        ["/outcomes/1/ending: not a listed value"]
    );
    assert_eq!(change(|outcome| drop(outcome.insert("retries".into(), (-1).into()))), ["/outcomes/1/retries: too small"]);
    let wrong = change(|outcome| drop(outcome.insert("notes".into(), "text".into())));
    assert_eq!(wrong, ["/outcomes/1/notes: is not \"array\""]);
    let kept = change(|outcome| drop(outcome.insert("failure".into(), "text".into())));
    assert_eq!(kept, ["/outcomes/1/failure: matches no alternative"]);
}

#[test]
fn the_manual_names_every_field() {
    for schema in [RUN, CHECK, STATUS] {
        let schema: Value = serde_json::from_str(schema).unwrap();
        for name in field_names(&schema) {
            assert!(MANUAL.contains(&format!("`{name}`")), "docs/json.md does not describe {name:?}");
        }
    }
}

#[test]
fn the_headline_and_the_counts_agree() {
    let report: Value = serde_json::from_str(&check_json(&sample::round(), None)).unwrap();
    assert_eq!((&report["good"], &report["total"]), (&1.into(), &5.into()));
    assert_eq!(report["headline"], "demo-1 verified on 1 of 5 mirrors, wanted 2");
}

#[test]
fn no_raw_control_character_is_in_any_report_and_none_is_lost() {
    let text = run_json(&sample::hostile_run()) + &check_json(&sample::hostile_round(), None);
    assert!(!text.chars().any(|character| character != '\n' && is_dangerous(character)), "{text:?}");
    let report: Value = serde_json::from_str(&run_json(&sample::hostile_run())).unwrap();
    assert_eq!(report["outcomes"][0]["notes"][0], sample::HOSTILE);
}

fn status() -> String {
    let (mirrors, runs) = sample::remembered();
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    status_json(now, Some(&"demo-1".parse().unwrap()), 7, 3, None, &mirrors, &[], &runs)
}

const NONE: [&str; 0] = [];

/// The names of all fields that a schema describes.
fn field_names(schema: &Value) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        names.extend(properties.keys().cloned());
    }
    let children = schema.as_object().into_iter().flat_map(Map::values).chain(schema.as_array().into_iter().flatten());
    names.extend(children.filter(|child| child.is_object() || child.is_array()).flat_map(field_names));
    names
}
