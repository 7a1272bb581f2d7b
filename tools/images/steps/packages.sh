#!/bin/sh
# A step of the Dockerfile: install the locked packages of the file $1 into /opt/venv, without pip.
set -eu
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  apt-get update
  apt-get install -y --no-install-recommends python3-venv
fi
if [ -s /run/secrets/extra_ca ]; then export PIP_CERT=/run/secrets/extra_ca; fi
if [ -s /run/secrets/pip_conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip_conf; fi
python3 -m venv /opt/venv
/opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps --require-hashes -r "$1"
/opt/venv/bin/pip uninstall --yes setuptools pip
python3 -m compileall -q -f --invalidation-mode unchecked-hash /opt/venv
