"""The cluster's certificates, checked with openssl, which did not create them."""

import subprocess
from pathlib import Path

import pytest

from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.pki import ensure_pki


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance("sw000000", 70, 2, tmp_path)


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "purpose", "authority"),
    [
        ("apiserver", "sslserver", "ca"),
        ("kubelet-serving-n2", "sslserver", "ca"),
        ("admin", "sslclient", "ca"),
        ("node-n1", "sslclient", "ca"),
        ("front-proxy", "sslclient", "front-proxy-ca"),
    ],
)
def test_certificate_verifies_for_its_purpose(
    instance: Instance, name: str, purpose: str, authority: str
) -> None:
    pki = ensure_pki(instance)
    certificate = pki / f"{name}.crt"
    openssl("verify", "-purpose", purpose, "-CAfile", pki / f"{authority}.crt", certificate)


def test_client_certificate_is_rejected_as_server_certificate(instance: Instance) -> None:
    pki = ensure_pki(instance)
    with pytest.raises(AssertionError, match="unsuitable certificate purpose"):
        openssl("verify", "-purpose", "sslserver", "-CAfile", pki / "ca.crt", pki / "admin.crt")


def test_node_certificate_has_the_subject_of_the_node_authorizer(instance: Instance) -> None:
    subject = openssl("x509", "-noout", "-subject", "-in", ensure_pki(instance) / "node-n2.crt")
    assert "O = system:nodes, CN = system:node:node2" in subject


def test_api_server_certificate_has_every_name_that_clients_use(instance: Instance) -> None:
    text = openssl("x509", "-noout", "-text", "-in", ensure_pki(instance) / "apiserver.crt")
    for name in ("kubernetes.default.svc", "10.70.16.1", "10.70.0.10", "127.0.0.1"):
        assert name in text


def test_keys_have_mode_600_and_are_created_once(instance: Instance) -> None:
    pki = ensure_pki(instance)
    before = {key: key.read_bytes() for key in pki.glob("*.key")}
    assert before
    assert {key.stat().st_mode & 0o777 for key in before} == {0o600}
    ensure_pki(instance)
    assert {key: key.read_bytes() for key in before} == before
