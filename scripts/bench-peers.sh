#!/usr/bin/env bash
# Measures our bench server with the load generator of the peers. BENCH = folder of that bench, built by its own setup.sh.
# Usage: BENCH=/path/to/bench scripts/bench-peers.sh [peer ...]
set -euo pipefail
cd "$(dirname "$0")/.."
: "${BENCH:?set BENCH to the folder of the peers bench}"
cargo build --release --locked --example bench_server
export OURS_CMD="$PWD/target/release/examples/bench_server --port 9110"
export OURS_MCP=http://127.0.0.1:9110/mcp
export OURS_SSE='http://127.0.0.1:9110/events?topics=prices:BENCH&mode=all&window=0'
export OURS_PUB=http://127.0.0.1:9110/publish
exec "$BENCH/run-peers.sh" ours "$@"
