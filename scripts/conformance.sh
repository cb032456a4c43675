#!/usr/bin/env bash
# The official suite, every requirement of both eras, against examples/conformance on PORT (8931 unless told).
# What it found stays in target/conformance. The same runs in `make test`, where warnings count too (tests/it/conformance.rs).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/test-tools.sh
# shellcheck source=/dev/null
. target/test-tools/env
export PORT=${PORT:-8931} HOST=127.0.0.1

cargo build --quiet --locked --example conformance
target/debug/examples/conformance &
trap 'kill $!' EXIT
curl --silent --fail --output /dev/null --retry 50 --retry-delay 1 --retry-connrefused "http://$HOST:$PORT/readyz"

# The suite's exit code says whether all that is scored passed.
rm -rf target/conformance
for revision in 2025-11-25 2026-07-28; do
    "$NODE" "$NODE_MODULES/@modelcontextprotocol/conformance/dist/index.js" server \
        --url "http://localhost:$PORT/mcp" --requirements "$revision" --output-dir "target/conformance/$revision" |
        sed -n '/=== SUMMARY ===/,$p'
done
