"""The local environment from nothing to a gateway that answers, and back to nothing."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from seawall.engine.stack import Engine
from seawall.engine.update import Progress as EngineProgress
from seawall.engine.update import Stage, UpResult
from seawall.host import check_disk, check_kernel, check_root
from seawall.kit import Kit
from seawall.smoke import Answer, smoke_test
from seawall.verify import verify_rollout

__all__ = ["LocalUp", "bring_down", "bring_up", "engine_of"]

ENV = "local"
_FRESH_GIB = 14.0
"""Downloads, Go's build cache and the results of a first run: measured 12.2 GiB, and some air."""
_WARM_GIB = 2.0
"""A cluster's disks and one more set of images."""


class _Outputs(BaseModel):
    """The stack's outputs that this module reads."""

    namespace: str
    gateway_url: str
    api_keys: dict[str, str]
    simulator_admin_urls: dict[str, str]


@dataclass(frozen=True, slots=True)
class LocalUp:
    """What `up` came to.

    Attributes:
        update: the engine's counts and outputs.
        answers: the plain and the streamed completion that went through the gateway's Service.
        gateway_url: base URL of the gateway, as an OpenAI client wants it.
        admin_urls: where each provider simulator is told to fail.
        key_file: file (mode 0600) with an API key.
        engine_lines: which Pulumi and which provider served.
    """

    update: UpResult
    answers: list[Answer]
    gateway_url: str
    admin_urls: dict[str, str]
    key_file: Path
    engine_lines: list[str]


def bring_up(kit: Kit) -> LocalUp:
    """Build what is missing, start the cluster, deploy, wait until it really serves, and ask it.

    Running it again repairs what was killed and otherwise changes nothing.

    Raises:
        SeawallError: one line about what stopped it; a rerun continues.
    """
    check_root()
    check_kernel()
    with kit.alone():
        _check_space(kit)
        kit.claim_home()
        engine = engine_of(kit)  # built before the cluster starts, as everything is
        images = {target: kit.images.project_image(target) for target in ("gateway", "redis")}
        cluster = kit.start_cluster()
        with kit.progress.step("give the images to the nodes", estimate_s=8):
            cluster.load(list(images.values()))
        with kit.progress.step("deploy with Pulumi", estimate_s=15):
            update = engine.up(
                images={name: image.ref for name, image in images.items()},
                refresh=True,
                on_progress=lambda p: _tell(kit, p),
            )
        kit.progress.note(update.line())
        outputs = _Outputs.model_validate({k: v.value for k, v in update.outputs.items()})
        with kit.progress.step("wait until it serves", estimate_s=30):
            verify_rollout(cluster.kubectl(), namespace=outputs.namespace)
        key_file = _keep_key(kit, next(iter(outputs.api_keys.values())))
        return LocalUp(
            update=update,
            answers=smoke_test(outputs.gateway_url, key_file.read_text()),
            gateway_url=f"{outputs.gateway_url}/v1",
            admin_urls=outputs.simulator_admin_urls,
            key_file=key_file,
            engine_lines=engine.rung().lines(),
        )


def bring_down(kit: Kit) -> None:
    """Remove the cluster and all local state; the cache of builds stays.

    Raises:
        SeawallError: something could not be removed.
    """
    check_root()
    with kit.alone():
        kit.cluster().down()
        kit.drop_home()


def engine_of(kit: Kit) -> Engine:
    """The engine of the local stack."""
    return Engine(
        checkout=kit.checkout,
        state_dir=kit.home,
        env=ENV,
        pulumi=kit.tool("pulumi") / "pulumi",
        kubeconfig=kit.cluster().kubeconfig,
        embedded=True,
    )


def _check_space(kit: Kit) -> None:
    fresh = not (kit.cache.root / "kubernetes").is_dir()
    what = "a first run's builds" if fresh else "a cluster and its images"
    need = _FRESH_GIB if fresh else _WARM_GIB
    check_disk(kit.cache.root, need_gib=need, what=what)
    check_disk(kit.instance.data, need_gib=_WARM_GIB, what="the cluster's disks")


def _tell(kit: Kit, progress: EngineProgress) -> None:
    if progress.stage is not Stage.BEGUN and progress.op not in {"same", "refresh", "read"}:
        failed = " FAILED" if progress.stage is Stage.FAILED else ""
        kit.progress.note(f"  {progress.op} {progress.resource}{failed}")


def _keep_key(kit: Kit, key: str) -> Path:
    file = kit.home / "api-key"
    file.touch(mode=0o600)
    file.write_text(key)
    return file
