"""What is fetched or built once and serves every sandbox of this machine."""

import hashlib
import shutil
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from sandbox import files, shell
from sandbox.layout import CONSTRAINTS, Layout

KEYCLOAK = "26.0.8"
# Always the system's, whichever Python runs the launcher: one environment for all.
PYTHON = Path("/usr/bin/python3")
SSHD = Path("/usr/sbin/sshd")
# The plugin has to be named with its version, or Maven asks for the newest.
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


def key(parts: Iterable[bytes]) -> str:
    """Return a short name for exactly these inputs."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def environment(layout: Layout) -> Path:
    """Return where the Python environment of the control plane belongs."""
    inputs = [CONSTRAINTS.read_bytes(), str(PYTHON.resolve()).encode()]
    return layout.cache / f"venv-{key(inputs)}"


def keycloak(layout: Layout) -> Path:
    """Return where the unpacked and prepared Keycloak belongs."""
    return layout.cache / f"keycloak-{KEYCLOAK}"


def sshd(layout: Layout) -> Path:
    """Return the machine's own sshd, or else where the one of the jump host belongs."""
    return SSHD if SSHD.is_file() else layout.cache / "sshd" / SSHD.relative_to("/")


def build_sshd(layout: Layout) -> str:
    """Unpack Debian's sshd: installing it would open this machine at its next boot."""
    program = sshd(layout)
    if program.is_file():
        return "this machine's" if program == SSHD else "from the cache"
    with files.built(layout.cache / "sshd") as fresh:
        unpack(["openssh-server", "libwrap0"], fresh, layout.log / "step-sshd.log")
    return "unpacked"


def registry(layout: Layout) -> Path:
    """Return where the program of the registry belongs."""
    return layout.cache / "registry/usr/bin/docker-registry"


def build_registry(layout: Layout) -> str:
    """Unpack Debian's registry: installed, it would start at this machine's next boot."""
    if registry(layout).is_file():
        return "from the cache"
    with files.built(layout.cache / "registry") as fresh:
        unpack(["docker-registry"], fresh, layout.log / "step-registry.log")
    return "unpacked"


def unpack(packages: Iterable[str], target: Path, log: Path) -> None:
    """Unpack Debian packages below a folder, without installing them."""
    download = ["apt-get", "-o", "APT::Sandbox::User=root", "download"]
    shell.run([*download, *packages], log=log, cwd=target)
    for package in sorted(target.glob("*.deb")):
        shell.run(["dpkg-deb", "--extract", package, target], log=log)
        package.unlink()


def build_environment(layout: Layout) -> str:
    """Install the control plane from PyPI, at exactly the versions listed."""
    target, log = environment(layout), layout.log / "step-python.log"
    # An environment cannot be moved once made, so a mark tells a whole one.
    complete = target / "complete"
    if complete.is_file():
        return "from the cache"
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shell.run([PYTHON, "-m", "venv", target], log=log)
    pip = [f"{target}/bin/pip", "install", "--no-deps", "--no-compile", "--progress-bar", "off"]
    shell.run([*pip, "-r", CONSTRAINTS], log=log)
    # Some packages ship templates that are not Python; those do not compile.
    shell.succeeds([target / "bin/python", "-m", "compileall", "-q", "-j", "0", target / "lib"])
    complete.touch()
    return "installed"


def build_keycloak(layout: Layout) -> str:
    """Fetch Keycloak from Maven Central and prepare it for a quick start."""
    target, log = keycloak(layout), layout.log / "step-keycloak-package.log"
    if target.is_dir():
        return "from the cache"
    with files.built(target) as fresh:
        artifact = f"org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:zip"
        copy = ["mvn", "-q", "-B", MAVEN_COPY, f"-Dartifact={artifact}", "-Dmdep.useBaseVersion"]
        shell.run([*copy, f"-DoutputDirectory={fresh}"], log=log, cwd=fresh)
        (archive,) = fresh.glob("*.zip")
        with zipfile.ZipFile(archive) as file:
            file.extractall(fresh)
        archive.unlink()
        (top,) = fresh.iterdir()
        for part in top.iterdir():
            part.rename(fresh / part.name)
        top.rmdir()
        options = ["--db=dev-file", "--http-relative-path=/auth"]
        shell.run(["bash", fresh / "bin/kc.sh", "build", *options], log=log)
    return f"version {KEYCLOAK}"


def prune(layout: Layout, *, days: int = 90) -> None:
    """Drop what no sandbox has used for a long time."""
    oldest = time.time() - days * 86400
    for path in layout.cache.iterdir():
        if path.stat().st_mtime < oldest:
            shutil.rmtree(path, ignore_errors=True)
