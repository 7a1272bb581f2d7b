"""Certificates and keys of an embedded cluster: created once, EC P-256, readable by root only."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.common.errors import HostError
from seawall.testbed.cluster.instance import Instance

__all__ = ["Authority", "Credential", "check_keys", "ensure_pki"]

_VALID = dt.timedelta(days=365)
_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority kept in a folder.

    Args:
        folder: the folder for all files; created with mode 0700.
        name: base name of the authority's own files.
        common_name: the subject.
    """

    def __init__(self, folder: Path, name: str, common_name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.own = Credential(folder / f"{name}.crt", folder / f"{name}.key")
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self._key = _existing_key(self.own) or self._make()

    def _make(self) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(self._subject, self._subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self.own, certificate, key)
        return key

    def server(self, name: str, common_name: str, alternative: list[str]) -> Credential:
        """A serving certificate for DNS names and IP addresses."""
        names = x509.SubjectAlternativeName([_general_name(a) for a in alternative])
        return self._issue(name, common_name, None, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, name: str, common_name: str, group: str | None = None) -> Credential:
        """A client certificate; `group` is the Kubernetes group of the user."""
        return self._issue(name, common_name, group, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self,
        name: str,
        common_name: str,
        group: str | None,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> Credential:
        made = Credential(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        if _existing_key(made):
            return made
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if group:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(x509.Name(attributes), self._subject, key).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        _write(made, builder.sign(self._key, hashes.SHA256()), key)
        return made


def check_keys(instance: Instance, *, now: dt.datetime | None = None) -> str:
    """Check that the clock is within the validity of the instance's keys.

    After a clock jump no component accepts a certificate, which looks like an API server that does
    not answer.

    Args:
        instance: need not have keys yet.
        now: replaces the time of the machine.

    Returns:
        A line about the keys, or the time if there are no keys.

    Raises:
        HostError: the keys are not valid yet or not valid any more; says what to do.
    """
    now = now or dt.datetime.now(dt.UTC)
    try:
        made = x509.load_pem_x509_certificate((instance.data / "pki" / "ca.crt").read_bytes())
    except (OSError, ValueError):
        return f"{now:%Y-%m-%d %H:%M:%S} UTC"
    begin, end = made.not_valid_before_utc, made.not_valid_after_utc
    if begin <= now <= end:
        return f"the cluster's keys are valid until {end:%Y-%m-%d}"
    raise HostError(
        f"the clock says {now:%Y-%m-%d %H.%M} UTC, but the cluster's keys are valid from "
        f"{begin:%Y-%m-%d %H.%M} to {end:%Y-%m-%d %H.%M}: set the clock, or remove this cluster "
        "with `make down` and start a new one"
    )


def ensure_pki(instance: Instance) -> Path:
    """Create the missing keys of an instance and return their folder; existing keys are kept.

    Files: ca, front-proxy-ca, apiserver, apiserver-to-kubelet, front-proxy, admin,
    controller-manager, scheduler, kube-proxy, kubelet-serving-<machine>, node-<machine>
    (.crt and .key), service-account.key and .pub.
    """
    folder = instance.data / "pki"
    ca = Authority(folder, "ca", f"{instance.name}-ca")
    ca.server(
        "apiserver",
        "kube-apiserver",
        [
            *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
            *(f"kubernetes.default.svc.{_DOMAIN}", "localhost", "127.0.0.1"),
            *(instance.api_service, instance.address("cp")),
        ],
    )
    ca.client("apiserver-to-kubelet", "kube-apiserver-kubelet-client")
    ca.client("admin", "admin", "system:masters")
    ca.client("controller-manager", "system:kube-controller-manager")
    ca.client("scheduler", "system:kube-scheduler")
    ca.client("kube-proxy", "system:kube-proxy")
    for machine in instance.node_machines:
        name = instance.node_name(machine)
        ca.server(f"kubelet-serving-{machine}", name, [name, instance.address(machine)])
        ca.client(f"node-{machine}", f"system:node:{name}", "system:nodes")
    Authority(folder, "front-proxy-ca", f"{instance.name}-front-proxy-ca").client(
        "front-proxy", "front-proxy-client"
    )
    if not (folder / "service-account.pub").exists():
        _write_service_account_key(folder)
    return folder


def _write_service_account_key(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _private(folder / "service-account.key", _pem(key))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "service-account.pub").write_bytes(public)


def _existing_key(made: Credential) -> ec.EllipticCurvePrivateKey | None:
    """The key of a credential if both files are complete; the certificate is written last."""
    if not made.certificate.exists():
        return None
    key = serialization.load_pem_private_key(made.key.read_bytes(), password=None)
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # for clocks that are slightly behind
        .not_valid_after(now + _VALID)
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _write(
    made: Credential, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    _private(made.key, _pem(key))
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _private(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_bytes(content)
