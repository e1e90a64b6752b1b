"""The sandbox's own certificate authority and the certificate of its endpoints."""

from pathlib import Path

from sandbox import files, shell
from sandbox.layout import Layout

DAYS = 825
RENEW_SECONDS = 60 * 24 * 3600
NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def prepare(layout: Layout) -> str:
    """Make the authority and the certificate, or renew them near their end."""
    files.folder(layout.tls, mode=0o700)
    authority, server = layout.tls / "ca.pem", layout.tls / "server.pem"
    fresh = False
    if not _lasts(authority):
        _make_authority(layout.tls)
        fresh = True
    if fresh or not _lasts(server):
        _make_server(layout.tls)
        fresh = True
    if not _lasts(layout.tls / "self-signed.pem"):
        _make_self_signed(layout.tls)
    files.write(layout.ca, authority.read_text())
    return "made" if fresh else "still good"


def _lasts(certificate: Path) -> bool:
    return certificate.is_file() and shell.succeeds(
        ["openssl", "x509", "-in", certificate, "-noout", "-checkend", str(RENEW_SECONDS)]
    )


def _make_authority(folder: Path) -> None:
    _key(folder / "ca.key")
    use = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    subject = ["-days", str(10 * 365), "-subj", "/CN=orchestrator sandbox"]
    paths = ["-key", f"{folder}/ca.key", "-out", f"{folder}/ca.pem"]
    shell.run(["openssl", "req", "-x509", "-new", *paths, *subject, *use])


def _make_server(folder: Path) -> None:
    _sign(folder / "server", NAMES)


def prepare_another(layout: Layout, name: str, names: str) -> None:
    """Make a certificate for other names, or renew it near its end."""
    if not _lasts(layout.tls / f"{name}.pem"):
        _sign(layout.tls / name, names)


def _sign(place: Path, names: str) -> None:
    authority, key, extensions = (place.with_name("ca"), f"{place}.key", f"{place}.ext")
    _key(Path(key))
    content = f"{names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    files.write(Path(extensions), content)
    request = shell.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=127.0.0.1"])
    signer = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial"]
    options = ["-days", str(DAYS), "-extfile", extensions, "-out", f"{place}.pem"]
    shell.run(["openssl", "x509", "-req", *signer, *options], stdin=request)


def _make_self_signed(folder: Path) -> None:
    """Make the certificate of a site whose administrators bought none."""
    name = folder / "self-signed"
    _key(name.with_suffix(".key"))
    paths = ["-key", f"{name}.key", "-out", f"{name}.pem"]
    content = ["-days", str(DAYS), "-subj", "/CN=127.0.0.1", "-addext", NAMES]
    shell.run(["openssl", "req", "-x509", "-new", *paths, *content])


def _key(path: Path) -> None:
    text = shell.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"])
    files.write(path, text, mode=0o600)
