"""Records as the first version wrote them: no topology, no confidence, no beaten, no hop."""

OLD_CHOICE = {
    "key": "flavor",
    "value": "id-m1",
    "name": "m1.medium",
    "label": "m1.medium (2 vCPU, 4 GB, 12 GB)",
    "reason": "smallest of 3 that fit",
    "candidates": 3,
    "origin": "discovered",
    "rivals": [{"value": "id-m2", "label": "m2", "why_not": "larger"}],
}
OLD_SELECTION = {
    "flavor": OLD_CHOICE,
    "image": {**OLD_CHOICE, "key": "image"},
    "public_network": {**OLD_CHOICE, "key": "public_network"},
    "boot_volume_gb": 0,
}
OLD_NODE = {
    "name": "sky-docker",
    "address": "198.51.100.17",
    "port": 22,
    "user": "egi",
    "groups": ["docker"],
    "private_ip": "10.222.0.5",
    "volumes": [],
}
