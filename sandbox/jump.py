"""The jump host of the VO whose machines this one cannot reach: its keys and its ssh_config."""

from pathlib import Path

from sandbox import files, shell
from sandbox.layout import HOST, OTHER_PORTS, Layout

NAME, USER = "sandbox-jump", "jump"


def prepare(layout: Layout) -> str:
    """Make the keys of host and user once, and write what ssh and sshd read."""
    folder = files.folder(layout.jump)
    host_key = _public_key(folder / "host_key")
    files.write(folder / "authorized_keys", _public_key(folder / "id_ed25519"))
    files.write(folder / "known_hosts", f"[{HOST}]:{OTHER_PORTS['jump']} {host_key}")
    files.write(config(layout), ssh_config(layout))
    return str(config(layout))


def config(layout: Layout) -> Path:
    """Return the file to give to `ssh -F`."""
    return layout.jump / "ssh_config"


def ssh_config(layout: Layout) -> str:
    """Return how ssh gets to the jump host."""
    options = {
        "HostName": HOST,
        "Port": OTHER_PORTS["jump"],
        "User": USER,
        "IdentityFile": layout.jump / "id_ed25519",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": layout.jump / "known_hosts",
        "StrictHostKeyChecking": "yes",
    }
    lines = [f"    {name} {value}" for name, value in options.items()]
    return "\n".join([f"Host {NAME}", *lines]) + "\n"


def _public_key(path: Path) -> str:
    """Return the public half of a key, making the key when it is not whole."""
    public = path.with_name(f"{path.name}.pub")
    if not (path.is_file() and public.is_file()):
        path.unlink(missing_ok=True)
        comment = f"{path.name} of the orchestrator's sandbox"
        shell.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return public.read_text()
