"""Known failures in the words in which Terraform, Nova, Cinder, Ansible and ssh really tell them."""

from __future__ import annotations

import pytest

from orchestrator.causes import (
    ANSIBLE,
    CONSOLE,
    FAULT,
    KNOWN,
    SSH,
    TERRAFORM,
    cause_of,
    filled,
    with_faults,
)
from orchestrator.errors import DeploymentFailedError, LoginError, SiteError


def http(code, body, verb="POST", url="https://site.eu:8774/v2.1/servers"):
    return (
        f"Expected HTTP response code [200 201 202] when accessing [{verb} {url}], but got {code}"
        f" instead: {body}"
    )


def nova(code, kind, message):
    return http(code, f'{{"{kind}": {{"code": {code}, "message": "{message}"}}}}')


def neutron(code, kind, message, verb="POST"):
    body = f'{{"NeutronError": {{"type": "{kind}", "message": "{message}", "detail": ""}}}}'
    return http(code, body, verb, "https://site.eu:9696/v2.0/networks/9c0f")


BUILD = "Error waiting for instance (a34baefe-a2a6-49f6-bf0b-214a3151d3dd) to become ready: "
APT = "'/usr/bin/apt-get -y -o \"Dpkg::Options::=--force-confold\" install 'docker.io'' failed: "

