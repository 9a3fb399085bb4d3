package examples

import (
	"fmt"
	"strings"
)

// action is the part of an action of GitHub that says what it can be given.
type action struct {
	Inputs map[string]struct{ Required bool }
}

// checkWorkflow says what GitHub would not take of a workflow, or the actions in it of
// what they are given. Others than those in actions, by name, may be given nothing.
func checkWorkflow(schema any, actions map[string]action, workflow map[string]any) error {
	if err := check(schema, workflow); err != nil {
		return err
	}
	for name, job := range workflow["jobs"].(map[string]any) {
		for i, step := range job.(map[string]any)["steps"].([]any) {
			fields := step.(map[string]any)
			uses, _ := fields["uses"].(string)
			with, _ := fields["with"].(map[string]any)
			used, commit, pinned := strings.Cut(uses, "@")
			if uses != "" && (!pinned || len(commit) != 40) {
				return fmt.Errorf("%s: step %d: %s: pin actions to commits, since a tag can be moved", name, i, uses)
			}
			for input := range with {
				if _, known := actions[used].Inputs[input]; !known {
					return fmt.Errorf("%s: step %d: %s has no input %s", name, i, used, input)
				}
			}
			for input, about := range actions[used].Inputs {
				if about.Required && with[input] == nil {
					return fmt.Errorf("%s: step %d: %s needs the input %s", name, i, used, input)
				}
			}
		}
	}
	return nil
}
