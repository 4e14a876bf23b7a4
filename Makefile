# The ways into this project. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# cargo-deny and cargo-nextest come from the last folder when the machine has none of its own, node and npm from the first
# when those of the machine are too old.
export PATH := $(CURDIR)/target/test-tools/bin:$(PATH):$(CURDIR)/target/test-tools/venv/bin

GARAGE_VERSION := 2.5.0
GARAGE_ROOT := $(HOME)/.cache/spartacus/garage-$(GARAGE_VERSION)

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build
build: ## the program, optimised: target/release/spartacus
	@cargo build --release --locked

.PHONY: check
check: ## format, clippy, rooms, documentation, licences and sources of dependencies
	@scripts/test-tools python
	@cargo fmt --check
	@cargo clippy --locked --all-targets -- -D warnings
	@cargo nextest run --locked --no-tests fail -E 'test(/^layering::/)'
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
	@cargo deny --locked check bans licenses sources

# The registration form works without it, and then tells of the program and of its paste field.
WEB := target/web
# Beside it and not in it: cargo looks through all of target/web for changes.
WEB_BUILD := target/web-build

.PHONY: web
web: $(WEB)/register.js ## the script of the registration form, which the next build embeds; gets node and npm where they are missing
	@printf '%s %s bytes sha384-%s\n' $< "$$(wc -c <$<)" "$$(openssl dgst -sha384 -binary $< | base64 -w0)"

# Nothing of a package is run while it is installed; what may be installed is pinned by digest in package-lock.json.
# The tests need what it was built with, too.
FORM := $(wildcard src/web/form/*)
$(WEB)/register.js: $(FORM) $(if $(wildcard $(WEB_BUILD)/node_modules),,once-more)
	@scripts/test-tools node
	@rm -rf $(WEB_BUILD) && mkdir -p $(WEB) $(WEB_BUILD) && cp $(FORM) $(WEB_BUILD)
	@cd $(WEB_BUILD) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd $(WEB_BUILD) && node build.mjs ../../$@

.PHONY: once-more
once-more:

.PHONY: test
test: ## every test, against real servers on loopback; installs them where it may
	@scripts/test-tools
	@$(MAKE) --no-print-directory web
	@node --test --test-reporter=spec tests/web/form.test.mjs
	@cargo nextest run --locked --no-tests fail

.PHONY: test-servers
test-servers: $(GARAGE_ROOT)/bin/garage ## every test, and those against servers that take minutes to build (Garage)
	@scripts/test-tools
	@$(MAKE) --no-print-directory web
	@SPARTACUS_TEST_GARAGE=$< cargo nextest run --locked --no-tests fail --profile wide

$(GARAGE_ROOT)/bin/garage:
	@echo 'building garage $(GARAGE_VERSION) once (about seven minutes on two cores)'
	@CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR=$(GARAGE_ROOT)/target cargo install garage --version $(GARAGE_VERSION) \
		--locked --root $(GARAGE_ROOT) --no-default-features --features bundled-libs,sqlite
	@rm -rf $(GARAGE_ROOT)/target

.PHONY: demo
demo: ## the main job on three mirrors inside one process; nothing to install, no root
	@cargo build --locked --bin spartacus --example demo
	@target/debug/examples/demo

.PHONY: clean
clean: ## remove everything that was built
	@cargo clean
