locals {
  # In the create request, so that a listing finds what a killed run left out of the state, and
  # tells the address under which it is taken back. A volume that is kept at the end keeps it too.
  mark = "orchestrator deployment ${var.deployment.id} at module.volumes"
  # One that is there already is given to its server, and never made or deleted.
  made = { for name, volume in var.volumes : name => volume if volume.existing_id == null }
}

resource "openstack_blockstorage_volume_v3" "data" {
  for_each = local.made

  name        = "${each.key}-data"
  description = "${local.mark}.openstack_blockstorage_volume_v3.data[\"${each.key}\"]"
  size        = each.value.size_gb

  metadata = {
    "eu.egi.cloud.orchestrator"          = "orchestrator"
    "eu.egi.cloud.orchestrator.id"       = var.deployment.id
    "eu.egi.cloud.orchestrator.name"     = var.deployment.name
    "eu.egi.cloud.orchestrator.use_case" = var.deployment.use_case
    "eu.egi.cloud.orchestrator.address"  = "module.volumes.openstack_blockstorage_volume_v3.data[\"${each.key}\"]"
  }

  timeouts {
    create = "10m"
    delete = "10m"
  }

  lifecycle {
    ignore_changes = [
      # A person may let it grow at the site; no volume can shrink again.
      size,
      # Sites and their tools add words of their own.
      metadata,
      # Read back by an import, and another value would force a new volume.
      image_id,
      snapshot_id,
      source_vol_id,
      backup_id,
    ]
  }
}
