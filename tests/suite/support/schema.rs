//! Reports held against the published schemas. One copy: the report room's own tests.

#[path = "../../../src/report/tests/schema.rs"]
mod shared;

/// Expects a report of `spartacus.run/1`.
pub fn expect_run(report: &str) {
    expect(include_str!("../../../docs/schema/run-1.json"), report);
}

/// Expects a report of `spartacus.check/1`.
pub fn expect_check(report: &str) {
    expect(include_str!("../../../docs/schema/check-1.json"), report);
}

/// Expects the object of a command that reports on no copies: `init`, `bundle`, `plan`, `sign`, `key`, `keys`, `mirror`,
/// `mirrors`, `public`, `resilience`, `rotation`, `target`, `targets`, and the file of a vantage: `testimony`.
pub fn expect_command(name: &str, report: &str) -> serde_json::Value {
    let schema = match name {
        "init" => include_str!("../../../docs/schema/init-1.json"),
        "bundle" => include_str!("../../../docs/schema/bundle-1.json"),
        "plan" => include_str!("../../../docs/schema/plan-1.json"),
        "sign" => include_str!("../../../docs/schema/sign-1.json"),
        "key" => include_str!("../../../docs/schema/key-1.json"),
        "keys" => include_str!("../../../docs/schema/keys-1.json"),
        "invited" => include_str!("../../../docs/schema/invited-1.json"),
        "invite_shown" => include_str!("../../../docs/schema/invite_shown-1.json"),
        "offer_new" => include_str!("../../../docs/schema/offer_new-1.json"),
        "examination" => include_str!("../../../docs/schema/examination-1.json"),
        "offer_sealed" => include_str!("../../../docs/schema/offer_sealed-1.json"),
        "offers_taken" => include_str!("../../../docs/schema/offers_taken-1.json"),
        "offers" => include_str!("../../../docs/schema/offers-1.json"),
        "offer_shown" => include_str!("../../../docs/schema/offer_shown-1.json"),
        "offer_examined" => include_str!("../../../docs/schema/offer_examined-1.json"),
        "offer_accepted" => include_str!("../../../docs/schema/offer_accepted-1.json"),
        "offers_rejected" => include_str!("../../../docs/schema/offers_rejected-1.json"),
        "rotation" => include_str!("../../../docs/schema/rotation-1.json"),
        "target" => include_str!("../../../docs/schema/target-1.json"),
        "mirror" => include_str!("../../../docs/schema/mirror-1.json"),
        "mirrors" => include_str!("../../../docs/schema/mirrors-1.json"),
        "public" => include_str!("../../../docs/schema/public-1.json"),
        "serve" => include_str!("../../../docs/schema/serve-1.json"),
        "status" => include_str!("../../../docs/schema/status-1.json"),
        "repairs" => include_str!("../../../docs/schema/repairs-1.json"),
        "schedule" => include_str!("../../../docs/schema/schedule-1.json"),
        "testimony" => include_str!("../../../docs/schema/testimony-1.json"),
        "resilience" => include_str!("../../../docs/schema/resilience-1.json"),
        "alert" => include_str!("../../../docs/schema/alert-1.json"),
        "alerts" => include_str!("../../../docs/schema/alerts-1.json"),
        "alert_test" => include_str!("../../../docs/schema/alert_test-1.json"),
        "alert_send" => include_str!("../../../docs/schema/alert_send-1.json"),
        "alert_rehearsal" => include_str!("../../../docs/schema/alert_rehearsal-1.json"),
        "targets" => include_str!("../../../docs/schema/targets-1.json"),
        unknown => panic!("there is no schema {unknown}"),
    };
    expect(schema, report);
    serde_json::from_str(report).expect("one JSON object")
}

/// Expects a report of `spartacus.probe/1`.
pub fn expect_probe(report: &str) {
    expect(include_str!("../../../docs/schema/probe-1.json"), report);
}

fn expect(schema: &str, report: &str) {
    assert_eq!(shared::problems(schema, report), Vec::<String>::new(), "{report}");
}
