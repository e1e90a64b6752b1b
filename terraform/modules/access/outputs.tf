output "keypair_name" {
  description = "The key pair, by the name that Nova knows"
  value       = openstack_compute_keypair_v2.this.name
}

output "security_group_id" {
  description = "The group that lets SSH in, and what is asked for to the ports of a page, and nothing else"
  value       = openstack_networking_secgroup_v2.this.id
}
