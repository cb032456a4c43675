#!/usr/bin/env bash
# Builds every fuzz target and runs each for FUZZ_SECONDS (20). What a run finds new stays in fuzz/corpus; an input that fails a target
# is written to fuzz/artifacts, and is repeated with: RUSTC_BOOTSTRAP=1 cargo fuzz run <target> <file>
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${FUZZ_SECONDS:-20}"
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "cargo-fuzz is not installed: cargo install cargo-fuzz --locked" >&2
  exit 1
fi
# Sanitizers and coverage are unstable options; the pinned toolchain has what they need.
export RUSTC_BOOTSTRAP=1
cargo fuzz build
for target in $(cargo fuzz list); do
  echo "== $target for ${seconds} s"
  mkdir -p "fuzz/corpus/$target"
  # Short inputs: more of them per second find more.
  cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -print_funcs=0
done
