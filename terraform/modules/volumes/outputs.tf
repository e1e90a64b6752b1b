output "volumes" {
  description = "The data volumes by the host name of their node, which is made with them"
  value = {
    for name, volume in var.volumes : name => [{
      id      = volume.existing_id == null ? openstack_blockstorage_volume_v3.data[name].id : volume.existing_id
      size_gb = volume.size_gb
      made    = volume.existing_id == null
    }]
  }
}
