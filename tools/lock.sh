#!/bin/sh
# Resolve pyproject.toml into locks/*.txt: versions and hashes without URLs, so that any mirror of
# the package index works. The smaller lock files use the versions of dev.txt.
set -eu
cd "$(dirname "$0")/.."
compile() { .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header "$@"; }
compile pyproject.toml --all-extras --group dev --annotation-style line -o locks/dev.txt
for extra in gateway agents ops; do
  compile pyproject.toml --extra "$extra" --constraints locks/dev.txt --annotation-style line \
    -o "locks/$extra.txt"
done
