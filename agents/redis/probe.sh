#!/bin/sh
# The liveness probes in a Redis pod; the exit code is 0 for alive:
#   probe.sh redis-live PORT
#   probe.sh sentinel-live PORT
#
# `python -m agents health` answers the readiness probe. Each start of a probe command costs the node
# about 150 ms of processor time, so these run seldom. They do not start Python, which would cost as
# much again.
set -u
run=${SEAWALL_RUN:-/run/seawall}

# `ask PORT WORD...` prints the server's answer; nothing when there is none within three seconds.
ask() {
  port=$1
  shift
  timeout 3 redis-cli -p "$port" "$@" 2>/dev/null
}

case "$#:${1:-}" in
  2:redis-live)
    # Redis gives any answer (also LOADING, BUSY, NOAUTH), or the agent still waits to start it: then
    # the agent touches the file at every check.
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