SAID = [
    ("token_expired", TERRAFORM, nova(401, "unauthorized", "The request you have made requires authentication.")),
    ("token_expired", TERRAFORM, "Error: Authentication failed"),
    ("token_expired", TERRAFORM, http(404, '{"error": {"code": 404, "message": "Could not recognize Fernet token"}}', url="https://site.eu:5000/v3/auth/tokens")),
    ("policy", TERRAFORM, neutron(403, "PolicyNotAuthorized", "rule:create_floatingip is disallowed by policy")),
    ("policy", TERRAFORM, nova(403, "forbidden", "Policy doesn't allow os_compute_api:servers:create to be performed.")),
    ("quota_cores", TERRAFORM, nova(403, "forbidden", "Quota exceeded for cores: Requested 8, but already used 16 of 20 cores")),
    ("quota_ram", TERRAFORM, nova(403, "forbidden", "Quota exceeded for ram: Requested 16384, but already used 40960 of 51200 ram")),
    ("quota_instances", TERRAFORM, nova(403, "forbidden", "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances")),
    ("quota_floating_ips", TERRAFORM, neutron(409, "OverQuota", "Quota exceeded for resources: ['floatingip'].")),
    ("quota_ports", TERRAFORM, neutron(409, "OverQuota", "Quota exceeded for resources: ['port'].")),
    ("quota_security_groups", TERRAFORM, neutron(409, "OverQuota", "Quota exceeded for resources: ['security_group'].")),
    ("quota_networks", TERRAFORM, neutron(409, "OverQuota", "Quota exceeded for resources: ['network'].")),
    ("quota_volumes", TERRAFORM, http(413, '{"overLimit": {"code": 413, "message": "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota \'volumes\'.", "retryAfter": "0"}}')),
    ("quota_volume_space", FAULT, "Build of instance 43d4 aborted: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 20G, quota is 1000G and 990G has been consumed."),
    ("quota", TERRAFORM, nova(403, "forbidden", "Quota exceeded, too many key pairs.")),
    ("no_valid_host", FAULT, "No valid host was found. There are not enough hosts available."),
    ("no_valid_host", FAULT, "Exceeded maximum number of retries. Exceeded max scheduling attempts 3 for instance 43d47d19-1ed3-4c47-ad42-100a0ea23dc7. Last exception: [Errno 2] No such file or directory"),
    ("image_gone", FAULT, "Image 3f0c4b1e-5d1c-4a53-9c3a-8b1d3f1c2a77 could not be found."),
    ("image_gone", TERRAFORM, nova(400, "badRequest", "Can not find requested image")),
    ("image_deactivated", FAULT, "Build of instance 43d4 aborted: HTTP 403 Forbidden: The requested image has been deactivated. Image data download is forbidden."),
    ("image_deactivated", TERRAFORM, nova(400, "badRequest", "Image 3f0c4b1e is not active.")),
    ("no_addresses", TERRAFORM, neutron(409, "IpAddressGenerationFailure", "No more IP addresses available on network 9c0f5ee0-ext.")),
    ("no_port_security", TERRAFORM, neutron(400, "PortSecurityAndIPRequiredForSecurityGroups", "Port security must be enabled and port must have an IP address in order to use security groups.")),
    ("no_addresses", TERRAFORM, neutron(400, "ExternalIpAddressExhausted", "Unable to find any IP address on external network 9c0f5ee0.")),
    ("broken_machine", TERRAFORM, f"{BUILD}unexpected state 'ERROR', wanted target 'ACTIVE'. last error: %!s(<nil>)"),
    ("broken_machine", FAULT, "Build of instance 43d4 aborted: Failed to allocate the network(s), not rescheduling."),
    ("volume_not_given", TERRAFORM, nova(400, "badRequest", "Block Device Mapping is Invalid: failed to get volume 9c0f5ee0-1b2c-4d5e-8f90-123456789abc.")),
    ("volume_not_given", TERRAFORM, nova(400, "badRequest", "Invalid volume: volume '9c0f5ee0' status must be 'available'. Currently in 'in-use' status.")),
    ("volume_not_given", FAULT, "Build of instance 43d4 aborted: Invalid volume: Instance 43d4 and volume 9c0f5ee0-1b2c are not in the same availability_zone. Instance is in a. Volume is in b"),
    ("no_storage", FAULT, "schedule allocate volume:Could not find any available weighted backend."),
    ("broken_volume", TERRAFORM, "Error waiting for openstack_blockstorage_volume_v3 9c0f5ee0 to become ready: The volume is in error status. Please check with your cloud admin or check the Block Storage API logs to see why this error occurred."),
    ("in_use", TERRAFORM, neutron(409, "NetworkInUse", "Unable to complete operation on network 9c0f. There are one or more ports still in use on the network.", "DELETE")),
    ("in_use", TERRAFORM, neutron(409, "SubnetInUse", "Unable to complete operation on subnet 7d: One or more ports have an IP allocation from this subnet.", "DELETE")),
    ("in_use", TERRAFORM, neutron(409, "SecurityGroupInUse", "Security Group 5e1f in use.", "DELETE")),
    ("in_use", TERRAFORM, neutron(409, "RouterInUse", "Router 3a still has ports", "DELETE")),
    ("in_use", TERRAFORM, http(400, '{"badRequest": {"code": 400, "message": "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached"}}', "DELETE")),
    ("conflict", TERRAFORM, nova(409, "conflictingRequest", "Cannot 'delete' instance 43d4 while it is in task_state powering-off")),
    ("conflict", TERRAFORM, nova(409, "conflictingRequest", "Key pair 'orchestrator-0f3c' already exists.")),
    ("disk_full_here", TERRAFORM, "Failed to save state: write terraform.tfstate: no space left on device"),
    ("provider_checksum", TERRAFORM, "Failed to install provider: the local package for terraform-provider-openstack/openstack 3.4.0 doesn't match any of the checksums previously recorded in the dependency lock file"),
    ("provider_crash", TERRAFORM, "Plugin did not respond: The plugin encountered an error, and failed to respond to the plugin6.(*GRPCProvider).ApplyResourceChange call. The plugin logs may contain more details."),
    ("provider_crash", TERRAFORM, "Error: The terraform-provider-openstack_v3.4.0 plugin crashed!"),
    ("state_locked", TERRAFORM, "Error acquiring the state lock: resource temporarily unavailable Lock Info: ID: 0f8e Path: terraform.tfstate Operation: OperationTypeApply"),
    ("stale_plan", TERRAFORM, "Saved plan is stale: The given plan file can no longer be applied because the state was changed by another operation after the plan was created."),
    ("certificate", TERRAFORM, 'Post "https://site.eu:5000/v3/auth/tokens": tls: failed to verify certificate: x509: certificate signed by unknown authority'),
    ("site_down", TERRAFORM, 'Get "https://site.eu:9696/v2.0/networks": dial tcp 193.1.2.3:9696: connect: connection refused'),
    ("site_down", TERRAFORM, http(503, "<html><body>Service Unavailable</body></html>")),
    ("site_slow", TERRAFORM, "Error waiting for openstack_networking_port_v2 5e to become available: timeout while waiting for state to become 'ACTIVE' (last state: 'BUILD', timeout: 5m0s)"),
    ("no_system_disk", CONSOLE, "(initramfs) "),
    ("no_system_disk", CONSOLE, "ALERT!  UUID=5e4a0f2c-5c47-4f6c-a4a7-5a5c8c1f0c5d does not exist.  Dropping to a shell!"),
    ("no_system_disk", CONSOLE, "Starting Dracut Emergency Shell..."),
    ("no_system_disk", CONSOLE, "dracut:/# "),
    ("kernel_panic", CONSOLE, "[    2.915413] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---"),
    ("emergency_mode", CONSOLE, 'You are in emergency mode. After logging in, type "journalctl -xb" to view'),
    ("emergency_mode", CONSOLE, "Give root password for maintenance"),
    ("emergency_mode", CONSOLE, "Press Enter for maintenance"),
    ("ansible_killed", ANSIBLE, "[ERROR]: A worker was found in a dead state"),
    ("ansible_killed", ANSIBLE, "Task failed: The task worker cannot connect. Ansible may be shutting down, or the maximum open files limit may have been exceeded."),
    ("apt_locked", ANSIBLE, f"{APT}E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 24459 (unattended-upgr)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?"),
    ("apt_locked", ANSIBLE, "Failed to lock apt for exclusive operation: Failed to lock directory /var/lib/apt/lists/: E:Could not get lock /var/lib/apt/lists/lock."),
    ("package_script", ANSIBLE, "dpkg: error processing package ca-certificates-java (--configure):"),
    ("package_script", ANSIBLE, "E: Sub-process /usr/bin/dpkg returned an error code (1)"),
    ("node_disk_full", ANSIBLE, "dpkg: error processing archive x.deb (--unpack): cannot copy: No space left on device"),
    ("pull_limit", ANSIBLE, "Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit."),
    ("pull_limit", ANSIBLE, "Error: reading manifest latest in library/nginx: received unexpected HTTP status: 429 Too Many Requests"),
    ("dns_fails", ANSIBLE, f"{APT}Err:1 http://deb.debian.org/debian bookworm/main amd64 runc\n  Temporary failure resolving 'deb.debian.org'\nE: Failed to fetch http://deb.debian.org/debian/pool/main/r/runc/runc.deb"),
    ("dns_fails", ANSIBLE, "Request failed: <urlopen error [Errno -3] Temporary failure in name resolution>"),
    ("node_disk_full", ANSIBLE, "failed to register layer: write /usr/lib/libLLVM.so: no space left on device"),
    ("node_disk_full", ANSIBLE, f"{APT}E: You don't have enough free space in /var/cache/apt/archives/."),
    ("wrong_checksum", ANSIBLE, "The checksum for /opt/tool.tar.gz did not match 9f86d081; it was 2c26b46b."),
    ("wrong_checksum", ANSIBLE, "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."),
    ("node_slow", ANSIBLE, '{"msg": "Task failed: Connection timed out.", "changed": false}'),
    ("mirror_down", ANSIBLE, "Failed to update apt cache: unknown reason"),
    ("mirror_down", ANSIBLE, "Request failed: <urlopen error timed out>"),
    ("ssh_refused", SSH, "ssh: connect to host 198.51.100.7 port 22: Connection refused"),
    ("ssh_refused", ANSIBLE, "Failed to connect to the host via ssh: ssh: connect to host 198.51.100.7 port 22: Connection refused"),
    ("ssh_closed", SSH, "kex_exchange_identification: Connection closed by remote host"),
    ("ssh_closed", SSH, "Connection closed by 198.51.100.7 port 22"),
    ("ssh_key_refused", SSH, "egi@198.51.100.7: Permission denied (publickey)."),
    ("ssh_no_way", SSH, "ssh: connect to host 198.51.100.7 port 22: No route to host"),
    ("ssh_no_way", ANSIBLE, "Failed to connect to the host via ssh: ssh: connect to host 198.51.100.7 port 22: Connection timed out"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "where", "words"), SAID, ids=[f"{k}-{w}" for k, w, _ in SAID])
