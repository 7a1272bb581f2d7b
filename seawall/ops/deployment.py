"""An environment and the cluster that it is deployed to; most commands start from a `Target`."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra.config import Images
from infra.config.kubernetes import has_contents
from seawall.common.environment_names import check_env_name
from seawall.common.errors import ClusterError, UsageError
from seawall.engine.backend import committed_backend
from seawall.engine.errors import WorkspaceError
from seawall.engine.recovery import may_be_deployed, read_or_restore
from seawall.engine.sections import has_metrics_adapter, kubernetes_of
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster.interface import Cluster
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.kit import Kit

if TYPE_CHECKING:
    from seawall.engine.stack import Engine

__all__ = ["Target", "deployed_images", "engine_of", "own_namespace", "target_of"]

_ADAPTER = "seawall:metrics_adapter"
_METRICS_APIS = (".custom.metrics.k8s.io", ".external.metrics.k8s.io")
_REFUSED = re.compile(r"Unauthorized|provide credentials|certificate has expired|x509|Forbidden")


@dataclass(frozen=True)
class Target:
    """One environment.

    Attributes:
        kit: the checkout's kit.
        env: the name of the environment.
        namespace: the namespace that it is deployed to.
        own: the bundled cluster that it is deployed to; None for any other cluster.
        kubeconfig: the kubeconfig of the cluster.
        context: the context in the kubeconfig; None uses the current context.
        adopt_existing: whether `up` takes over objects that exist already.
    """

    kit: Kit
    env: str
    namespace: str
    own: Cluster | None
    kubeconfig: Path
    context: str | None
    adopt_existing: bool = False

    @cached_property
    def engine(self) -> "Engine":
        """The stack of the environment.

        Raises:
            UsageError: the state folder belongs to another kit.
        """
        existing = None if self.adopt_existing else lambda: self.kubectl
        return _engine(self.kit, self.env, self.kubeconfig, existing)

    @cached_property
    def kubectl(self) -> Kubectl:
        """Kubectl for the cluster; raises ClusterError when the cluster does not exist."""
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
        """Whether this machine can connect to the addresses of pods and Services."""
        return self.own is not None and self.own.reachable

    @property
    def not_deployed(self) -> str:
        """The message that nothing is deployed, and the command that deploys it."""
        return f"{self.env} is not deployed; `seawall up {self.env}` deploys it"

    @property
    def key_file(self) -> Path:
        """Where a generated API key is kept (mode 0600)."""
        return self.kit.home / self.env / "api-key"

    def check_cluster(self) -> None:
        """Make sure that the API server answers and accepts the credentials.

        Raises:
            ClusterError: it does not answer, or it refuses the credentials; says which.
        """
        try:
            self.kubectl("get", "namespaces", "--output=name", timeout_s=30)
        except ClusterError as error:
            reason = str(error)
            if _REFUSED.search(reason):
                raise ClusterError(
                    f"{self.place} refuses the credentials (expired?): {reason}; renew them in "
                    f"{self.kubeconfig} and run this again"
                ) from error
            if self.own:
                raise ClusterError(f"{self.place} does not answer: {reason}") from error
            raise ClusterError(
                f"{self.place} does not answer: {reason}; start it, or set "
                f"seawall:kubernetes in Pulumi.{self.env}.yaml"
            ) from error

    def check_names_of_the_cluster(self) -> None:
        """Make sure that no other environment serves the APIs that exist once per cluster.

        An update that continues an interrupted one adopts existing objects, even those of others.

        Raises:
            UsageError: another namespace serves the metrics API of the autoscaler.
        """
        if not has_metrics_adapter(self.engine.layout):
            return
        where = "jsonpath={range .items[*]}{.metadata.name}={.spec.service.namespace} {end}"
        for entry in self.kubectl("get", "apiservices", "-o", where).split():
            name, _, namespace = entry.partition("=")
            if name.endswith(_METRICS_APIS) and namespace not in ("", self.namespace):
                raise UsageError(
                    f"{self.place} has {name} served from the namespace {namespace}, and "
                    f"Pulumi.{self.env}.yaml deploys a second adapter: remove {_ADAPTER} from that "
                    "file, or remove the existing adapter"
                )

    def check_deployed(self) -> None:
        """Make sure that something was deployed; needs no cluster and no Pulumi CLI.

        A shared state is not read: other machines may have deployed the environment.

        Raises:
            UsageError: nothing was deployed from this checkout, and its state is not shared.
            WorkspaceError: the configuration cannot be read.
        """
        layout = self.kit.layout(self.env)
        if not committed_backend(layout).is_shared and not may_be_deployed(layout):
            raise UsageError(self.not_deployed)

    def check_deployed_here(self) -> None:
        """Make sure that this is the cluster which the stack was deployed to.

        Pulumi deletes from the cluster in the state, even when the configuration names another.

        Raises:
            UsageError: the configuration, or KUBECONFIG, names another cluster.
        """
        now = {"kubeconfig": str(self.kubeconfig.resolve()), "context": self.context}
        for name, deployed in self.engine.snapshot().cluster.items():
            if now[name] is not None and now[name] != deployed:
                raise UsageError(
                    f"{self.env} was deployed with the {name} {deployed}, but the configuration "
                    f"now names {now[name]}: nothing was deleted; set seawall:kubernetes.{name} "
                    f"back, or, when both are the same cluster, run `seawall up {self.env}` first"
                )


def target_of(kit: Kit, env: str) -> Target:
    """The environment of the checkout's Pulumi.<env>.yaml.

    Raises:
        UsageError: the name is invalid, or this checkout has a cluster of another kind.
        WorkspaceError: the file does not exist, cannot be read, or its section about the cluster
            is wrong.
        ClusterError: the kubeconfig does not exist.
    """
    check_env_name(env)
    named = kubernetes_of(kit.layout(env))
    kind = OwnCluster.named(named.cluster)
    own = kit.cluster(kind, node_image=named.node_image) if kind else None
    return Target(
        kit=kit,
        env=env,
        namespace=named.namespace,
        own=own,
        kubeconfig=own.kubeconfig if own else _kubeconfig(named.kubeconfig),
        context=named.context,
        adopt_existing=named.adopt_existing,
    )


def engine_of(kit: Kit, env: str) -> "Engine":
    """The stack of an environment, for operations on its state: the cluster need not exist.

    Raises:
        UsageError: the name is invalid, or the state folder belongs to another kit.
        WorkspaceError: the file does not exist, cannot be read, or its section about the cluster
            is wrong.
    """
    check_env_name(env)
    named = kubernetes_of(kit.layout(env))
    kind = OwnCluster.named(named.cluster)
    path = kit.cluster(kind).kubeconfig if kind else _path_of_kubeconfig(named.kubeconfig)
    return _engine(kit, env, path, None)


def _engine(
    kit: Kit, env: str, kubeconfig: Path, kubectl: Callable[[], Kubectl] | None
) -> "Engine":
    from seawall.engine.stack import Engine  # noqa: PLC0415 - Pulumi is slow to import

    kit.claim_home()
    return Engine(
        checkout=kit.checkout,
        state_dir=kit.home,
        env=env,
        pulumi=lambda: kit.tool("pulumi") / "pulumi",
        kubeconfig=kubeconfig,
        provider=kit.provider,
        kubectl=kubectl,
    )


def deployed_images(kit: Kit, env: str) -> Mapping[str, str]:
    """The images of the last deployment by name, as far as a local state has them.

    For a shared state, which only the Pulumi CLI reads, they are placeholders. They are empty
    without a state, and when the configuration does not say where it is.
    """
    layout = kit.layout(env)
    try:
        backend = committed_backend(layout)
    except WorkspaceError:
        return {}
    if backend.is_shared:
        return dict.fromkeys(Images.model_fields, "deployed.invalid/image:0")
    images = read_or_restore(layout)[0].outputs.get("images")
    return {name: str(ref) for name, ref in images.items()} if isinstance(images, dict) else {}


def own_namespace(kit: Kit, env: str) -> str:
    """The namespace of an environment on the bundled cluster; empty when it is unknown."""
    try:
        named = kubernetes_of(kit.layout(env))
    except WorkspaceError:
        return ""
    return named.namespace if OwnCluster.named(named.cluster) else ""


def _kubeconfig(given: str | None) -> Path:
    """The existing kubeconfig that the configuration or the environment variable names."""
    path = _path_of_kubeconfig(given)
    if not path.is_file():
        raise ClusterError(
            f"there is no kubeconfig {path}; name one in KUBECONFIG or in "
            "seawall:kubernetes.kubeconfig"
        )
    return path


def _path_of_kubeconfig(given: str | None) -> Path:
    named = given or os.environ.get("KUBECONFIG", "")
    if has_contents(named):
        # Not shown, since the contents have keys.
        raise UsageError("KUBECONFIG must be the path of a file, and it seems to have its contents")
    if os.pathsep in named:
        raise UsageError(
            f"KUBECONFIG names several files ({named}); name one in "
            "seawall:kubernetes.kubeconfig, and its context in seawall:kubernetes.context"
        )
    return Path(named or "~/.kube/config").expanduser()
