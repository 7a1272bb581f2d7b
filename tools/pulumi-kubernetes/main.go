// The official Kubernetes provider for Pulumi, built from its own module.
//
// The module's main package embeds two files that its own makefile writes before a build: the
// schema with the release in it, and a mapping from Terraform's names. The module holds what both
// are made from, so seawall/testbed/toolchain/go.py writes them and lays them over this folder for the build.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
