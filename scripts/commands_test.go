package scripts

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is a fenced block of a page in which commands stand.
type block struct {
	page string
	// notRun is why a page that is run leaves it out, as the comment above it says.
	notRun   string
	commands []command
}

// command is one of them.
type command struct {
	text string
	// refused says that the page shows its refusal.
	refused bool
}

var fence = regexp.MustCompile("(?ms)^(?:<!-- Not run: ([^>]+) -->\n)?```(sh|console)?\n(.*?)^```$")

// blocks are those of a page. Blocks of a language other than the shell's are none of them.
func blocks(t *testing.T, page string) []block {
	var found []block
	text := otherLanguage.ReplaceAllString(read(t, page), "")
	for _, of := range fence.FindAllStringSubmatch(text, -1) {
		found = append(found, block{page, of[1], commands(of[3])})
	}
	return found
}

var otherLanguage = regexp.MustCompile("(?ms)^```(?:go|hcl|js|json|mermaid|python|text|yaml)\n.*?^```$")

// commands are those of a block: its lines, without comments, or where some begin with $,
// those lines.
func commands(text string) []command {
	text = strings.ReplaceAll(text, "\\\n", " ")
	session := strings.HasPrefix(text, "$ ") || strings.Contains(text, "\n$ ")
	var found []command
	for line := range strings.Lines(text) {
		typed, isCommand := strings.CutPrefix(line, "$ ")
		switch typed = strings.TrimSpace(comment.ReplaceAllString(typed, "")); {
		case session && !isCommand:
			if strings.HasPrefix(typed, "* ") && len(found) > 0 {
				found[len(found)-1].refused = true
			}
		case typed != "":
			found = append(found, command{text: typed})
		}
	}
	return found
}

var comment = regexp.MustCompile(`(^|\s)# .*`)

// shellWords splits a command as a shell does, as far as the pages need it: quotes and $(...)
// hold together.
func shellWords(command string) []string {
	var found []string
	var word strings.Builder
	quote, depth := rune(0), 0
	for _, c := range command + " " {
		switch {
		case quote == 0 && depth == 0 && c == ' ':
			if word.Len() > 0 {
				found = append(found, word.String())
			}
			word.Reset()
			continue
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && c == quote:
			quote = 0
		case depth == 0 && quote == 0 && (c == '\'' || c == '"'):
			quote = c
		}
		word.WriteRune(c)
	}
	return found
}

// served is the part of docs/openapi.json that says what the engine takes.
type served struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

