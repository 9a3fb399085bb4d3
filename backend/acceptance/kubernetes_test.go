package acceptance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// kubernetesResource is the part of the operators' resources that says what they ask of
// Vault, and what they make of the answer.
type kubernetesResource struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Mount, Path, Method string
		Params              map[string]string
		GetParameters       map[string][]string `yaml:"getParameters"`
		AllowStaticCreds    bool                `yaml:"allowStaticCreds"`
		Destination         struct {
			Transformation struct {
				Templates map[string]struct{ Text string }
			}
		}
		Target struct {
			Template struct{ Data map[string]string }
		}
		DataFrom []struct {
			SourceRef struct {
				GeneratorRef struct{ Name string } `yaml:"generatorRef"`
			} `yaml:"sourceRef"`
		} `yaml:"dataFrom"`
	}
}

// The operators of the examples for Kubernetes ask Vault for what it gives under the
// policies that the examples name, and make Secrets of it that hold a whole key. What
// the operators do is done here instead.
func TestExampleKubernetes(t *testing.T) {
	t.Parallel()
	e := enableDesk(t, vaulttest.Start(t, 1))
	e.write(t, "roles/trader-role", e.role("read,trade:spot"))
	e.write(t, "static-roles/gateway", fields{
		"connection": desk, "sub_account": e.simulator.Exchange(bybit).SubAccounts[0], "scopes": "read",
		"ip_allowlist": "127.0.0.1", "rotation_period": "24h",
	})
	operators := map[string]*engine{"trader-key": e.limited(t, e.published(t, "trader"))}
	require.NoError(t, e.client.Sys().PutPolicyWithContext(t.Context(), e.path+"-static", e.published(t, "static")))
	token, err := e.client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{e.path + "-static"}})
	require.NoError(t, err)
	operators["gateway-key"] = e.as(t, token.Auth.ClientToken)

	t.Run("vault-secrets-operator.yaml", func(t *testing.T) {
		tested := 0
		for _, r := range kubernetesResources(t, "vault-secrets-operator.yaml") {
			if r.Kind != "VaultDynamicSecret" {
				continue
			}
			operator := operators[r.Metadata.Name]
			require.Equal(t, "exchange", r.Spec.Mount)
			var answer *api.Secret
			var err error
			if len(r.Spec.Params) > 0 {
				answer = operator.write(t, r.Spec.Path, fieldsOf(r.Spec.Params))
			} else {
				answer, err = operator.client.Logical().ReadWithContext(t.Context(), e.path+"/"+r.Spec.Path)
				require.NoError(t, err)
			}
			require.Equal(t, r.Spec.AllowStaticCreds, answer.LeaseID == "", "the operator keeps what has a lease, and what is said to be static")
			if r.Spec.AllowStaticCreds {
				_, err := time.Parse(time.RFC3339Nano, answer.Data["last_vault_rotation"].(string))
				require.NoError(t, err)
				for _, field := range []string{"rotation_period", "ttl"} {
					seconds, err := answer.Data[field].(json.Number).Int64()
					require.NoError(t, err, field)
					require.Positive(t, seconds, field)
				}
			}
			texts := map[string]string{}
			for name, template := range r.Spec.Destination.Transformation.Templates {
				texts[name] = template.Text
			}
			e.secretWorks(t, texts, map[string]any{"Secrets": answer.Data})
			tested++
		}
		require.Equal(t, 2, tested)
	})
	t.Run("external-secrets.yaml", func(t *testing.T) {
		generated := map[string]map[string]any{}
		tested := 0
		for _, r := range kubernetesResources(t, "external-secrets.yaml") {
			switch r.Kind {
			case "VaultDynamicSecret":
				require.Contains(t, []string{"", "GET"}, r.Spec.Method)
				path, ours := strings.CutPrefix(r.Spec.Path, "exchange/")
				require.True(t, ours)
				answer, err := operators[r.Metadata.Name].client.Logical().ReadWithDataWithContext(t.Context(), e.path+"/"+path, r.Spec.GetParameters)
				require.NoError(t, err)
				generated[r.Metadata.Name] = answer.Data
			case "ExternalSecret":
				data := generated[r.Spec.DataFrom[0].SourceRef.GeneratorRef.Name]
				require.NotNil(t, data)
				e.secretWorks(t, r.Spec.Target.Template.Data, data)
				tested++
			}
		}
		require.Equal(t, 2, tested)
	})
}

func fieldsOf(params map[string]string) fields {
	data := fields{}
	for name, value := range params {
		data[name] = value
	}
	return data
}

// kubernetesResources are those of an example.
func kubernetesResources(t *testing.T, name string) []kubernetesResource {
	text, err := os.ReadFile(filepath.Join(examples, "kubernetes", name))
	require.NoError(t, err)
	var found []kubernetesResource
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var r kubernetesResource
		err := decoder.Decode(&r)
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		found = append(found, r)
	}
}

// secretWorks makes a Secret from templates, and proves that a program which has it in
// its environment has a key that works.
func (e *engine) secretWorks(t *testing.T, templates map[string]string, values map[string]any) {
	var environment strings.Builder
	for name, text := range templates {
		var value bytes.Buffer
		parsed, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
			"get": func(from map[string]any, name string) any { return from[name] },
		}).Parse(text)
		require.NoError(t, err)
		require.NoError(t, parsed.Execute(&value, values))
		environment.WriteString(name + "=" + value.String() + "\x00")
	}
	require.Len(t, templates, len([]string{"base_url", "sub_account", "api_key", "api_secret", "passphrase", "private_key", "token"}))
	e.keyOf(t, strings.TrimSuffix(environment.String(), "\x00")).works(t)
}
