#!/bin/sh
# A step of the Dockerfile: install Python where the base image has none, and compile its standard
# library. A Python image may lack that bytecode, and a build that sets the time of every file makes
# existing bytecode stale. Without this step, each start would compile it again.
set -eu
if ! command -v python3 >/dev/null; then
  apt-get update
  apt-get install -y --no-install-recommends python3
  rm -rf /var/lib/apt/lists/*
fi
python3 -m compileall -q -f --invalidation-mode unchecked-hash \
  -x '/(site-packages|dist-packages|test|tests|lib2to3|idlelib)/' \
  "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
