"""Read and change the objects of a cluster through kubectl."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from seawall.common.errors import ClusterError

__all__ = ["Kubectl"]

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class Kubectl:
    """kubectl with one kubeconfig.

    Args:
        program: the kubectl to run.
        kubeconfig: the file with the cluster and the credentials.
        context: a context in that file; default: its current context.
    """

    def __init__(self, program: Path, kubeconfig: Path, context: str | None = None) -> None:
        self._where = [str(program), f"--kubeconfig={kubeconfig}"]
        if context is not None:
            self._where.append(f"--context={context}")
        self._base = [*self._where, "--request-timeout=20s"]

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_s: float = 120) -> str:
        """Standard output of one call.

        Raises:
            ClusterError: the call failed; the message has the last line of standard error.
        """
        try:
            done = subprocess.run(
                [*self._base, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise ClusterError(
                f"kubectl {' '.join(arguments[:3])} did not end within {timeout_s:.0f} s"
            ) from late
        if done.returncode != 0:
            words = done.stderr.strip().splitlines()
            raise ClusterError(
                f"kubectl {' '.join(arguments[:3])}: {words[-1] if words else 'failed'}"
            )
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        """Whether a call succeeds."""
        try:
            self(*arguments)
        except ClusterError:
            return False
        return True

    def get(self, *arguments: str) -> JsonValue:
        """`kubectl get ... -o json`, parsed.

        Raises:
            ClusterError: see `__call__`.
        """
        return _JSON.validate_json(self("get", *arguments, "-o", "json"))

    def apply(self, manifests: str, *, manager: str) -> None:
        """Server-side apply of YAML or JSON documents.

        Raises:
            ClusterError: the API server refused one.
        """
        self(
            *("apply", "--server-side", f"--field-manager={manager}"),
            *("--force-conflicts", "-f", "-"),
            stdin=manifests,
        )

    def patch(self, kind: str, name: str, change: JsonValue) -> None:
        """Merge-patch a cluster-scoped object.

        Raises:
            ClusterError: the API server refused it.
        """
        self("patch", kind, name, "--type=merge", "-p", json.dumps(change))

    def arguments(self, extra: Sequence[str], *, namespace: str = "") -> list[str]:
        """The command line for running kubectl in the user's terminal.

        Args:
            extra: kubectl's own arguments.
            namespace: the namespace if `extra` names none; when empty, kubectl chooses it.
        """
        usual = [f"--namespace={namespace}"] if namespace else []
        return [*self._where, *usual, *extra]