def test_real_words_are_known_by_their_cause(key, where, words):
    found = cause_of(words, where=where)
    assert found is not None
    assert found.key == key


def test_every_known_failure_has_words_that_show_it():
    assert {one.key for one in KNOWN} == {key for key, _, _ in SAID}


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.key)
def test_every_known_failure_says_what_comes_next(one):
    assert one.message
    assert one.way_out
    assert one.where


def test_keys_tell_failures_apart():
    keys = [one.key for one in KNOWN]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (TERRAFORM, "Error: Unsupported argument on main.tf line 3"),
        (ANSIBLE, "AnsibleUndefinedVariable: 'colour' is undefined"),
        # Words of the cloud mean nothing where a node said them.
        (ANSIBLE, "No valid host was found."),
        (SSH, ""),
        (CONSOLE, "Kernel panic - not syncing: Fatal exception"),
        (CONSOLE, "[    0.742211] Trying to unpack rootfs image as initramfs..."),
    ],
)
def test_what_is_not_known_is_not_guessed(where, words):
    assert cause_of(words, where=where) is None


def test_a_quota_of_a_later_resource_is_not_taken_for_that_of_the_first():
    words = nova(403, "forbidden", "Quota exceeded for server groups.") + " on port_v2.node"
    assert cause_of(words, where=TERRAFORM).key == "quota"


