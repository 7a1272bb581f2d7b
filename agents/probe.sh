#!/bin/sh
# The probes of a Redis pod; the exit code is 0 for yes:
#   probe.sh redis-live PORT
#   probe.sh sentinel-live PORT
#   probe.sh ready REDIS_PORT SENTINEL_PORT
#
# Each start of a probe costs the node some 50 ms of processor time, whatever it runs, so they are
# few: one says whether the pod is ready. They start a shell and redis-cli and no Python, whose
# start would cost as much again.
set -u
secrets=${SEAWALL_SECRETS:-/etc/seawall/secrets}
run=${SEAWALL_RUN:-/run/seawall}

# `ask PORT WORD...`: the server's answer; nothing when there is none within three seconds.
ask() {
  port=$1
  shift
  timeout 3 redis-cli -p "$port" "$@" 2>/dev/null
}

# `login FILE`: with the password in FILE, which never stands on a command line.
login() {
  REDISCLI_AUTH=
  # `read` fails at a last line that has no end, and has read it all the same.
  read -r REDISCLI_AUTH <"$secrets/$1" || [ "$REDISCLI_AUTH" ]
}

# A master, or a replica whose link is up and whose copy is complete.
redis_is_ready() {
  login redis-operator-password || return 1
  export REDISCLI_AUTH
  case $(ask "$1" --user operator INFO replication) in
    *role:master*) ;;
    *master_link_status:up*master_sync_in_progress:0*) ;;
    *) return 1 ;;
  esac
}

# Enough sentinels are there to agree on a failover.
sentinel_is_ready() {
  login sentinel-password || return 1
  export REDISCLI_AUTH
  case $(ask "$1" SENTINEL CKQUORUM "$SEAWALL_MASTER_NAME") in
    OK*) ;;
    *) return 1 ;;
  esac
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
  3:ready)
    redis_is_ready "$2" && sentinel_is_ready "$3"
    ;;
  *)
    echo "usage: probe.sh redis-live PORT | sentinel-live PORT | ready REDIS_PORT SENTINEL_PORT" >&2
    exit 2
    ;;
esac
