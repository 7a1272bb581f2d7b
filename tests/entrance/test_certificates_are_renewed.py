"""A renewed certificate is used at once: its Secret is a folder, and nothing is reloaded."""

import datetime as dt
import socket
import ssl
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.entrance.kit import Nginx, configuration, names_server
from tests.service.kit import free_port


def issue(folder: Path, serial: int) -> None:
    """A self-signed certificate as a Secret of type kubernetes.io/tls has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "llm.example.com")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(certificate.public_bytes(encoding))
    (folder / "tls.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def served(port: int) -> int:
    """The serial number of the certificate that a client sees."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="llm.example.com") as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
    assert certificate
    return x509.load_der_x509_certificate(certificate).serial_number


def test_a_renewed_certificate_is_served_without_a_reload(tmp_path: Path) -> None:
    tls = tmp_path / "tls"
    tls.mkdir()
    issue(tls, 1)
    with names_server(["127.0.0.1"]) as resolver:
        conf = configuration(port=free_port(), resolver=resolver, scratch=tmp_path / "scratch")
        listener = replace(conf.listener, tls_dir=str(tls))
        nginx = Nginx(replace(conf, listener=listener), tmp_path)
        try:
            assert served(listener.port) == 1
            issue(tls, 2)
            assert served(listener.port) == 2
        finally:
            nginx.stop()
