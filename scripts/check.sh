#!/usr/bin/env bash
# What a reviewer would say by machine: format, lints, docs, licences and bans.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
if cargo deny --version >/dev/null 2>&1; then
  # The advisory database lives on the network; CI on the network checks it too: cargo deny check.
  cargo deny check licenses bans sources
else
  echo "cargo-deny is not installed (cargo install cargo-deny --locked): licences and bans were not checked" >&2
fi
