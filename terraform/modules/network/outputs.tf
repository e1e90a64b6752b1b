output "network_id" {
  description = "The network on which nodes get their port"
  value       = openstack_networking_network_v2.this.id
}

output "subnet_id" {
  description = "The subnet from which nodes get their private address"
  value       = openstack_networking_subnet_v2.this.id
}

output "router_interface_id" {
  description = "What must exist before a floating IP can reach the subnet, and until the last is gone"
  value       = openstack_networking_router_interface_v2.this.id
}
