"""The declaration of one program that the kit deploys.

The stack, the network policies and both kinds of scraping read it. Nothing here imports Pulumi.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contract import paths
from infra.config import ApiKey, Resources
from infra.workloads.peers import Opening

__all__ = [
    "ForeignSecret",
    "PodScrape",
    "ProbeScrape",
    "Program",
    "Scratch",
    "SecretFiles",
    "Workload",
]


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """The files of one Secret.

    Attributes:
        copied: secrets that become files with the same names and contents.
        api_keys: the client keys whose hashes become API_KEYS_FILE; there is no file without any.
        revoked: IDs of runtime keys that API_KEYS_FILE refuses.
        redis_urls: the URLs for which the exporter's password is valid; they become
            REDIS_URLS_FILE.
    """

    copied: tuple[str, ...]
    api_keys: Mapping[str, ApiKey] = field(default_factory=dict[str, ApiKey])
    revoked: tuple[str, ...] = ()
    redis_urls: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Scratch:
    """A volume for files that need not outlive the pod.

    Attributes:
        name: the name of the volume.
        folder: where it is mounted, writable.
        size: the most that it holds.
        in_memory: whether its files are in memory; they count as the pod's memory then.
    """

    name: str
    folder: str
    size: str
    in_memory: bool = False


@dataclass(frozen=True, slots=True)
class ForeignSecret:
    """One file of a Secret that the kit does not create, mounted in `folder`."""

    name: str
    file: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodScrape:
    """Prometheus scrapes each pod of the workload.

    Attributes:
        job: the name of the Prometheus job.
        port_name: the name of the container port with the metrics; that of a `Program` is its
            scheme.
        port: the port's number; by default, that of the `Program`.
        path: the path of the metrics.
    """

    job: str
    port_name: str = "http"
    port: int | None = None
    path: str = paths.METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeScrape:
    """Prometheus names targets to the workload, which queries them: an exporter.

    Attributes:
        job: the name of the Prometheus job.
        path: the exporter's path.
        targets: the targets' URLs.
        instance: the label `instance` of the series; by default, the first part of a target's host.
        module: the request in the exporter's configuration.
        every: the time between two scrapes; by default, that of all jobs.
        timeout: the longest time for one scrape; by default, that of all jobs.
    """

    job: str
    path: str
    targets: tuple[str, ...]
    instance: str | None = None
    module: str | None = None
    every: str | None = None
    timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One pod with one container that answers HTTP, and its Service.

    Users do not wait for such a pod: it may be absent for a moment.

    Attributes:
        type: the type of its Pulumi component.
        arguments: arguments of the program.
        port: the container's port.
        health: the path that answers while the program lives.
        resources: resources of the container.
        command: replaces the image's entry point.
        ready: the path that answers while the program is ready; `health` by default.
        scheme: how the port is reached.
        service_port: the Service's port; `port` by default.
        settings: texts of files by name, in the folder `settings_dir`. A change makes a new pod.
        settings_dir: where they are mounted.
        secrets: the files in paths.SECRETS_DIR.
        foreign_secret: a further file, of a Secret that the kit does not create.
        scratch: writable volumes.
        knows_redis: whether the pod knows the addresses of the Redis pods without a name server.
        grace_s: seconds that the program may take to end.
    """

    type: str
    arguments: Sequence[str]
    port: int
    health: str
    resources: Resources
    command: Sequence[str] | None = None
    ready: str | None = None
    scheme: Literal["http", "https"] = "http"
    service_port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    settings_dir: str = ""
    secrets: SecretFiles | None = None
    foreign_secret: ForeignSecret | None = None
    scratch: Sequence[Scratch] = ()
    knows_redis: bool = False
    grace_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One program that the kit deploys.

    Attributes:
        name: the name of the Deployment, the Service, the container and the network policy. It is
            also the value of the pods' label app.kubernetes.io/name.
        image: the key of its image in seawall:images; None if the image is configured elsewhere.
        switched_on_by: the key below seawall: that deploys it; None for what is always deployed.
        reaches: the connections that its pods open. A connection to another workload is opened at
            both ends.
        accepts: the connections to its pods from what is not a workload.
        scrapes: how Prometheus gets its metrics.
        program: how it is deployed; None for a workload that needs more than a `Program`, and has
            a component of its own.
    """

    name: str
    image: str | None = None
    switched_on_by: str | None = None
    reaches: Sequence[Opening] = ()
    accepts: Sequence[Opening] = ()
    scrapes: Sequence[PodScrape | ProbeScrape] = ()
    program: Program | None = None

    @property
    def scraped_port(self) -> int | None:
        """The port that Prometheus connects to; None when it does not."""
        for scrape in self.scrapes:
            if isinstance(scrape, PodScrape) and scrape.port is not None:
                return scrape.port
            if self.program is not None:
                return self.program.port
        return None
