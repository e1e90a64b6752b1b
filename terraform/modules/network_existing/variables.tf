variable "network_id" {
  type        = string
  description = "The network that is there already, by id"

  validation {
    condition     = can(regex("^[^[:space:]]+$", var.network_id))
    error_message = "The id of the network that the nodes are attached to is missing."
  }
}

variable "subnet_id" {
  type        = string
  description = "The subnet of it from which nodes get their address; null for whichever the site takes"
  default     = null
}
