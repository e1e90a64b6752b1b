output "network_id" {
  description = "The network on which nodes get their port"
  value       = var.network_id
}

output "subnet_id" {
  description = "The subnet from which nodes get their private address; null for whichever the site takes"
  value       = var.subnet_id
}

output "router_interface_id" {
  description = "Nothing has to exist before a floating IP can reach the subnet: its router does already"
  value       = null
}
