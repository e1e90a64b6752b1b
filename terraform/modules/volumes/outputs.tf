output "volumes" {
  description = "The data volumes by the host name of their node: how a node tells its disk from others"
  value = {
    for name, volume in var.volumes : name => [{
      id      = openstack_compute_volume_attach_v2.data[name].volume_id
      size_gb = volume.size_gb
      device  = openstack_compute_volume_attach_v2.data[name].device
      made    = volume.existing_id == null
    }]
  }
}
