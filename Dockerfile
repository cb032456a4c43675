# syntax=docker/dockerfile:1
# The gateway in a small image: no shell is needed to run or check it, nothing is written but to DATA_DIR.

FROM rust:1.95-slim-bookworm AS chef
# One job of this stage: a layer that only a new version of cargo-chef changes.
RUN cargo install cargo-chef --locked --version 0.1.78
WORKDIR /build

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
# The dependencies alone: this layer lives until Cargo.toml or Cargo.lock changes.
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --release --locked --package tickgate --bin tickgate --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --package tickgate --bin tickgate

FROM debian:bookworm-slim AS runtime
LABEL org.opencontainers.image.title="tickgate" \
      org.opencontainers.image.description="A streaming gateway for market data" \
      org.opencontainers.image.source="https://github.com/tickgate/tickgate" \
      org.opencontainers.image.licenses="GPL-3.0-or-later"
RUN groupadd --system --gid 10001 tickgate \
 && useradd --system --uid 10001 --gid tickgate --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tickgate \
 && install --directory --owner tickgate --group tickgate --mode 0750 /data
COPY --from=build /build/target/release/tickgate /usr/local/bin/tickgate
COPY LICENSE /usr/share/doc/tickgate/LICENSE

ENV HOST=0.0.0.0 \
    PORT=8080 \
    APP_ENV=production \
    DATA_DIR=/data \
    LOG_FORMAT=json
USER tickgate
WORKDIR /data
# What must survive the container; name a volume of your own, or it goes with the container.
VOLUME /data
EXPOSE 8080
# SIGTERM drains: readiness goes off, streams are told goodbye, open requests get DRAIN_SECS.
STOPSIGNAL SIGTERM
# Reads HOST and PORT as the gateway does: set them in the environment, not as flags.
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["tickgate", "healthcheck"]
ENTRYPOINT ["tickgate"]
