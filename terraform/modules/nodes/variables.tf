variable "deployment" {
  type        = object({ id = string, name = string, use_case = optional(string, "") })
  description = "The deployment that owns the nodes"
}

variable "nodes" {
  type = map(object({
    flavor_id      = string
    image_id       = string
    boot_volume_gb = number
    groups         = list(string)
    public         = bool
    floating_ip    = optional(string)
    via            = optional(string)
  }))
  description = "Nodes by host name; groups become Ansible inventory groups, a boot volume of 0 GB means the flavor's own disk, a public node gets a floating IP (the one named, else a new one), SSH to the others may go via another node"

  validation {
    condition     = alltrue([for name, _ in var.nodes : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "The name of a node is a host name: 1 to 63 small letters, digits and dashes, not at the ends."
  }

  validation {
    condition     = alltrue([for name, _ in var.nodes : startswith(name, "${var.deployment.name}-")])
    error_message = "The name of a node starts with the name of its deployment."
  }

  validation {
    condition     = alltrue([for node in var.nodes : node.via == null || contains([for name, one in var.nodes : name if one.via == null], coalesce(node.via, "-"))])
    error_message = "SSH to a node goes straight, or via another node of the deployment to which it goes straight."
  }
}

variable "volumes" {
  type        = map(list(object({ id = string, size_gb = number, made = bool })))
  description = "Must be the `volumes` output of the volumes module; nothing where no node has a data volume"
  default     = {}
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
  description = "Must be the `subnet_id` output of the network module; null for whichever the site takes"
  default     = null
}

variable "router_interface_id" {
  type        = string
  description = "Must be the `router_interface_id` output of the network module"
  default     = null
}

variable "external_network_name" {
  type        = string
  description = "The external network that gives floating IPs, by name; null where no node gets one"
  default     = null
}

variable "ip_version" {
  type        = number
  description = "Which of a node's own addresses leads to it, of a network that has both: 4 or 6"
  default     = 4

  validation {
    condition     = contains([4, 6], var.ip_version)
    error_message = "The version of an address is 4 or 6."
  }
}

variable "config_drive" {
  type        = bool
  description = "Whether a server is told its user data by a drive too; null for the site's own way"
  default     = null
}
