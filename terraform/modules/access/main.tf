locals {
  # In the create request, so that a listing finds what a killed run left out of the state, and
  # tells the address under which it is taken back.
  mark = "orchestrator deployment ${var.deployment.id} at module.access"
}

resource "openstack_compute_keypair_v2" "this" {
  # A key pair carries nothing but its name, and belongs to the user in all projects.
  name       = "orchestrator-${var.deployment.id}"
  public_key = var.ssh_public_key
}

resource "openstack_networking_secgroup_v2" "this" {
  name        = "${var.deployment.name}-ssh"
  description = "${local.mark}.openstack_networking_secgroup_v2.this"

  timeouts {
    delete = "5m"
  }
}

resource "openstack_networking_secgroup_rule_v2" "ssh" {
  for_each = var.ssh_from

  description       = "${local.mark}.openstack_networking_secgroup_rule_v2.ssh[\"${each.key}\"]"
  direction         = "ingress"
  ethertype         = strcontains(each.value, ":") ? "IPv6" : "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = each.value
  security_group_id = openstack_networking_secgroup_v2.this.id

  timeouts {
    delete = "5m"
  }
}

# What a page is published on, for whoever asks: its visitors, and the authority that signs its certificate.
resource "openstack_networking_secgroup_rule_v2" "page" {
  for_each = { for pair in setproduct(var.open_ports, ["IPv4", "IPv6"]) : join("/", pair) => pair[1] }

  description       = "${local.mark}.openstack_networking_secgroup_rule_v2.page[\"${each.key}\"]"
  direction         = "ingress"
  ethertype         = each.value
  protocol          = "tcp"
  port_range_min    = tonumber(split("/", each.key)[0])
  port_range_max    = tonumber(split("/", each.key)[0])
  security_group_id = openstack_networking_secgroup_v2.this.id

  timeouts {
    delete = "5m"
  }
}
