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

fn expect(schema: &str, report: &str) {
    assert_eq!(shared::problems(schema, report), Vec::<String>::new(), "{report}");
}
