"""Every kind of client, and certificates: good ones, and some that nobody should trust."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from attrs import frozen

from .faces import FACES


@pytest.fixture(params=FACES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@frozen
class Certificates:
    """Certificates of servers, signed by an authority that nobody trusts unless told to."""

    folder: Path

    @classmethod
    def made_in(cls, folder: Path) -> Certificates:
        """Make them with the system's openssl, as Python's ssl cannot.

        Python 3.13 verifies them strictly by RFC 5280: an authority must have a key usage, and what it signs must name
        its key.
        """
        made = cls(folder)
        made._openssl("ecparam", "-genkey", "-name", "prime256v1", "-out", "key.pem")
        for name in ("authority", "self-signed"):
            itself = ("-new", "-key", "key.pem", "-subj", f"/CN={name}", "-out", f"{name}.pem")
            made._openssl("req", "-x509", "-days", "2", "-addext", "keyUsage = keyCertSign", *itself)
        made._sign("good", "IP:127.0.0.1", "-days", "2")
        made._sign("wrong-host", "IP:127.0.0.2,DNS:other.example.test", "-days", "2")
        made._sign("expired", "IP:127.0.0.1", "-days", "-1")  # openssl's own way to test what has expired
        return made

    @property
    def authority(self) -> Path:
        """What to trust."""
        return self.folder / "authority.pem"

    def of(self, name: str) -> ssl.SSLContext:
        """Return what a server with this certificate speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / "key.pem")
        return context

    def _sign(self, name: str, hosts: str, *days: str) -> None:
        (self.folder / "extensions").write_text(f"subjectAltName = {hosts}\nauthorityKeyIdentifier = keyid\n")
        self._openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=Server", "-out", "request.pem")
        signed = (
            "-CA",
            "authority.pem",
            "-CAkey",
            "key.pem",
            "-CAcreateserial",
            "-extfile",
            "extensions",
            "-out",
            f"{name}.pem",
        )
        self._openssl("x509", "-req", "-in", "request.pem", *signed, *days)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))
