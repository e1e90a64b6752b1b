output "nodes" {
  description = "The inventory: all that the configuration of the nodes knows about the cloud"
  value = {
    for name, node in var.nodes : name => {
      address    = node.public ? openstack_networking_floatingip_associate_v2.node[name].floating_ip : openstack_networking_port_v2.node[name].all_fixed_ips[0]
      port       = 22
      user       = var.login_user
      groups     = node.groups
      private_ip = openstack_networking_port_v2.node[name].all_fixed_ips[0]
      volumes    = []
    }
  }

  # An address is of use once its server is there.
  depends_on = [openstack_compute_instance_v2.node]
}
