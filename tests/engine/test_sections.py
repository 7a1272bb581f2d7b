"""Typed sections of a committed file: a wrong value is one line; other sections do not matter."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from infra.config import BundledMonitoring
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.sections import (
    committed_images,
    has_metrics_adapter,
    kubernetes_of,
    monitoring_of,
)
from seawall.engine.workspace import RunValues, stack_values, write_project

WRONG_ELSEWHERE: dict[str, object] = {"gateway": {"replicas": "many"}, "misspelt": 1}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Mapping[str, object]], Layout]:
    """Writes the sections, and others that are wrong, into the file of an environment."""

    def write(sections: Mapping[str, object]) -> Layout:
        config = {f"seawall:{key}": value for key, value in {**WRONG_ELSEWHERE, **sections}.items()}
        layout = Layout(tmp_path, tmp_path / "state", "qa")
        layout.committed_file.write_text(yaml.safe_dump({"config": config}))
        return layout

    return write


def test_sections_are_read_while_others_are_wrong(
    written: Callable[[Mapping[str, object]], Layout],
) -> None:
    place = {"cluster": "existing", "namespace": "night", "context": "shift"}
    layout = written({"kubernetes": place, "monitoring": {"kind": "bundled"}})
    kubernetes = kubernetes_of(layout)
    assert (kubernetes.namespace, kubernetes.context) == ("night", "shift")
    assert not kubernetes.adopt_existing
    assert isinstance(monitoring_of(layout), BundledMonitoring)
    assert not has_metrics_adapter(layout)
    assert committed_images(layout) == {}


def test_old_name_of_an_image_is_read_as_the_new_one(
    written: Callable[[Mapping[str, object]], Layout],
) -> None:
    layout = written({"images": {"entrance": "nginx:1"}})
    assert committed_images(layout) == {"edge": "nginx:1"}
    (layout.checkout / "Pulumi.yaml").write_text("name: seawall\nruntime: python\n")
    write_project(layout, RunValues(images=committed_images(layout)))
    assert stack_values(layout)["seawall:images"] == {"edge": "nginx:1"}


def test_wrong_metrics_adapter_does_not_matter_for_monitoring(
    written: Callable[[Mapping[str, object]], Layout],
) -> None:
    layout = written({"metrics_adapter": {"x": 1}, "monitoring": {"kind": "bundled"}})
    assert isinstance(monitoring_of(layout), BundledMonitoring)
    with pytest.raises(WorkspaceError, match=r"seawall:metrics_adapter\.x = 1 is not known"):
        has_metrics_adapter(layout)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({}, "seawall:kubernetes.cluster, seawall:kubernetes.namespace are missing"),
        ({"cluster": "kid", "namespace": "n"}, 'seawall:kubernetes.cluster = "kid" is wrong'),
        ({"cluster": "kind", "namespace": "n", "contxt": "a"}, "kubernetes.contxt = "),
        (None, "seawall:kubernetes = null is wrong"),
    ],
)
def test_wrong_section_is_one_line_with_file_and_key(
    written: Callable[[Mapping[str, object]], Layout], section: object, told: str
) -> None:
    with pytest.raises(WorkspaceError) as refused:
        kubernetes_of(written({"kubernetes": section}))
    message = str(refused.value)
    assert message.startswith("Pulumi.qa.yaml: seawall:kubernetes")
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "value",
    [
        '{"users": [{"user": {"token": "s3cret"}}]}',
        {"secure": "v1:s3cret"},
        base64.b64encode(b"apiVersion: v1\nusers: []").decode() + "s3cret",
        "s3cret" * 200,
        5,
    ],
)
def test_kubeconfig_that_is_no_path_is_refused_and_not_printed(
    written: Callable[[Mapping[str, object]], Layout], value: object
) -> None:
    place = {"cluster": "existing", "namespace": "night", "kubeconfig": value}
    with pytest.raises(WorkspaceError, match=r"seawall:kubernetes\.kubeconfig") as refused:
        kubernetes_of(written({"kubernetes": place}))
    assert "s3cret" not in str(refused.value)
