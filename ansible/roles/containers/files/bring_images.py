"""Brings images to this machine: `python3 - JSON`; prints what changed, ends with 1 and a reason.

A pull that breaks off is tried again, and Docker keeps the layers it has. What a new try
cannot mend ends at once: no such image, no right to it, a certificate nobody vouches for.
"""

import json
import os
import shutil
import subprocess
import sys
import time

RECORDS = "/var/lib/orchestrator/images"
GB = 1000**3
# The words of Docker, what they mean, and the seconds before the first new try (0: none helps).
TROUBLES = (
    (
        ("toomanyrequests", "too many requests", "rate limit"),
        "the registry limits how often it answers",
        60,
    ),
    (
        ("manifest unknown", "not found: manifest", "name unknown"),
        "the registry has no such image",
        0,
    ),
    (
        ("pull access denied", "unauthorized", "authentication required"),
        "the registry does not give it to us",
        0,
    ),
    (("x509",), "the registry's certificate is not trusted (see docker_registry_cas)", 0),
    (("no space left",), "the disk is full", 0),
    (("invalid reference format",), "this is no name of an image", 0),
)
NETWORK = ("the network, or the registry, does not answer", 5)


def trouble(words):
    """Return what Docker's complaint means, and the seconds before a new try."""
    for marks, meaning, pause in TROUBLES:
        if any(mark in words.lower() for mark in marks):
            return meaning, pause
    return NETWORK


def docker(*arguments):
    """Run Docker to its end."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def pull(image, attempts, sleep=time.sleep):
    """Pull an image, with patience where that helps."""
    for attempt in range(attempts):
        done = docker("pull", "--quiet", image)
        if done.returncode == 0:
            return
        meaning, pause = trouble(done.stderr)
        if not pause or attempt + 1 == attempts:
            break
        sleep(min(pause * 2**attempt, 300))
    sys.exit(
        f"{image} does not come after {attempt + 1} tries: {meaning}. Docker says: {done.stderr.strip()}"
    )


def load(image, tarball):
    """Take an image from a file and give it its name."""
    done = docker("load", "--quiet", "--input", tarball)
    if done.returncode:
        sys.exit(f"{tarball} is not what docker save writes: {done.stderr.strip()}")
    # "Loaded image: NAME" or "Loaded image ID: sha256:..", one line for each.
    found = done.stdout.strip().splitlines()[0].split(": ", 1)[1]
    if found != image and docker("tag", found, image).returncode:
        sys.exit(f"{tarball} holds {found}, which cannot be called {image}")


def check_room(free_gb):
    """Refuse to begin what would fill the disk."""
    root = docker("info", "--format", "{{.DockerRootDir}}").stdout.strip()
    free = shutil.disk_usage(root).free / GB
    if free < free_gb:
        sys.exit(
            f"{root} has {free:.1f} GB free and {free_gb} GB are wanted before images come: take a larger disk"
        )


def mark(tarball):
    """Return what tells one state of a file from another."""
    state = os.stat(tarball)
    return [state.st_size, state.st_mtime_ns]


def main(wanted):
    """Bring what is missing, then forget what this owner no longer lists."""
    record = f"{RECORDS}/{wanted['owner']}.json"
    before = {}
    if os.path.exists(record):
        with open(record) as file:
            before = json.load(file)
    now = {
        item["image"]: mark(item["tarball"]) if item.get("tarball") else []
        for item in wanted["images"]
    }
    missing = [
        item
        for item in wanted["images"]
        if docker("image", "inspect", item["image"]).returncode
        or before.get(item["image"], now[item["image"]]) != now[item["image"]]
    ]
    if missing:
        check_room(wanted["free_gb"])
    for item in missing:
        if item.get("tarball"):
            load(item["image"], item["tarball"])
        else:
            pull(item["image"], wanted["attempts"])
        sys.stdout.write(f"brought {item['image']}\n")
    for image in set(before) - set(now):
        # One that still runs cannot go yet: it does at a later run.
        if (
            docker("image", "rm", image).returncode
            and not docker("image", "inspect", image).returncode
        ):
            now[image] = []
    if now != before:
        os.makedirs(RECORDS, exist_ok=True)
        with open(record, "w") as file:
            json.dump(now, file)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
