#!/bin/sh
# The probes of liveness in a Redis pod; the exit code is 0 for yes:
#   probe.sh redis-live PORT
#   probe.sh sentinel-live PORT
#
# Whether the pod is ready is told by `python -m agents health`. Each start of a probe costs the node
# some 150 ms of processor time, so these ask seldom; they start no Python, which would cost as much
# again.
set -u
run=${SEAWALL_RUN:-/run/seawall}

# `ask PORT WORD...`: the server's answer; nothing when there is none within three seconds.
ask() {
  port=$1
  shift
  timeout 3 redis-cli -p "$port" "$@" 2>/dev/null
}

case "$#:${1:-}" in
  2:redis-live)
    # Redis says anything at all (also LOADING, BUSY, NOAUTH), or the agent waits to start it: it
    # touches the file at every look.
    [ "$(ask "$2" PING)" ] || [ "$(find "$run/waiting" -newermt '15 seconds ago' 2>/dev/null)" ]
    ;;
  2:sentinel-live)
    [ "$(ask "$2" PING)" ]
    ;;
  *)
    echo "usage: probe.sh redis-live PORT | sentinel-live PORT" >&2
    exit 2
    ;;
esac
