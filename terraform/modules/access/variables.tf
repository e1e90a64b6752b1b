variable "deployment" {
  type        = object({ id = string, name = string, use_case = optional(string, "") })
  description = "The deployment that owns the key pair and the group"
}

variable "ssh_public_key" {
  type        = string
  description = "The deployment's own public key, one line"

  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-[a-z0-9]+) [A-Za-z0-9+/=]+( [A-Za-z0-9@._-]+)?$", var.ssh_public_key))
    error_message = "The public key is one line of OpenSSH: type, key and a plain comment."
  }
}

variable "ssh_from" {
  type        = set(string)
  description = "The address ranges from which SSH is let in"
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.ssh_from) > 0 && alltrue([for range in var.ssh_from : can(cidrhost(range, 0))])
    error_message = "SSH is let in from at least one address range such as 198.51.100.0/24."
  }
}

variable "open_ports" {
  type        = set(number)
  description = "Ports on which a page is published, open to everybody beside SSH"
  default     = []

  validation {
    condition     = alltrue([for port in var.open_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "A port is a whole number from 1 to 65535."
  }
}