def test_novas_fault_gives_a_broken_machine_its_cause_and_keeps_what_was_known():
    told = SiteError("the site could not build the machine", facts={"Terraform says": "ERROR"})
    error = with_faults(told, {"sky-vm, in Nova's words": "No valid host was found."})
    assert error.message == "the site has no room for a machine of this flavor now"
    assert error.facts == {
        "sky-vm, in Nova's words": "No valid host was found.",
        "Terraform says": "ERROR",
    }
    assert isinstance(error, SiteError)
    assert error.way_out


def test_a_fault_that_nobody_knows_is_shown_as_it_is():
    told = LoginError("the site no longer accepts the token", way_out=["log in"])
    error = with_faults(told, {"sky-vm, in Nova's words": "libvirt went away"})
    assert (type(error), error.message, error.way_out) == (LoginError, told.message, ("log in",))
    assert error.facts["sky-vm, in Nova's words"] == "libvirt went away"


def test_without_a_fault_an_error_stays_as_it_is():
    told = DeploymentFailedError("terraform apply failed", facts={"a": "b"})
    same = with_faults(told, {})
    assert (same.message, same.facts, type(same)) == (told.message, told.facts, type(told))


def test_next_steps_name_the_deployment_and_the_site_and_leave_the_rest_alone():
    steps = [
        "orchestrator report NAME",
        "make destroy NAME=..., then deploy anew",
        "orchestrator discover SITE        shows more",
        "make destroy NAME=other",
        "--set flavor=FLAVOR",
    ]
    assert filled(steps, name="sky", site="SIM") == (
        "orchestrator report sky",
        "make destroy NAME=sky, then deploy anew",
        "orchestrator discover SIM        shows more",
        "make destroy NAME=other",
        "--set flavor=FLAVOR",
    )


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.key)
def test_no_step_of_a_known_failure_is_left_unfilled(one):
    for step in filled(one.way_out, name="sky", site="SIM"):
        assert "NAME=..." not in step
        assert "SITE" not in step
