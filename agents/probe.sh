#!/bin/sh
# The probes of the Redis and Sentinel containers: `probe.sh NAME PORT`, whose exit code is 0 for yes.
#
# Six of them run every few seconds on each Redis pod, so they start a shell and redis-cli, some
# milliseconds of processor time, and no Python, whose start alone takes fifty.
set -u
secrets=${SEAWALL_SECRETS:-/etc/seawall/secrets}
run=${SEAWALL_RUN:-/run/seawall}
name=${1:-} port=${2:-}

# The server's answer; nothing when there is none within three seconds.
ask() { timeout 3 redis-cli -p "$port" "$@" 2>/dev/null; }

# `login FILE`: with the password in FILE, which never stands on a command line.
login() {
  # `read` fails at a last line that has no end, and has read it all the same.
  read -r REDISCLI_AUTH <"$secrets/$1" || [ "${REDISCLI_AUTH:-}" ] || exit 1
  export REDISCLI_AUTH
}

case $name in
  redis-live)
    # Redis says anything at all (also LOADING, BUSY, NOAUTH), or the agent waits to start it: it
    # touches the file at every look.
    [ "$(ask PING)" ] || [ "$(find "$run/waiting" -newermt '15 seconds ago' 2>/dev/null)" ]
    ;;
  redis-ready)
    # A master, or a replica whose link is up and whose copy is complete.
    login redis-operator-password
    case $(ask --user operator INFO replication) in
      *role:master*) ;;
      *master_link_status:up*master_sync_in_progress:0*) ;;
      *) exit 1 ;;
    esac
    ;;
  sentinel-live)
    [ "$(ask PING)" ]
    ;;
  sentinel-ready)
    # Enough sentinels are there to agree on a failover.
    login sentinel-password
    case $(ask SENTINEL CKQUORUM "$SEAWALL_MASTER_NAME") in
      OK*) ;;
      *) exit 1 ;;
    esac
    ;;
  *)
    echo "usage: probe.sh redis-live|redis-ready|sentinel-live|sentinel-ready PORT" >&2
    exit 2
    ;;
esac
