package acceptance_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// The jobs of the examples for GitHub and GitLab get a key that works, of each role of
// bootstrap.sh, and leave none behind. Their scripts are run as they are; what GitHub
// and GitLab do themselves is done here instead.
func TestExampleCI(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	needCommand(t, "curl")
	e := enable(t, vaulttest.Start(t, 1))
	roles := e.connectAll(t)
	github := newIssuer(t, map[string]any{"sub": "repo:example/bot:ref:refs/heads/main", "repository": "example/bot", "ref": "refs/heads/main"})
	gitlab := newIssuer(t, map[string]any{"sub": "project_path:example/bot", "project_path": "example/bot", "ref_type": "branch", "ref": "main"})
	e.trust(t, "github", github)
	e.trust(t, "gitlab", gitlab)

	for _, role := range roles {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			t.Run("github-actions.yml", func(t *testing.T) {
				e.runsWorkflow(t, github, "github-actions.yml", role)
			})
			t.Run("github-actions-vault-action.yml", func(t *testing.T) {
				e.runsWorkflow(t, github, "github-actions-vault-action.yml", role)
			})
			t.Run("gitlab-ci.yml", func(t *testing.T) {
				e.runsPipeline(t, gitlab, "report", role)
			})
			t.Run("gitlab-ci.yml with secrets", func(t *testing.T) {
				e.runsPipeline(t, gitlab, "report-with-secrets", role)
			})
		})
	}
	t.Run("of another branch", func(t *testing.T) {
		other := *github
		other.claims = maps.Clone(github.claims)
		other.claims["ref"] = "refs/heads/feature"
		_, err := e.client.Logical().WriteWithContext(t.Context(), "auth/jwt-github/login", fields{
			"role": "ci", "jwt": other.token(t, e.client.Address()),
		})
		refused(t, err, http.StatusBadRequest, "claim")
	})
}

// trust lets the jobs of an issuer's project log in, as the examples say. They may mint
// keys of any role.
func (e *engine) trust(t *testing.T, provider string, issuer *issuer) {
	f := e.exampleFolder(t, []string{"trust-ci.sh"})
	policies := filepath.Join(filepath.Dir(f.path), "policies")
	require.NoError(t, os.Mkdir(policies, 0o700))
	rules := strings.NewReplacer("/creds/bybit-reader", "/creds/+", "/creds/gitlab-reader", "/creds/gitlab-*").Replace(e.published(t, "ci"))
	require.NoError(t, os.WriteFile(filepath.Join(policies, "ci.hcl"), []byte(rules), 0o600))
	out, err := f.command(e.client.Token(), []string{"ISSUER=" + issuer.URL}, "./trust-ci.sh", provider, "example/bot").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// job is the job of an example while it runs, with its variables.
type job struct {
	exampleFolder
	env   map[string]string
	input *os.File
	log   bytes.Buffer
}

// newJob lays out the repository of which the job is one. Its report shows the key in
// its environment, and ends when the job's input does.
func (e *engine) newJob(t *testing.T, role, file string) (*job, *os.File) {
	f := e.exampleFolder(t, []string{file, "with-key.sh"}, "bybit-reader", role, "gitlab-reader", "gitlab-"+role)
	f.write(t, "report.sh", "#!/bin/sh\n"+showKey+"\n")
	input, end, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = input.Close(), end.Close() })
	return &job{exampleFolder: f, env: map[string]string{}, input: input}, end
}

// run runs one of the job's scripts, as GitHub and GitLab do.
func (j *job) run(t *testing.T, script string, env map[string]string) error {
	j.write(t, "script", script)
	var variables []string
	for _, more := range []map[string]string{j.env, env} {
		for name, value := range more {
			variables = append(variables, name+"="+value)
		}
	}
	c := j.command("", variables, "bash", "--noprofile", "--norc", "-eo", "pipefail", "script")
	c.Stdin, c.Stdout, c.Stderr = j.input, &j.log, &j.log
	return c.Run()
}

// watch runs the job, proves in the meantime that its report has a key that works, and
// returns that key.
func (j *job) watch(t *testing.T, end io.Closer, role string, run func() error) *key {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	shown := filepath.Join(j.path, "key")
	require.Eventually(t, func() bool {
		_, err := os.Stat(shown)
		return err == nil || len(ended) > 0
	}, time.Minute, often, "the report was not begun")
	if len(ended) > 0 {
		require.NoError(t, <-ended, j.log.String())
	}
	k := j.shownKey(t)
	require.NoError(t, k.useAs(t, j.e.variantOf(t, role)))
	require.NoError(t, end.Close())
	require.NoError(t, <-ended, j.log.String())
	return k
}

// workflow is the part of a workflow of GitHub that the examples use.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []workflowStep
	}
}

