variable "deployment" {
  type        = object({ id = string, name = string, use_case = optional(string, "") })
  description = "The deployment that owns the volumes"
}

variable "volumes" {
  type = map(object({
    size_gb     = number
    existing_id = optional(string)
  }))
  description = "Data volumes by the host name of their node; one that exists already is named by its id"

  validation {
    condition     = alltrue([for volume in var.volumes : volume.size_gb >= 1 && floor(volume.size_gb) == volume.size_gb])
    error_message = "The size of a volume is a whole number of GB."
  }

  validation {
    condition     = alltrue([for volume in var.volumes : volume.existing_id == null || can(regex("^[0-9a-fA-F-]{32,36}$", volume.existing_id))])
    error_message = "A volume that exists already is named by its id."
  }
}
