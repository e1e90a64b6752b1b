variable "deployment" {
  type        = object({ id = string, name = string, use_case = optional(string, "") })
  description = "The deployment that owns the network: its id marks every resource, its name begins theirs"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}$", var.deployment.name))
    error_message = "The name of a deployment has 1 to 41 small letters, digits and dashes and starts with a letter."
  }
}

variable "external_network_id" {
  type        = string
  description = "The external network behind the router, by id"
}

variable "cidr" {
  type        = string
  description = "The addresses of the subnet, such as 10.222.0.0/24"

  validation {
    condition     = can(cidrnetmask(var.cidr))
    error_message = "The addresses of the subnet are an IPv4 range such as 10.222.0.0/24."
  }
}

variable "dns" {
  type        = list(string)
  description = "Name servers that the nodes ask; empty for those of the site"
  default     = []
}
