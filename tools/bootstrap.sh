#!/bin/sh
# Create .venv with exactly the locked packages; does nothing when it is up to date.
# A killed or failed run leaves no stamp, so the next run continues.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "seawall: $*" >&2; exit 1; }

[ -w . ] || fail "$(pwd) is not writable for $(id -un): run this as root, or own the checkout"
python=$(command -v python3) || fail "python3 is not installed: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: install Python 3.11 or newer"

want=$(cat locks/uv.txt locks/dev.txt pyproject.toml | sha256sum | cut -c1-32)
[ "$(cat .venv/stamp 2>/dev/null || :)" = "$want" ] && exit 0

# Only one run at a time, because two runs would write to the same folder.
exec 9>.venv.lock
flock 9
[ "$(cat .venv/stamp 2>/dev/null || :)" = "$want" ] && exit 0

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  [ "$(id -u)" = 0 ] || fail "python3-venv is not installed: apt-get install python3-venv"
  echo "install python3-venv ..." >&2
  { apt-get update && apt-get install -y --no-install-recommends python3-venv; } >.venv.log 2>&1 ||
    fail "installing python3-venv failed: $(tail -n 1 .venv.log); run the same command again"
fi
start=$(date +%s)
echo "install the locked Python packages into .venv ... (about 1 min when nothing is cached)" >&2
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv .venv
{
  .venv/bin/python -m pip install --quiet --require-hashes -r locks/uv.txt &&
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip sync --quiet --require-hashes \
      locks/uv.txt locks/dev.txt &&
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install --quiet --no-deps --editable . &&
    # With PYTHONDONTWRITEBYTECODE, every start would compile these again, which takes a second.
    (cd .venv/lib/python3*/site-packages &&
      ../../../bin/python -m compileall -q -j0 pulumi pulumi_kubernetes pulumi_policy pydantic grpc)
} >.venv.log 2>&1 ||
  fail "installing Python packages failed: $(tail -n 1 .venv.log); full log: .venv.log;" \
    "run the same command again to continue"
echo "$want" >.venv/stamp
rm -f .venv.log
echo "install the locked Python packages into .venv: done in $(($(date +%s) - start)) s" >&2
