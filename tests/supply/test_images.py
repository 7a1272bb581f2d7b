"""The built images of the project, read from their archives without a container engine."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from contract.components import EDGE
from seawall.common.progress import Progress
from seawall.testbed.kit import Kit, kit_here
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.images import Image, ImageBuilder
from tests.cluster.live_environment import ready_pods
from tests.conftest import CHECKOUT, Environment

pytestmark = [pytest.mark.cluster]


class Settings(BaseModel):
    user: str = Field(alias="User")
    entrypoint: list[str] = Field(alias="Entrypoint")
    healthcheck: dict[str, object] = Field(alias="Healthcheck", default={})
    """Jobs have no health check."""


class Configuration(BaseModel):
    config: Settings


class Entry(BaseModel):
    file: str = Field(alias="Config")
    layers: list[str] = Field(alias="Layers")


def configuration(image: Image) -> tuple[str, Configuration]:
    """The image's id and settings."""
    with tarfile.open(image.archive) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        file = Entry.model_validate(json.load(manifest)[0]).file
        content = archive.extractfile(file)
        assert content
        return file.removesuffix(".json"), Configuration.model_validate_json(content.read())


def content(image: Image) -> set[str]:
    """The files of all layers."""
    with tarfile.open(image.archive) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        names: set[str] = set()
        for layer in Entry.model_validate(json.load(manifest)[0]).layers:
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                names |= {name.removeprefix("./") for name in files.getnames()}
        return names


@pytest.fixture
def kit(environment: Environment) -> Kit:
    return environment.kit


@pytest.mark.parametrize("target", ["gateway", "redis"])
def test_image_has_an_unprivileged_user_and_a_healthcheck(kit: Kit, target: str) -> None:
    _, image = configuration(kit.images.project_image(target))
    assert image.config.user == "10001:10001"
    assert image.config.healthcheck["Test"]
    assert image.config.entrypoint[0] == "python3"


def test_backup_image_has_its_programs_and_an_unprivileged_user(
    kit: Kit,
) -> None:
    image = kit.images.project_image("ops")
    _, settings = configuration(image)
    assert settings.config.user == "10001:10001"
    assert settings.config.entrypoint == ["python3", "-m", "agents"]
    names = content(image)
    assert {"usr/bin/redis-cli", "usr/bin/redis-check-rdb", "app/agents/backup/job.py"} <= names
    packages = {name.split("site-packages/")[-1] for name in names if "/site-packages/" in name}
    assert {"boto3/__init__.py", "redis/__init__.py"} <= packages
    assert not [name for name in packages if name.startswith(("pip/", "pulumi", "moto"))]


def test_cluster_runs_the_built_images(environment: Environment, kit: Kit) -> None:
    project = {name: kit.images.project_image(name) for name in ("edge", "gateway", "redis")}
    others = kit.programs_beside_the_gateway.values()
    template = "{range .items[*].status.containerStatuses[*]}{.image} {.imageID}{'\\n'}{end}"
    listed = environment.kubectl("-n", "seawall", "get", "pods", "-o", f"jsonpath={template}")
    running = dict(line.split(" ") for line in listed.splitlines())
    assert set(running) == {image.ref for image in [*project.values(), *others]}
    for image in project.values():
        built, _ = configuration(image)
        assert running[image.ref].removeprefix("sha256:") == built


@pytest.mark.parametrize("component", ["redis", "gateway", EDGE])
def test_python_in_pods_imports_only_compiled_modules(
    environment: Environment, component: str
) -> None:
    """Compiling costs half a second of CPU at each start."""
    (pod, *_) = ready_pods(environment, component)
    output = environment.kubectl(
        *("-n", "seawall", "exec", pod, "--", "sh", "-c"),
        "python3 -v -c 'import asyncio, contract, json, subprocess' 2>&1",
    )
    sources = re.findall(r"^# code object from '?(.+?)'?$", output, re.MULTILINE)
    assert len(sources) > 30
    assert [source for source in sources if not source.endswith(".pyc")] == []


def test_image_is_rebuilt_only_when_its_content_changes(tmp_path: Path) -> None:
    messages: list[str] = []
    cache = kit_here().cache
    progress = Progress(tmp_path / "durations.json", messages.append)
    checkout = tmp_path / "checkout"
    for name in ("agents", "contract", "locks", "service", "simulator", "tools"):
        shutil.copytree(
            CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy2(CHECKOUT / name, checkout / name)

    def ref() -> str:
        images = ImageBuilder(checkout, Cache(cache.root, messages.append), progress)
        return images.reference("redis")

    first = ref()
    (checkout / "agents" / "__pycache__").mkdir()
    (checkout / "agents" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (checkout / "service" / "settings.py").write_text("# not in this image\n")
    assert ref() == first
    (checkout / "agents" / "log.py").write_text("# changed\n")
    changed = ref()
    assert changed != first
    (checkout / "agents" / "log.py").rename(checkout / "agents" / "moved.py")
    assert ref() not in (first, changed)
