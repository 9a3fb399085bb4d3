package examples

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKubernetes(t *testing.T) {
	var known []resource
	for _, operator := range []string{"vso", "eso"} {
		files, err := filepath.Glob("testdata/" + operator + "-*.json")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			var r resource
			require.NoError(t, load(file, &r))
			known = append(known, r)
		}
	}
	resources := func(text string) error {
		found, err := documents([]byte(text))
		require.NoError(t, err)
		for _, document := range found {
			if err := checkResource(known, []string{"apps/v1 Deployment"}, document); err != nil {
				return err
			}
		}
		return nil
	}
	for name, changes := range map[string]map[string]string{
		"vault-secrets-operator.yaml": {
			"vaultAuthRef:": "authRef:", "revoke: true": "revoke: yes please", "mount: exchange": "mounts: exchange",
			"kind: VaultAuth\n": "kind: VaultAuths\n", "v1beta1": "v1alpha1", "kind: Deployment\n      name": "kind: Pod\n      name",
		},
		"external-secrets.yaml": {
			"path: exchange": "paths: exchange", "[bots/trader-key]": "bots/trader-key", "server:": "address:",
			"generatorRef:": "generator:", "mountPath:": "mount:", "external-secrets.io/v1\n": "external-secrets.io/v1beta9\n",
		},
	} {
		text := read(t, "kubernetes/"+name)
		require.NoError(t, resources(text), name)
		for change, to := range changes {
			changed := strings.Replace(text, change, to, 1)
			require.NotEqual(t, text, changed, change)
			require.Error(t, resources(changed), "%s: %s instead of %s", name, to, change)
		}
	}
}
