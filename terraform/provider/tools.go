//go:build tools

// Package tools keeps the provider among the requirements; it is built by its path.
package tools

import _ "github.com/terraform-provider-openstack/terraform-provider-openstack/v3"
