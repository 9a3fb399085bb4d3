package rest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestFormHoldsNoValue(t *testing.T) {
	for body, form := range map[string]string{
		`{"b":"secret","a":[1,2],"c":{"d":null,"e":true}}`:         "200 {a:[number],b:text,c:{d:null,e:bool}}",
		`["ab**cd","ab...cd","…cd","10.**.1","wait..."," a * b "]`: "200 [masked with *|masked with ...|masked with …|text]",
		`[]`:                                     "200 []",
		`null`:                                   "200 null",
		`[{"a":1},{"a":1},{"a":"x"},"y"]`:        "200 [text|{a:number}|{a:text}]",
		`{"53888000":1,"53888001":1,"USDT 5":1}`: "200 {*:number}",
		`{"a1b2c3d4e5f6":1,"k2":1}`:              "200 {*:number,k2:number}",
		`{"` + strings.Repeat("a", 33) + `":1}`:  "200 {*:number}",
		`<html>secret</html>`:                    "200 not JSON",
		``:                                       "200 empty",
		`"secret"`:                               "200 text",
	} {
		assert.Equal(t, form, Answer{Status: 200, Body: []byte(body)}.form(), body)
	}
}

func TestFormIsBounded(t *testing.T) {
	body := strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000)
	form := Answer{Status: 500, Body: []byte(body)}.form()
	assert.Less(t, len(form), maxForm+10)
	assert.True(t, strings.HasSuffix(form, "..."))
}

// TestAWitnessIsToldOfEachAnswer: a refusal as well, but not one for
// which the call is repeated, nor a call without an answer.
func TestAWitnessIsToldOfEachAnswer(t *testing.T) {
	client := newStubClient(t, &stub{answers: []reply{
		ok(`{"a":"secret"}`), {status: 429, body: `{"wait":1}`}, {status: 400, body: `{"code":1}`}, {broken: errors.New("broken")},
	}})
	var told []string
	ctx := exchanges.WithWitness(t.Context(), func(operation exchanges.Operation, form string) {
		told = append(told, string(operation)+" "+form)
	})
	for range 3 {
		_ = client.Do(ctx, Call{Operation: exchanges.OpCreateKey, Method: http.MethodPost, Path: "/"}, nil)
	}
	assert.Equal(t, []string{"create_key 200 {a:text}", "create_key 400 {code:number}"}, told)
}
