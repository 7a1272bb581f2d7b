"""Typed sections of a committed file: a wrong value is one line; other sections do not matter."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from infra.config import BundledMonitoring
from seawall.engine.errors import WorkspaceError
from seawall.engine.layout import Layout
from seawall.engine.sections import images_of, kubernetes_of, metrics_of

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
    kubernetes, metrics = kubernetes_of(layout), metrics_of(layout)
    assert (kubernetes.namespace, kubernetes.context) == ("night", "shift")
    assert not kubernetes.adopt_existing
    assert isinstance(metrics.monitoring, BundledMonitoring)
    assert metrics.metrics_adapter is None
    assert images_of(layout) == {}


def test_old_name_of_an_image_is_read_as_the_new_one(
    written: Callable[[Mapping[str, object]], Layout],
) -> None:
    assert images_of(written({"images": {"entrance": "nginx:1"}})) == {"edge": "nginx:1"}


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
    "value", ['{"users": [{"user": {"token": "s3cret"}}]}', {"secure": "v1:s3cret"}, 5]
)
def test_kubeconfig_that_is_no_path_is_refused_and_not_printed(
    written: Callable[[Mapping[str, object]], Layout], value: object
) -> None:
    place = {"cluster": "existing", "namespace": "night", "kubeconfig": value}
    with pytest.raises(WorkspaceError, match=r"seawall:kubernetes\.kubeconfig") as refused:
        kubernetes_of(written({"kubernetes": place}))
    assert "s3cret" not in str(refused.value)
