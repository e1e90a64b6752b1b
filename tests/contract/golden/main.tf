# Structure only: every value is in terraform.tfvars.json, the token in the environment.

terraform {
  required_version = ">= 1.9"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "3.4.0"
    }
  }
}

provider "openstack" {
  auth_url    = var.site.auth_url
  tenant_id   = var.site.project_id
  region      = var.site.region
  cacert_file = var.site.cacert
}

variable "site" {
  type        = object({ auth_url = string, project_id = string, region = string, cacert = string })
  description = "Where the cloud's Keystone is, and whose resources these are"
}

variable "deployment" {
  type        = object({ id = string, name = string, use_case = string })
  description = "Whose id marks every resource, and whose name begins theirs"
}

variable "network" {
  type = object({
    external_network_id   = string
    external_network_name = string
    cidr                  = string
    dns                   = list(string)
    network_id            = string
    subnet_id             = string
    ip_version            = number
    config_drive          = bool
  })
  description = "The external network; the addresses and name servers of our own network, or the one that is there already"
}

variable "ssh_public_key" {
  type        = string
  description = "The deployment's own public key"
}

variable "ssh_from" {
  type        = set(string)
  description = "The address ranges from which SSH is let in"
}

variable "open_ports" {
  type        = set(number)
  description = "Ports on which a page is published; none, and SSH alone is let in"
  default     = []
}

variable "login_user" {
  type        = string
  description = "The account that cloud-init makes on every node"
}

variable "nodes" {
  type = map(object({
    flavor_id      = string
    image_id       = string
    boot_volume_gb = number
    groups         = list(string)
    public         = bool
    floating_ip    = string
    via            = string
  }))
  description = "Nodes by host name"
}

module "network" {
  source = "./modules/network"

  deployment          = var.deployment
  external_network_id = var.network.external_network_id
  cidr                = var.network.cidr
  dns                 = var.network.dns
}

module "access" {
  source = "./modules/access"

  deployment     = var.deployment
  ssh_public_key = var.ssh_public_key
  ssh_from       = var.ssh_from
  open_ports     = var.open_ports
}

module "nodes" {
  source = "./modules/nodes"

  deployment            = var.deployment
  nodes                 = var.nodes
  login_user            = var.login_user
  ssh_public_key        = var.ssh_public_key
  keypair_name          = module.access.keypair_name
  security_group_id     = module.access.security_group_id
  network_id            = module.network.network_id
  subnet_id             = module.network.subnet_id
  router_interface_id   = module.network.router_interface_id
  external_network_name = var.network.external_network_name
  ip_version            = var.network.ip_version
  config_drive          = var.network.config_drive
}

output "nodes" {
  description = "The inventory: all that the configuration of the nodes knows about the cloud"
  value       = module.nodes.nodes
}
