# syntax=docker/dockerfile:1
# The base image: the runner, and nothing else. Images of tools are built on it, or are used as they are with what lies at
# /opt/redex copied into a volume of theirs, which needs nothing of them but a kernel.
# Build it by `make base` in this folder, which makes dist/ first.

ARG NODE_VERSION=24.21.0
ARG DEBIAN_VERSION=bookworm-20250520-slim

FROM node:${NODE_VERSION}-bookworm-slim AS parts

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
      bash-static=5.2.15-2+b13 \
      busybox-static=1:1.35.0-4+deb12u1+b1 \
      patchelf=0.14.3-1+b1 \
    && rm -rf /var/lib/apt/lists/*
COPY assemble.sh /build/
COPY dist/ /build/dist/
RUN /build/assemble.sh /build/dist /opt/redex

FROM debian:${DEBIAN_VERSION}

LABEL org.opencontainers.image.title="redex runner" \
      org.opencontainers.image.description="Runs one job of a redex workflow"

COPY --from=parts /opt/redex /opt/redex

# What does not start is to fail the build and not the first job of a run.
RUN /opt/redex/node --check /opt/redex/runner.mjs && /opt/redex/bin/bash --version

USER 1000
WORKDIR /tmp

ENTRYPOINT ["/opt/redex/node", "/opt/redex/runner.mjs"]
