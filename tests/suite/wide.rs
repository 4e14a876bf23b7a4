//! Against servers that take minutes to build: only `make test-servers` runs these (see .config/nextest.toml).

use crate::support::mirror::Kind;
use crate::support_selftest::serves_and_stops;

#[test]
fn garage_serves_and_stops() {
    serves_and_stops(Kind::Garage);
}
