"""The Deployment, the Service, the Secret and the ConfigMap of a workload with a `Program`."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    HostAliasArgs,
    PodSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import paths
from infra.components.base.config_volume import mounted_files
from infra.components.base.pods import (
    http_probe,
    requirements,
    restricted,
    scratch_volume,
    secret_volume,
)
from infra.components.base.single_pod import SinglePod, single_pod
from infra.components.secrets.secret_source import SecretSource
from infra.labels import labels_of, selector_of
from infra.workloads.workload import Program

__all__ = ["ProgramPod", "ProgramPodArgs"]


@dataclass(frozen=True, slots=True)
class ProgramPodArgs:
    """What a ProgramPod needs."""

    namespace: pulumi.Input[str]
    plain_namespace: str
    """The same namespace as a plain string, for names of cluster-wide objects."""
    image: str
    program: Program
    secrets: SecretSource
    redis_aliases: pulumi.Output[list[HostAliasArgs]]
    """The addresses of the Redis pods' Services."""
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""


class ProgramPod(pulumi.ComponentResource):
    """One pod with one container that answers HTTP, and its Service, with the workload's name."""

    deployment: Deployment
    service: Service

    def __init__(
        self, name: str, args: ProgramPodArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(args.program.type, name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        account = self._service_account()
        pod = SinglePod(args.namespace, self._spec(account), args.replace_after_s)
        self.deployment = single_pod(name, pod, self._child)
        program = args.program
        port = ServicePortArgs(
            name=program.scheme,
            port=program.service_port or program.port,
            target_port=program.scheme,
        )
        self.service = Service(
            name,
            metadata=self._metadata(name),
            spec=ServiceSpecArgs(ports=[port], selector=selector_of(name)),
            opts=self._child,
        )
        self._declare_more()
        self.register_outputs({})

    def _service_account(self) -> pulumi.Input[str] | None:
        """The service account whose token the pod mounts; None for none."""
        return None

    def _declare_more(self) -> None:
        """Declare further resources of a component that has some."""

    def _spec(self, account: pulumi.Input[str] | None) -> PodSpecArgs:
        program = self._args.program
        mounts = self._mounts()
        scheme = None if program.scheme == "http" else program.scheme.upper()
        container = ContainerArgs(
            name=self._name,
            image=self._args.image,
            command=list(program.command) if program.command else None,
            args=list(program.arguments),
            ports=[ContainerPortArgs(name=program.scheme, container_port=program.port)],
            liveness_probe=http_probe(
                program.health, program.scheme, period_s=10, failures=6, scheme=scheme
            ),
            readiness_probe=http_probe(
                program.ready or program.health,
                program.scheme,
                period_s=2,
                failures=3,
                scheme=scheme,
            ),
            resources=requirements(program.resources),
            volume_mounts=[mount for _, mount in mounts],
        )
        return restricted(
            PodSpecArgs(
                automount_service_account_token=account is not None,
                containers=[container],
                host_aliases=self._args.redis_aliases if program.knows_redis else None,
                service_account_name=account,
                termination_grace_period_seconds=program.grace_s,
                volumes=[volume for volume, _ in mounts],
            )
        )

    def _mounts(self) -> list[tuple[VolumeArgs, VolumeMountArgs]]:
        args, program = self._args, self._args.program
        found: list[tuple[VolumeArgs, str]] = []
        if program.secrets:
            name = f"{self._name}-secrets"
            secret = args.secrets.fill(name, self._metadata(name), program.secrets, self._child)
            found.append((secret_volume("secrets", secret), paths.SECRETS_DIR))
        if program.settings:
            files = mounted_files(
                f"{self._name}-settings",
                args.namespace,
                self._name,
                program.settings,
                self._child,
            )
            found.append((files, program.settings_dir))
        if program.foreign_secret:
            foreign = program.foreign_secret
            found.append((secret_volume("ca", foreign.name, foreign.file), foreign.folder))
        return [
            *((volume, _mount(volume, folder, read_only=True)) for volume, folder in found),
            *(
                (volume, _mount(volume, scratch.folder, read_only=False))
                for scratch in program.scratch
                for volume in [scratch_volume(scratch.name, scratch.size, memory=scratch.in_memory)]
            ),
        ]

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels=labels_of(self._name)
        )


def _mount(volume: VolumeArgs, folder: str, *, read_only: bool) -> VolumeMountArgs:
    return VolumeMountArgs(name=volume.name, mount_path=folder, read_only=read_only)