type workflowStep struct {
	Uses, Run, If string
	Env, With     map[string]string
}

// runsWorkflow runs a workflow of the examples.
func (e *engine) runsWorkflow(t *testing.T, issuer *issuer, file, role string) {
	j, end := e.newJob(t, role, file)
	var w workflow
	require.NoError(t, yaml.Unmarshal([]byte(j.read(t, file)), &w))
	require.Len(t, w.Jobs, 1)
	evaluate := func(values map[string]string) map[string]string {
		evaluated := map[string]string{}
		for name, value := range values {
			expressions := []string{"${{ github.repository }}", "example/bot", "${{ github.run_id }}", "42"}
			for variable, value := range j.env {
				expressions = append(expressions, "${{ env."+variable+" }}", value)
			}
			evaluated[name] = strings.NewReplacer(expressions...).Replace(value)
			require.NotContains(t, evaluated[name], "${{")
		}
		return evaluated
	}
	steps := w.Jobs["report"].Steps
	j.env = evaluate(w.Jobs["report"].Env)
	j.env["GITHUB_ENV"] = filepath.Join(j.path, "github.env")
	j.env["ACTIONS_ID_TOKEN_REQUEST_URL"], j.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = issuer.URL+"/token?api-version=2.0", requestToken

	var minted *key
	for i, now := range steps {
		last := i == len(steps)-1
		require.Equal(t, last, now.If == "always() && env.VAULT_TOKEN != ''", "the last step runs however the others end, and the others run if those before went well")
		var err error
		switch {
		case strings.HasPrefix(now.Uses, "actions/checkout@"):
		case strings.HasPrefix(now.Uses, "hashicorp/vault-action@"):
			j.vaultAction(t, evaluate(now.With))
		case strings.Contains(now.Run, "report.sh"):
			minted = j.watch(t, end, role, func() error { return j.run(t, now.Run, evaluate(now.Env)) })
		default:
			err = j.run(t, now.Run, evaluate(now.Env))
		}
		require.NoError(t, err, j.log.String())
		j.takeVariables(t)
	}
	require.NotNil(t, minted)
	require.Eventually(t, func() bool { return !minted.exists() }, soon, often, "the key outlives the job")
	for _, part := range []string{"api_secret", "passphrase", "private_key", "token"} {
		for line := range strings.Lines(minted.text(part)) {
			require.Contains(t, j.log.String(), "::add-mask::"+strings.TrimSpace(line), part)
		}
	}
}

// takeVariables gives the steps that follow the variables that a step has set.
func (j *job) takeVariables(t *testing.T) {
	text, err := os.ReadFile(j.env["GITHUB_ENV"])
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	require.NoError(t, os.Remove(j.env["GITHUB_ENV"]))
	lines := strings.Split(string(text), "\n")
	for len(lines) > 0 {
		line := lines[0]
		lines = lines[1:]
		if name, delimiter, several := strings.Cut(line, "<<"); several {
			end := slices.Index(lines, delimiter)
			require.GreaterOrEqual(t, end, 0, line)
			j.env[name] = strings.Join(lines[:end], "\n")
			lines = lines[end+1:]
		} else if name, value, ok := strings.Cut(line, "="); ok {
			j.env[name] = value
		}
	}
}

// vaultAction does what hashicorp/vault-action does with these inputs. VAULT_ACTION may
// name the dist/index.js of the action itself, which then does it.
func (j *job) vaultAction(t *testing.T, with map[string]string) {
	if program := os.Getenv("VAULT_ACTION"); program != "" {
		env := map[string]string{}
		for name, value := range with {
			env["INPUT_"+strings.ToUpper(name)] = value
		}
		require.NoError(t, j.run(t, `touch "$GITHUB_ENV"; node `+program, env), j.log.String())
		return
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		j.env["ACTIONS_ID_TOKEN_REQUEST_URL"]+"&audience="+url.QueryEscape(with["jwtGithubAudience"]), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+j.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var identity struct{ Value string }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&identity))
	login, err := j.e.client.Logical().WriteWithContext(t.Context(), "auth/"+with["path"]+"/login", fields{"role": with["role"], "jwt": identity.Value})
	require.NoError(t, err)
	require.Equal(t, "true", with["exportToken"])
	j.env["VAULT_TOKEN"] = login.Auth.ClientToken
	reader := j.e.as(t, login.Auth.ClientToken)

	answers := map[string]map[string]any{}
	for line := range strings.SplitSeq(with["secrets"], ";") {
		selection, name, named := strings.Cut(line, "|")
		require.True(t, named, line)
		selected := strings.Fields(selection)
		require.Len(t, selected, 2, "the action splits a path at spaces")
		path, query, _ := strings.Cut(selected[0], "?")
		if answers[selected[0]] == nil {
			parameters, err := url.ParseQuery(query)
			require.NoError(t, err)
			secret, err := reader.client.Logical().ReadWithDataWithContext(t.Context(), path, parameters)
			require.NoError(t, err)
			answers[selected[0]] = secret.Data
		}
		value, _ := answers[selected[0]][selected[1]].(string)
		j.env[strings.TrimSpace(name)] = value
		for line := range strings.Lines(value) {
			j.log.WriteString("::add-mask::" + line + "\n")
		}
	}
}

