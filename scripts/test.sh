#!/usr/bin/env bash
# Every test: formatting and lints first, because they fail fastest, then the workspace's tests in one build.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/test-tools.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
# Most tests wait for sockets and deadlines most of the time: two for each core.
RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(nproc)))}" cargo test --workspace --locked
