locals {
  # In the create request, so that a listing finds what a killed run left out of the state, and
  # tells the address under which it is taken back.
  mark   = "orchestrator deployment ${var.deployment.id} at module.nodes"
  public = { for name, node in var.nodes : name => node if node.public }
  # An address that the project holds already is used, and never made or deleted.
  made = { for name, node in local.public : name => node if node.floating_ip == null }

  # JSON is YAML, and encoding leaves no way to break out of a value. Every process on a node can
  # read it: no secrets. It is never sent again: see ignore_changes.
  user_data = join("\n", ["#cloud-config", jsonencode({
    users = [{
      name                = var.login_user
      gecos               = "EGI orchestrator"
      shell               = "/bin/bash"
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      lock_passwd         = true
      ssh_authorized_keys = [var.ssh_public_key]
    }]
    ssh_pwauth   = false
    disable_root = true
  }), ""])
}

resource "openstack_networking_port_v2" "node" {
  for_each = var.nodes

  name               = each.key
  description        = "${local.mark}.openstack_networking_port_v2.node[\"${each.key}\"]"
  network_id         = var.network_id
  security_group_ids = [var.security_group_id]

  dynamic "fixed_ip" {
    for_each = var.subnet_id == null ? [] : [var.subnet_id]

    content {
      subnet_id = fixed_ip.value
    }
  }

  timeouts {
    create = "5m"
    delete = "5m"
  }

  lifecycle {
    # Not read back by an import, and Neutron refuses to set it on a port with a floating IP.
    ignore_changes = [fixed_ip]
  }
}

resource "openstack_compute_instance_v2" "node" {
  for_each = var.nodes

  name      = each.key
  flavor_id = each.value.flavor_id
  image_id  = each.value.boot_volume_gb > 0 ? null : each.value.image_id
  key_pair  = var.keypair_name
  user_data = local.user_data
  # Networks of a provider's own often reach no metadata service, and IPv6 alone never does.
  config_drive = var.config_drive

  metadata = merge(
    {
      "eu.egi.cloud.orchestrator"          = "orchestrator"
      "eu.egi.cloud.orchestrator.id"       = var.deployment.id
      "eu.egi.cloud.orchestrator.name"     = var.deployment.name
      "eu.egi.cloud.orchestrator.use_case" = var.deployment.use_case
      "eu.egi.cloud.orchestrator.address"  = "module.nodes.openstack_compute_instance_v2.node[\"${each.key}\"]"
    },
    # A volume that was there before carries no mark of ours: that it is in use here is told by this.
    { for volume in lookup(var.volumes, each.key, []) : "eu.egi.cloud.orchestrator.volume" => volume.id if !volume.made },
  )

  network {
    port = openstack_networking_port_v2.node[each.key].id
  }

  # A flavor without a disk cannot be booted from an image by ordinary users.
  dynamic "block_device" {
    for_each = each.value.boot_volume_gb > 0 ? [each.value.boot_volume_gb] : []

    content {
      uuid                  = each.value.image_id
      source_type           = "image"
      destination_type      = "volume"
      volume_size           = block_device.value
      boot_index            = 0
      delete_on_termination = true
    }
  }

  # Where block devices are given, the disk that the flavor brings has to be among them.
  dynamic "block_device" {
    for_each = each.value.boot_volume_gb == 0 && contains(keys(var.volumes), each.key) ? [each.value.image_id] : []

    content {
      uuid                  = block_device.value
      source_type           = "image"
      destination_type      = "local"
      boot_index            = 0
      delete_on_termination = true
    }
  }

  # Given with the server and not attached to it later: a disk that comes while the machine boots
  # can keep it from finding its own.
  dynamic "block_device" {
    for_each = lookup(var.volumes, each.key, [])

    content {
      uuid                  = block_device.value.id
      source_type           = "volume"
      destination_type      = "volume"
      boot_index            = -1
      delete_on_termination = false
    }
  }

  timeouts {
    create = "15m"
    update = "15m"
    delete = "15m"
  }

  lifecycle {
    ignore_changes = [
      # Sites replace images often, and another image wipes the root disk "in place".
      image_id,
      image_name,
      # Never read back: after an import each of them would force a new server.
      user_data,
      network,
      block_device,
      # Belongs to the user who made it: a colleague's run must not rebuild the server.
      key_pair,
      # Sites may force one on every server.
      config_drive,
    ]
  }
}

resource "openstack_networking_floatingip_v2" "node" {
  for_each = local.made

  description = "${local.mark}.openstack_networking_floatingip_v2.node[\"${each.key}\"]"
  pool        = var.external_network_name

  timeouts {
    create = "5m"
    delete = "5m"
  }
}

resource "openstack_networking_floatingip_associate_v2" "node" {
  for_each = local.public

  floating_ip = each.value.floating_ip == null ? openstack_networking_floatingip_v2.node[each.key].address : each.value.floating_ip
  port_id     = openstack_networking_port_v2.node[each.key].id

  # Without the router's leg in the subnet the external network "is not reachable", and the leg
  # cannot go while an address uses it.
  depends_on = [var.router_interface_id]
}
