# Each recipe is a line, or a call of one script under scripts/.
.DEFAULT_GOAL := help
.PHONY: help run test check fmt bench bench-peers fuzz conformance clients openapi clean

help: ## list the recipes
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: ## start the gateway with a simulated market
	cargo run --release

test: ## install what the tests need, then run every test
	scripts/test.sh

check: ## format, lints, docs, licences
	scripts/check.sh

fmt: ## format
	cargo fmt --all

bench: ## criterion benches
	cargo bench

bench-peers: ## the load generator against our bench server and the peers (PEERS=folder of the peers)
	scripts/bench-peers.sh

fuzz: ## build and run every fuzz target for FUZZ_SECONDS (20) each
	scripts/fuzz.sh

conformance: ## the official conformance suite against its fixtures, both eras
	scripts/conformance.sh

clients: ## install the official clients, the browser driver and Node for the tests
	scripts/test-tools.sh

openapi: ## print the OpenAPI document
	cargo run --quiet -- openapi

clean: ## remove build outputs
	cargo clean
