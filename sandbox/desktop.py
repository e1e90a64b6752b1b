"""Builds a desktop image with Oligia's interface from Debian packages: a stand-in for the real one.

What it keeps: port 3000, the user `abc` with the password `abc` until it is changed, the
home `/config`, PUID, PGID and TZ, and `/opt/ivoa/topcat/topcat-full.jar`. It is made
because no registry of the world can be reached from here, and is smaller.
"""

import datetime
import shutil
import zipfile
from pathlib import Path

from sandbox import cache, files, image, oci, shell
from sandbox.layout import SOURCE, TEMPLATES, Layout

NAME = "sandbox/desktop"
PACKAGES = (
    "openbox,python3-xdg,tigervnc-standalone-server,tigervnc-tools,websockify,topcat,stilts,jsamp,"
    "python3-pyvo,python3-astropy,xterm,x11-utils,x11-xserver-utils,fonts-dejavu-core,tzdata,tini,"
    "procps"
)
# Depended upon, never used by these programs, and two thirds of what a VM would have to unpack.
EXCLUDED = (
    *(f"/usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "gtk-doc")),
    *(f"/usr/share/{name}/*" for name in ("poppler", "ghostscript", "fonts/opentype")),
    *(f"/usr/lib/x86_64-linux-gnu/{name}*" for name in ("libLLVM", "libz3", "libx265", "libaom")),
    *(f"/usr/lib/x86_64-linux-gnu/{name}*" for name in ("dri/", "jni/", "libgs.so")),
    "/usr/lib/gcc/*",
)
# Needed to set it up and by nothing that runs in it; a quarter of the bytes, a third of the files.
SPENT = (
    *("usr/share/perl", "usr/lib/x86_64-linux-gnu/perl", "usr/share/fonts/type1"),
    *("usr/share/icons", "usr/share/maven-repo", "usr/share/zoneinfo/right"),
    *("usr/share/mime/application", "usr/lib/systemd", "usr/lib/x86_64-linux-gnu/gconv"),
    *("var/cache", "var/log", "var/lib/dpkg/info", "var/lib/ghostscript"),
    *("usr/lib/jvm/java-17-openjdk-amd64/lib/ct.sym", "etc/hostname"),
    "usr/lib/jvm/java-17-openjdk-amd64/lib/server/classes_nocoops.jsa",
)
OWN = TEMPLATES / "desktop"
# The desktop itself is the one that the role sets up where there are no containers.
SHARED = SOURCE.parent / "ansible/roles/oligia/files"
JAR = "opt/ivoa/topcat/topcat-full.jar"
JAVA = "usr/lib/jvm", "usr/share/java"
PYTHON = "usr/lib/python3", "usr/lib/python3.11"
SETTINGS = {
    "Entrypoint": ["/usr/bin/tini", "--", "/init"],
    "Env": [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        # Its best compiler costs an emulated processor more than it gains, and code that many
        # threads make at once is at times not what an emulated processor then runs (SIGILL).
        "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    ],
    "ExposedPorts": {"3000/tcp": {}},
    "Volumes": {"/config": {}},
    "Labels": {"org.opencontainers.image.title": "stand-in for Oligia, of Debian packages"},
}


def place(layout: Layout) -> Path:
    """Return the folder of the image: of this recipe, with this month's packages."""
    sources = [Path(__file__), Path(oci.__file__), *sorted(OWN.iterdir()), *_shared()]
    month = datetime.date.today().strftime("%Y-%m")
    return layout.cache / f"desktop-{month}-{cache.key(path.read_bytes() for path in sources)}"


def _shared() -> list[Path]:
    return [SHARED / name for name in ("session", "index.html", "menu.xml")]


def build(layout: Layout) -> str:
    """Make the image; nothing of a broken attempt stays."""
    target = place(layout)
    if target.is_dir():
        return "from the cache"
    with files.built(target) as fresh:
        root = fresh / "root"
        _bootstrap(root, layout.log / "step-desktop.log")
        _furnish(root)
        oci.pack(root, _layers(root), SETTINGS, fresh)
        shutil.rmtree(root)
    return f"{sum(path.stat().st_size for path in target.iterdir()) // 2**20} MB"


def _bootstrap(root: Path, log: Path) -> None:
    hooks = [
        # Java's packages write there, documentation or not.
        '--essential-hook=mkdir -p "$1"/usr/share/man/man1',
        # noVNC alone: its package would bring Node.js along, which nothing here starts.
        '--customize-hook=chroot "$1" sh -c "cd /tmp && apt-get download novnc'
        ' && dpkg-deb --extract novnc_*.deb / && rm novnc_*.deb"',
        '--customize-hook=chroot "$1" useradd --home-dir /config --shell /bin/bash abc',
        '--customize-hook=echo abc:abc | chroot "$1" chpasswd',
        # Their tests; those right in a package stay, as some packages import them.
        '--customize-hook=find "$1"/usr/lib/python3/dist-packages -mindepth 3 -type d -name tests'
        " -prune -exec rm -r {} +",
        f'--customize-hook=cd "$1" && rm -rf {" ".join(SPENT)} && mkdir -p var/cache var/log',
    ]
    options = ["--mode=root", "--variant=minbase", f"--include={PACKAGES}"]
    options += ["--aptopt=Acquire::Languages none", "--aptopt=APT::Sandbox::User root"]
    options += ["--dpkgopt=force-unsafe-io"]
    options += [f"--dpkgopt=path-exclude={path}" for path in EXCLUDED]
    mirrors = image.own_mirrors()
    shell.run(["mmdebstrap", *options, *hooks, image.RELEASE, root, *mirrors], log=log)


def _furnish(root: Path) -> None:
    places = {
        OWN / "init": "init",
        OWN / "pam": "etc/pam.d/oligia",
        SHARED / "session": "usr/local/bin/session",
        SHARED / "index.html": "usr/share/novnc/index.html",
        SHARED / "menu.xml": "usr/local/share/oligia/xdg/openbox/menu.xml",
    }
    for source, name in places.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    jar = root / JAR
    jar.parent.mkdir(parents=True)
    manifest = "Main-Class: uk.ac.starlink.topcat.Driver\nClass-Path: file:/usr/share/java/starlink-topcat.jar\n"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\n{manifest}\n")


def _layers(root: Path) -> list[list[str]]:
    """Return what goes into each layer: several are fetched while one is unpacked."""
    apart = [f"--exclude=./{name}/*" for name in (*JAVA, *PYTHON)]
    return [[*apart, "--exclude=./dev/*", "."], list(PYTHON), list(JAVA)]
