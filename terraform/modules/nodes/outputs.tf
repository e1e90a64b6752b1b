locals {
  fixed_ips = { for name, port in openstack_networking_port_v2.node : name => port.all_fixed_ips }
  # On a network of both families a port has an address of each.
  ipv4 = { for name, ips in local.fixed_ips : name => [for ip in ips : ip if !strcontains(ip, ":")] }
  ipv6 = { for name, ips in local.fixed_ips : name => [for ip in ips : ip if strcontains(ip, ":")] }
  own = {
    for name, ips in local.fixed_ips : name => try(concat(
      var.ip_version == 6 ? local.ipv6[name] : local.ipv4[name], ips
    )[0], null)
  }
  without = [for name, ips in local.fixed_ips : name if length(ips) == 0]
}

output "nodes" {
  description = "The inventory: all that the configuration of the nodes knows about the cloud"
  value = {
    for name, node in var.nodes : name => {
      address    = node.public ? openstack_networking_floatingip_associate_v2.node[name].floating_ip : local.own[name]
      port       = 22
      user       = var.login_user
      groups     = node.groups
      private_ip = try(concat(local.ipv4[name], local.ipv6[name])[0], null)
      volumes    = lookup(var.volumes, name, [])
      via        = node.via
      id         = openstack_compute_instance_v2.node[name].id
    }
  }

  precondition {
    condition     = length(local.without) == 0
    error_message = "${join(", ", local.without)} got no address on its network: the network has no subnet for it."
  }

  # An address is of use once its server is there.
  depends_on = [openstack_compute_instance_v2.node]
}
