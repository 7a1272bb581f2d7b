"""A renewed certificate is used at once and without a reload: its Secret is a mounted folder."""

import socket
import ssl
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from tests.edge.kit import Nginx, configuration, issue, names_server
from tests.support.ports import free_port


def served(port: int) -> int:
    """The serial number of the certificate that the server presents."""
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
    issue(tls, serial=1)
    with names_server(["127.0.0.1"]) as resolver:
        conf = configuration(port=free_port(), resolver=resolver, scratch=tmp_path / "scratch")
        listener = replace(conf.listener, tls_dir=str(tls))
        nginx = Nginx(replace(conf, listener=listener), tmp_path)
        try:
            assert served(listener.port) == 1
            issue(tls, serial=2)
            assert served(listener.port) == 2
        finally:
            nginx.stop()