// pipelineJob is the part of a job of GitLab that the examples use.
type pipelineJob struct {
	IDTokens  map[string]struct{ Aud string } `yaml:"id_tokens"`
	Variables map[string]string
	Secrets   map[string]struct {
		Token string
		Vault struct {
			Engine      struct{ Name, Path string }
			Path, Field string
		}
	}
	Script []string
}

// runsPipeline runs a job of GitLab.
func (e *engine) runsPipeline(t *testing.T, issuer *issuer, name, role string) {
	e.write(t, "roles/gitlab-"+role, copyOfRole(e.read(t, "roles/"+role)).with(fields{"client_format": "env"}))
	j, end := e.newJob(t, role, "gitlab-ci.yml")
	var jobs map[string]pipelineJob
	require.NoError(t, yaml.Unmarshal([]byte(j.read(t, "gitlab-ci.yml")), &jobs))
	described, ok := jobs[name]
	require.True(t, ok)
	maps.Copy(j.env, described.Variables)
	j.env["CI_PROJECT_PATH"], j.env["CI_JOB_ID"] = "example/bot", "42"
	for variable, token := range described.IDTokens {
		j.env[variable] = issuer.token(t, token.Aud)
	}
	for variable, secret := range described.Secrets {
		login, err := e.client.Logical().WriteWithContext(t.Context(), "auth/"+j.env["VAULT_AUTH_PATH"]+"/login", fields{
			"role": j.env["VAULT_AUTH_ROLE"], "jwt": j.env[strings.TrimPrefix(secret.Token, "$")],
		})
		require.NoError(t, err)
		require.Equal(t, "exchange", secret.Vault.Engine.Path)
		answer := e.as(t, login.Auth.ClientToken).read(t, secret.Vault.Path)
		value, _ := answer[secret.Vault.Field].(string)
		j.write(t, variable, value)
		j.env[variable] = filepath.Join(j.path, variable)
	}
	minted := j.watch(t, end, role, func() error { return j.run(t, strings.Join(described.Script, "\n"), nil) })
	if len(described.Secrets) == 0 {
		require.Eventually(t, func() bool { return !minted.exists() }, soon, often, "the key outlives the job")
	}
}

// copyOfRole is how a role is written that is like the one that was read.
func copyOfRole(role map[string]any) fields {
	copied := fields{}
	for _, field := range []string{"connection", "sub_accounts", "scopes", "ip_allowlist", "ttl", "max_ttl"} {
		copied[field] = role[field]
	}
	return copied
}

// GitLab's reader reads each variable alone, so that two variables hold parts of two
// keys, as the example warns.
func TestExampleGitLabWarning(t *testing.T) {
	t.Parallel()
	e := enableDesk(t, vaulttest.Start(t, 1))
	require.NotEqual(t, e.read(t, "creds/"+reader)["api_key"], e.read(t, "creds/"+reader)["api_key"])
	text, err := os.ReadFile(filepath.Join(examples, "gitlab-ci.yml"))
	require.NoError(t, err)
	var jobs map[string]pipelineJob
	require.NoError(t, yaml.Unmarshal(text, &jobs))
	for name, job := range jobs {
		require.LessOrEqual(t, len(job.Secrets), 1, name)
		for _, secret := range job.Secrets {
			require.Equal(t, "client_config", secret.Vault.Field)
		}
	}
}

// issuer gives jobs tokens that tell which project's they are, as GitHub and GitLab do.
type issuer struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims map[string]any
}

// requestToken is what a job of GitHub shows to be given its token.
const requestToken = "request-token"

func newIssuer(t *testing.T, claims map[string]any) *issuer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	i := &issuer{key: key, claims: claims}
	answer := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(r.Header.Get("Authorization"), "bearer "+requestToken) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, map[string]any{"value": i.token(t, r.URL.Query().Get("audience"))})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// token is a job's token for an audience.
func (i *issuer) token(t *testing.T, audience string) string {
	now := time.Now().Unix()
	claims := map[string]any{"iss": i.URL, "aud": audience, "iat": now, "nbf": now, "exp": now + 600}
	maps.Copy(claims, i.claims)
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "1"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, digest[:])
	if err != nil {
		t.Error(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
