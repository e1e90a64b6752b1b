# The created shape: a network, a subnet and a router of the deployment's own. Another shape
# is another module beside this one with the same outputs.

locals {
  # In the create request, so that a listing finds what a killed run left out of the state, and
  # tells the address under which it is taken back; Neutron tags would be a second call.
  mark = "orchestrator deployment ${var.deployment.id} at module.network"
}

resource "openstack_networking_network_v2" "this" {
  name        = "${var.deployment.name}-network"
  description = "${local.mark}.openstack_networking_network_v2.this"

  timeouts {
    create = "5m"
    delete = "5m"
  }
}

resource "openstack_networking_subnet_v2" "this" {
  name            = "${var.deployment.name}-subnet"
  description     = "${local.mark}.openstack_networking_subnet_v2.this"
  network_id      = openstack_networking_network_v2.this.id
  cidr            = var.cidr
  dns_nameservers = var.dns

  timeouts {
    create = "5m"
    delete = "5m"
  }
}

resource "openstack_networking_router_v2" "this" {
  name                = "${var.deployment.name}-router"
  description         = "${local.mark}.openstack_networking_router_v2.this"
  external_network_id = var.external_network_id

  timeouts {
    create = "5m"
    delete = "5m"
  }
}

resource "openstack_networking_router_interface_v2" "this" {
  router_id = openstack_networking_router_v2.this.id
  subnet_id = openstack_networking_subnet_v2.this.id

  timeouts {
    create = "5m"
    delete = "5m"
  }
}
