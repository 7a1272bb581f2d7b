"""The agents' settings: environment variables and mounted secret files, read once."""

from dataclasses import dataclass
from pathlib import Path

from agents import env
from agents.env import SettingsError
from contract import ports

__all__ = ["Settings", "read_settings"]

_SECRETS = Path("/etc/seawall/secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one pod.

    Attributes:
        pod: name of this pod, such as redis-0.
        hosts: stable names of all pods; each always resolves, and its address never changes.
        master_name: the name under which the sentinels monitor the master.
        quorum: the number of sentinels that must agree that the master is down.
        down_after_ms, failover_timeout_ms: settings of Sentinel.
        max_lag_s: a master refuses writes when no replica has answered for so many seconds.
        maxmemory: bytes.
        data: the pod's volume.
        run: memory-backed folder for generated files that hold passwords.
        secrets: folder with one file per password.
    """

    pod: str
    hosts: tuple[str, ...]
    master_name: str
    quorum: int
    down_after_ms: int
    failover_timeout_ms: int
    max_lag_s: int
    maxmemory: int
    data: Path = Path("/data")
    run: Path = Path("/run/seawall")
    secrets: Path = _SECRETS
    redis_port: int = ports.REDIS
    sentinel_port: int = ports.SENTINEL

    @property
    def own_host(self) -> str:
        """This pod's stable name.

        Raises:
            SettingsError: the pod is not among the hosts.
        """
        for host in self.hosts:
            if host.split(".", 1)[0] == self.pod:
                return host
        raise SettingsError(f"SEAWALL_POD_NAME={self.pod} is not one of {', '.join(self.hosts)}")

    @property
    def peers(self) -> tuple[str, ...]:
        """The other pods' names."""
        return tuple(host for host in self.hosts if host != self.own_host)

    @property
    def waiting_file(self) -> Path:
        """Touched at every check while Redis may not start yet; the liveness probe reads it."""
        return self.run / "waiting"

    @property
    def stopped_file(self) -> Path:
        """Written when the stop rule has ended, with or without success; then Sentinel may end."""
        return self.run / "stopped"

    @property
    def redis_folder(self) -> Path:
        """The folder of Redis' files."""
        return self.data / "redis"

    @property
    def sentinel_file(self) -> Path:
        """Sentinel's configuration; it is on the volume, because Sentinel keeps its state in it."""
        return self.data / "sentinel" / "sentinel.conf"

    def password(self, name: str) -> str:
        """A mounted password.

        Raises:
            SettingsError: the file is missing or empty.
        """
        return env.secret(self.secrets, name)


def read_settings() -> Settings:
    """The settings from this process's environment.

    Raises:
        SettingsError: a setting is missing or invalid.
    """
    return Settings(
        pod=env.text("SEAWALL_POD_NAME"),
        hosts=tuple(env.text("SEAWALL_REDIS_HOSTS").split(",")),
        master_name=env.text("SEAWALL_MASTER_NAME"),
        quorum=env.number("SEAWALL_QUORUM"),
        down_after_ms=env.number("SEAWALL_DOWN_AFTER_MS"),
        failover_timeout_ms=env.number("SEAWALL_FAILOVER_TIMEOUT_MS"),
        max_lag_s=env.number("SEAWALL_MAX_LAG_S"),
        maxmemory=env.number("SEAWALL_MAXMEMORY"),
    )