// operation is what may be done with a path.
type operation struct {
	Parameters []struct {
		Name string `json:"name"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			} `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// methods are what the vault command sends.
var methods = map[string]string{"read": "get", "list": "get", "write": "post", "patch": "patch", "delete": "delete"}

// check says what is wrong with a request to the engine; empty if nothing is.
func (s *served) check(verb, path string, fields []string) string {
	path = "/" + path
	if verb == "list" {
		path += "/"
	}
	for template, operations := range s.Paths {
		if !sameForm(template, path) {
			continue
		}
		raw, ok := operations[methods[verb]]
		if !ok {
			continue
		}
		var operation operation
		if err := json.Unmarshal(raw, &operation); err != nil {
			return err.Error()
		}
		takes := map[string]bool{}
		for _, parameter := range operation.Parameters {
			takes[parameter.Name] = true
		}
		for _, content := range operation.RequestBody.Content {
			for name := range s.Components.Schemas[filepath.Base(content.Schema.Ref)].Properties {
				takes[name] = true
			}
		}
		for _, field := range fields {
			if !takes[field] {
				return fmt.Sprintf("%s %s takes no field %s", verb, template, field)
			}
		}
		return ""
	}
	return fmt.Sprintf("the engine has no %s %s", verb, path)
}

// sameForm reports whether a path has the form of a template such as /keys/{id}.
func sameForm(template, path string) bool {
	return slices.EqualFunc(strings.Split(template, "/"), strings.Split(path, "/"), func(a, b string) bool {
		return a == b || strings.HasPrefix(a, "{") && b != ""
	})
}

// vaults are the commands of vault that are not about the engine's paths, as the pages
// use them. That Vault has them is left to whoever adds one.
var vaults = []string{
	"vault lease revoke", "vault operator raft snapshot restore", "vault operator step-down", "vault path-help", "vault plugin deregister",
	"vault plugin register", "vault plugin reload", "vault secrets disable", "vault secrets enable", "vault secrets move", "vault secrets tune",
	"vault token create", "vault token revoke", "vault policy write",
}

// programs are the other programs that the pages use: their arguments are not checked.
var programs = []string{"cat", "cd", "curl", "docker", "export", "install", "openssl", "sha256sum", "skopeo", "source", "unset", "unzip", "./bootstrap.sh", "node", "npm", "python3", "pip"}

// checkCommand says what is wrong with a command; empty if nothing is.
func checkCommand(t *testing.T, api *served, command string) string {
	at := shellWords(command)
	for len(at) > 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(at[0]) {
		at = at[1:]
	}
	if len(at) == 0 {
		return "" // a variable
	}
	switch {
	case at[0] == "make":
		targets := read(t, "../Makefile")
		for _, target := range at[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(targets, "\n"+target+":") {
				return "the Makefile has no target " + target
			}
		}
		return ""
	case at[0] == "go" && len(at) > 1 && at[1] == "test":
		for i, word := range at {
			if word == "-run" {
				test, _, _ := strings.Cut(strings.Trim(at[i+1], "'^$"), "/")
				if out, _ := exec.Command("grep", "-rlE", "func "+test, "--include=*_test.go", "..").Output(); len(out) == 0 {
					return "there is no test " + test
				}
			}
			if strings.HasPrefix(word, "./") && !strings.Contains(word, "<") && !strings.Contains(word, "NAME") && !strings.HasSuffix(word, "...") {
				if _, err := os.Stat("../" + word); err != nil {
					return err.Error()
				}
			}
		}
		return ""
	case at[0] == "vault" && len(at) > 2 && methods[at[1]] != "":
		var path string
		var fields []string
		for _, word := range at[2:] {
			if word == "|" || word == ">" {
				break
			}
			name, _, isField := strings.Cut(word, "=")
			switch {
			case strings.HasPrefix(word, "-"):
			case isField:
				fields = append(fields, name)
			case path == "":
				path = word
			}
		}
		below, ours := strings.CutPrefix(strings.Trim(path, `"`), "exchange/")
		if !ours {
			return ""
		}
		return api.check(at[1], below, fields)
	case slices.ContainsFunc(vaults, func(known string) bool { return strings.HasPrefix(strings.Join(at, " ")+" ", known+" ") }):
		return ""
	case slices.Contains(programs, at[0]):
		return ""
	case strings.HasPrefix(at[0], "scripts/") || strings.HasPrefix(at[0], "docs/"):
		_, err := os.Stat("../" + at[0])
		if err != nil {
			return err.Error()
		}
		return ""
	}
	return "nobody knows what this does; see programs in the test"
}

// TestCommands reads every command in the pages: what it names must be there.
func TestCommands(t *testing.T) {
	api := &served{}
	require.NoError(t, json.Unmarshal([]byte(read(t, "../docs/openapi.json")), api))
	checked := 0
	for _, page := range pages(t) {
		for _, block := range blocks(t, page) {
			for _, command := range block.commands {
				assert.Empty(t, checkCommand(t, api, command.text), "%s: %s", page, command.text)
				checked++
			}
		}
	}
	require.Greater(t, checked, 150)

	for command, wrong := range map[string]string{
		"make cofee":                              "no target cofee",
		"vault read exchange/cred/x":              "the engine has no read",
		"vault delete exchange/creds/x":           "the engine has no delete",
		"vault write exchange/creds/x scope=read": "takes no field scope",
		"go test -run TestNothingAtAll ./backend": "no test TestNothingAtAll",
		"go test ./backen":                        "no such file",
		"scripts/nothing.sh":                      "no such file",
		"vault seal":                              "nobody knows",
		"vault list exchange/keys | sponge":       "",
		`vault write exchange/roles/x sub_accounts="$(vault read -field=x y | jq -r 'join(",")')" ttl=1h`: "",
	} {
		if said := checkCommand(t, api, command); wrong == "" {
			assert.Empty(t, said, command)
		} else {
			assert.Contains(t, said, wrong, command)
		}
	}
}

// runPages are the pages whose commands are run in a demonstration, block by block.
var runPages = []string{"../README.md", "../docs/quick-start.md", "../docs/guide.md", "../docs/clients.md", "../docs/troubleshooting.md"}

// followPages runs the commands of these pages with the settings of a demonstration.
func followPages(t *testing.T, env string) {
	ran := 0
	for _, page := range runPages {
		for _, block := range blocks(t, page) {
			if block.notRun != "" {
				continue
			}
			// What a block sets is known in the rest of it.
			script := "source " + env + "; set -euo pipefail\n"
			for _, command := range block.commands {
				if strings.HasPrefix(command.text, "source ") {
					continue
				}
				out, err := exec.CommandContext(t.Context(), "bash", "-c", script+command.text).CombinedOutput()
				if ran++; command.refused {
					assert.Error(t, err, "%s: %s\n%s", page, command.text, out)
				} else {
					assert.NoError(t, err, "%s: %s\n%s", page, command.text, out)
				}
				if strings.HasPrefix(command.text, "export ") {
					script += command.text + "\n"
				}
			}
		}
	}
	require.Greater(t, ran, 30)
}
