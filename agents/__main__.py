"""The command line of the agents.

`python -m agents redis|sentinel|health|stop|stop-wait` runs inside a Redis pod. `backup` runs in a
separate pod, and `names HOST` in the pod of the edge proxy.
"""

import sys

from agents.env import SettingsError
from agents.redis.settings import Settings, read_settings

__all__ = ["main"]

_USAGE = (
    "usage: python -m agents redis | sentinel | health | stop | stop-wait | backup | names HOST"
)


def main(arguments: list[str]) -> int:
    """Run one agent; the exit code is 2 for a wrong call or wrong settings.

    The backup returns 0 or 1; it also returns 1 for wrong settings.
    """
    if arguments == ["backup"]:
        # It runs in a separate pod with separate settings.
        from agents.backup.job import main as back_up  # noqa: PLC0415

        return back_up()
    if arguments[:1] == ["names"] and len(arguments) == 2:  # noqa: PLR2004 - the word and its host
        # It runs in the pod of the edge proxy.
        from agents.edge.dns_server import main as serve  # noqa: PLC0415

        return serve(arguments[1])
    try:
        return _dispatch(arguments, read_settings())
    except SettingsError as wrong:
        sys.stderr.write(f"agents: {wrong}\n")
        return 2


def _dispatch(arguments: list[str], settings: Settings) -> int:
    # Imported where used, because the image of the edge proxy has no Redis client.
    match arguments:
        case ["redis"]:
            from agents.redis.start import start_redis  # noqa: PLC0415

            start_redis(settings)
        case ["sentinel"]:
            from agents.redis.start import start_sentinel  # noqa: PLC0415

            start_sentinel(settings)
        case ["health"]:
            from agents.redis.health import main as serve  # noqa: PLC0415

            return serve(settings)
        case ["stop"]:
            from agents.redis.stop_rule import stop  # noqa: PLC0415

            stop(settings)
            return 0
        case ["stop-wait"]:
            from agents.redis.stop_rule import wait_for_stop  # noqa: PLC0415

            wait_for_stop(settings)
            return 0
        case _:
            pass
    sys.stderr.write(_USAGE + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
