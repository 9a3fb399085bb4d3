package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const printed = `goos: linux
BenchmarkScale/keys=1000/refused_mint-2         	   10000	    447711 ns/op	   10688 B/op	     143 allocs/op
BenchmarkScale/keys=1000/keys,_all_of_them-2    	      12	  38389110 ns/op	 2258890 B/op	   12085 allocs/op
BenchmarkScale/keys=1000/mint_beside_others-2   	      12	  38389110 ns/op	 2258890 B/op	   12085 allocs/op
BenchmarkScale/keys=100000/refused_mint-2       	    1234	    377909 ns/op	   10689 B/op	     144 allocs/op
BenchmarkScale/keys=100000/keys,_all_of_them    	       1	4457294767 ns/op	293527280 B/op	 1201137 allocs/op
PASS
`

func TestPictures(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cost")
	if err := run(strings.NewReader(printed), name, "allocs/op"); err != nil {
		t.Fatal(err)
	}
	drawn := map[string]string{}
	for _, theme := range []string{"light", "dark"} {
		svg, err := os.ReadFile(name + "-" + theme + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"refused mint", "keys, all of them", "keys in the ledger", "100000"} {
			if !strings.Contains(string(svg), text) {
				t.Errorf("the %s picture does not say %q", theme, text)
			}
		}
		if strings.Contains(string(svg), "beside") {
			t.Error("what includes the cost of others is drawn")
		}
		drawn[theme] = string(svg)
	}
	if drawn["light"] == drawn["dark"] {
		t.Error("both pictures are the same")
	}
}

func TestCosts(t *testing.T) {
	costs, err := read(strings.NewReader(printed), "ns/op")
	if err != nil || len(costs) != 2 || costs["refused mint"][1].Y != 377909 {
		t.Fatal(costs, err)
	}
	for _, text := range []string{"", "PASS\n", "BenchmarkScale/keys=1000/refused_mint-2 1 5 ns/op\n"} {
		if _, err := read(strings.NewReader(text), "allocs/op"); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
