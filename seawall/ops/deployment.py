"""An environment and the cluster that it is deployed to: what a command about one starts from."""

import os
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seawall.common.environment_names import check_env_name
from seawall.common.errors import ClusterError, UsageError
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.stack import Engine
from seawall.engine.values import object_at
from seawall.engine.workspace import KUBERNETES, committed_values
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster.instance import OwnCluster
from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.kit import Kit

__all__ = ["Target", "own_namespace", "target_of"]

_ADAPTER = "seawall:metrics_adapter"
_METRICS_APIS = (".custom.metrics.k8s.io", ".external.metrics.k8s.io")
_CONTENTS = re.compile(r"[\n{]|apiVersion")
_REFUSED = re.compile(r"Unauthorized|provide credentials|certificate has expired|x509|Forbidden")


@dataclass(frozen=True)
class Target:
    """One environment.

    Attributes:
        kit: the checkout's kit.
        env: its name.
        namespace: where it is deployed.
        own: the kit's own cluster, when that is where; None for one that somebody else runs.
        kubeconfig: of the cluster.
        context: which of the kubeconfig's contexts; its current one when None.
    """

    kit: Kit
    env: str
    namespace: str
    own: Cluster | None
    kubeconfig: Path
    context: str | None

    @cached_property
    def engine(self) -> Engine:
        """Its stack; the Pulumi CLI is built here when there is none.

        Raises:
            UsageError: the state folder is not this kit's.
        """
        self.kit.claim_home()
        return Engine(
            checkout=self.kit.checkout,
            state_dir=self.kit.home,
            env=self.env,
            pulumi=None if shutil.which("pulumi") else self.kit.tool("pulumi") / "pulumi",
            kubeconfig=self.kubeconfig,
            provider=self.kit.provider,
            kubectl=lambda: self.kubectl,
        )

    @cached_property
    def kubectl(self) -> Kubectl:
        """Kubectl with its cluster; raises ClusterError when there is no such cluster."""
        if self.own:
            return self.own.kubectl()
        found = shutil.which("kubectl")
        program = Path(found) if found else self.kit.tool("kubernetes") / "kubectl"
        return Kubectl(program, self.kubeconfig, self.context)

    @property
    def place(self) -> str:
        """The cluster in words, for questions and messages."""
        if self.own:
            return self.own.place
        return f"context {self.context or '(current)'} of {self.kubeconfig}"

    @property
    def reachable(self) -> bool:
        """Whether this machine reaches pods and Services by their addresses."""
        return self.own is not None and self.own.reachable

    @property
    def key_file(self) -> Path:
        """Where a generated API key is kept (mode 0600)."""
        return self.kit.home / self.env / "api-key"

    def check_cluster(self) -> None:
        """Make sure that the API server answers and takes the credentials.

        Raises:
            ClusterError: it does not; says which of the two.
        """
        try:
            self.kubectl("get", "namespaces", "--output=name", timeout_s=30)
        except ClusterError as error:
            told = str(error)
            if _REFUSED.search(told):
                raise ClusterError(
                    f"{self.place} refuses the credentials (expired?): {told}; renew them in "
                    f"{self.kubeconfig} and run this again"
                ) from error
            if self.own:
                raise ClusterError(f"{self.place} does not answer: {told}") from error
            raise ClusterError(
                f"{self.place} does not answer: {told}; start it, or set "
                f"seawall:kubernetes in Pulumi.{self.env}.yaml"
            ) from error

    def check_names_of_the_cluster(self) -> None:
        """Make sure that no other environment serves what a cluster has once.

        An update that continues one that was cut off adopts what is there, whoever made it.

        Raises:
            UsageError: another namespace serves the autoscaler's metrics.
        """
        values = committed_values(self.engine.layout)
        if not isinstance(values.get(_ADAPTER), dict):
            return
        where = "jsonpath={range .items[*]}{.metadata.name}={.spec.service.namespace} {end}"
        for entry in self.kubectl("get", "apiservices", "-o", where).split():
            name, _, namespace = entry.partition("=")
            if name.endswith(_METRICS_APIS) and namespace not in ("", self.namespace):
                raise UsageError(
                    f"{self.place} has {name} served from the namespace {namespace}, and "
                    f"Pulumi.{self.env}.yaml brings another adapter: leave {_ADAPTER} out, or "
                    "remove that one"
                )

    def check_deployed_here(self) -> None:
        """Make sure that this is the cluster which the stack was deployed to.

        Pulumi deletes on the one that the state names, whatever the configuration says by now.

        Raises:
            UsageError: the configuration, or KUBECONFIG, names another one.
        """
        now = {"kubeconfig": str(self.kubeconfig.resolve()), "context": self.context}
        for name, deployed in self.engine.snapshot().cluster.items():
            if now[name] is not None and now[name] != deployed:
                raise UsageError(
                    f"{self.env} was deployed with the {name} {deployed}, and {now[name]} is named "
                    f"now: nothing was deleted; set seawall:kubernetes.{name} back, or, when both "
                    f"are one cluster, run `seawall up {self.env}` first"
                )


def target_of(kit: Kit, env: str) -> Target:
    """The environment of the checkout's Pulumi.<env>.yaml.

    Raises:
        UsageError: the name is none, or this checkout has a cluster of another kind.
        WorkspaceError: there is no such file, or it cannot be read.
        ClusterError: its kubeconfig is not there.
    """
    check_env_name(env)
    values = object_at(committed_values(Layout(kit.checkout, kit.home, env)), KUBERNETES)
    kind = OwnCluster.named(values.get("cluster"))
    image = values.get("node_image")
    own = kit.cluster(kind, node_image=image if isinstance(image, str) else None) if kind else None
    context = values.get("context")
    return Target(
        kit=kit,
        env=env,
        namespace=str(values.get("namespace", "")),
        own=own,
        kubeconfig=own.kubeconfig if own else _kubeconfig(values.get("kubeconfig")),
        context=context if isinstance(context, str) else None,
    )


def own_namespace(kit: Kit, env: str) -> str:
    """The namespace of an environment on the kit's own cluster; empty when it cannot be told."""
    try:
        values = object_at(committed_values(Layout(kit.checkout, kit.home, env)), KUBERNETES)
    except WorkspaceError:
        return ""
    named = values.get("namespace")
    own = OwnCluster.named(values.get("cluster")) is not None
    return named if own and isinstance(named, str) else ""


def _kubeconfig(given: object) -> Path:
    if given is not None and (not isinstance(given, str) or _CONTENTS.search(given)):
        # Not shown: what is there instead of a path may be a private key.
        raise UsageError(
            "seawall:kubernetes.kubeconfig is not the path of a file; name one, contents would "
            "put its keys into git and into the stack's state"
        )
    named = given if isinstance(given, str) else os.environ.get("KUBECONFIG", "")
    if os.pathsep in named:
        raise UsageError(
            f"KUBECONFIG names several files ({named}); name one in "
            "seawall:kubernetes.kubeconfig, and its context in seawall:kubernetes.context"
        )
    path = Path(named or "~/.kube/config").expanduser()
    if not path.is_file():
        raise ClusterError(
            f"there is no kubeconfig {path}; name one in KUBECONFIG or in "
            "seawall:kubernetes.kubeconfig"
        )
    return path
