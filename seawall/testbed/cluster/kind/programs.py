"""Run kind and docker, which the user has installed; no argument contains a secret."""

import os
import shutil
import subprocess

from seawall.common.errors import ClusterError, HostError
from seawall.testbed.toolchain.engines import docker_runs

__all__ = ["check_engine", "check_programs", "docker", "kind", "require"]

_TO_INSTALL = {
    "docker": "install Docker Engine (https://docs.docker.com/engine/install/)",
    "kind": "install it (https://kind.sigs.k8s.io/docs/user/quick-start/)",
    "kubectl": "install it (https://kubernetes.io/docs/tasks/tools/)",
}
_ERROR = "ERROR: "
"""The prefix of kind's own error; the output of docker follows on later lines."""


def require(*programs: str) -> None:
    """Make sure that programs are on PATH.

    Raises:
        HostError: a program is missing; says how to install it.
    """
    for program in programs:
        if not shutil.which(program):
            raise HostError(
                f"{program} is not on PATH, and a kind cluster needs it: {_TO_INSTALL[program]}, "
                "or set seawall:kubernetes.cluster to another kind of cluster"
            )


def check_engine() -> None:
    """Make sure that a Docker engine answers.

    Raises:
        HostError: no engine answers; says what to do.
    """
    require("docker")
    if not docker_runs():
        raise HostError(
            "no Docker engine answers this user: start it (`docker version` says what is wrong), "
            "or join the group that may use it"
        )


def check_programs() -> None:
    """Make sure that this machine has everything that a kind cluster needs.

    Raises:
        HostError: something is missing; says what to do.
    """
    require("docker", "kind", "kubectl")
    check_engine()


def kind(*arguments: str, timeout_s: float = 60.0) -> str:
    """Standard output of one call of kind.

    Raises:
        HostError: kind is not installed.
        ClusterError: kind failed or took too long; the message has its error.
    """
    return _run(["kind", *arguments], timeout_s)


def docker(*arguments: str, timeout_s: float = 60.0) -> str:
    """Standard output of one call of docker.

    Raises:
        HostError: docker is not installed.
        ClusterError: docker failed or took too long; the message has its error.
    """
    return _run(["docker", *arguments], timeout_s)


def _run(argv: list[str], timeout_s: float) -> str:
    require(argv[0])
    what = " ".join(argv[:3])
    # Otherwise kind could use another engine, and the calls of docker would not find its nodes.
    env = {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": "docker"}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout_s, check=False, env=env
        )
    except subprocess.TimeoutExpired as late:
        raise ClusterError(f"`{what}` did not end within {timeout_s:.0f} s") from late
    if done.returncode != 0:
        raise ClusterError(f"`{what}` failed: {_words(done.stderr or done.stdout)}")
    return done.stdout


def _words(printed: str) -> str:
    """The error in one line: kind's own error and the last line of the program that it ran."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    own = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    words = [*own[:1], *lines[-1:]]
    return ": ".join(dict.fromkeys(word.removeprefix(_ERROR) for word in words)) or "no output"
