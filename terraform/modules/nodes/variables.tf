variable "deployment" {
  type        = object({ id = string, name = string })
  description = "The deployment that owns the nodes"
}

variable "nodes" {
  type = map(object({
    flavor_id      = string
    image_id       = string
    boot_volume_gb = number
    groups         = list(string)
    public         = bool
  }))
  description = "Nodes by host name; groups become Ansible inventory groups, a boot volume of 0 GB means the flavor's own disk"

  validation {
    condition     = alltrue([for name, _ in var.nodes : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "The name of a node is a host name: 1 to 63 small letters, digits and dashes, not at the ends."
  }

  validation {
    condition     = alltrue([for name, _ in var.nodes : startswith(name, "${var.deployment.name}-")])
    error_message = "The name of a node starts with the name of its deployment."
  }
}

variable "login_user" {
  type        = string
  description = "The account that cloud-init makes on every node, with sudo and the deployment's key"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_-]{0,30}$", var.login_user))
    error_message = "The login user is a plain Linux account name."
  }
}

variable "ssh_public_key" {
  type        = string
  description = "The deployment's own public key, one line"
}

variable "keypair_name" {
  type        = string
  description = "Must be the `keypair_name` output of the access module"
}

variable "security_group_id" {
  type        = string
  description = "Must be the `security_group_id` output of the access module"
}

variable "network_id" {
  type        = string
  description = "Must be the `network_id` output of the network module"
}

variable "subnet_id" {
  type        = string
  description = "Must be the `subnet_id` output of the network module"
}

variable "router_interface_id" {
  type        = string
  description = "Must be the `router_interface_id` output of the network module"
}

variable "external_network_name" {
  type        = string
  description = "The external network that gives floating IPs, by name"
}
