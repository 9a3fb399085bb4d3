package simulator

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFaultsTake(t *testing.T) {
	taken := func(fs *faults, operations ...Operation) []FaultKind {
		var kinds []FaultKind
		for _, operation := range operations {
			kinds = append(kinds, fs.take(operation).Kind)
		}
		return kinds
	}
	tests := []struct {
		name   string
		faults faults
		asked  []Operation
		want   []FaultKind
	}{
		{
			"nothing injected", nil,
			[]Operation{CreateKey}, []FaultKind{""},
		},
		{
			"a count runs out",
			faults{{Operation: CreateKey, Kind: Error5xx, Count: 2}},
			[]Operation{CreateKey, ListKeys, CreateKey, CreateKey}, []FaultKind{Error5xx, "", Error5xx, ""},
		},
		{
			"no count never runs out",
			faults{{Operation: AnyOperation, Kind: Outage}},
			[]Operation{CreateKey, otherOperation, ServerTime}, []FaultKind{Outage, Outage, Outage},
		},
		{
			"the last injected wins, and alone is used up",
			faults{{Operation: AnyOperation, Kind: Slow, Count: 1}, {Operation: CreateKey, Kind: RateLimit, Count: 1}},
			[]Operation{CreateKey, CreateKey, CreateKey}, []FaultKind{RateLimit, Slow, ""},
		},
		{
			"a lie about deletions waits for a deletion",
			faults{{Operation: AnyOperation, Kind: DeleteLies, Count: 1}},
			[]Operation{ListKeys, DeleteKey, DeleteKey}, []FaultKind{"", DeleteLies, ""},
		},
		{
			"a wrong grant waits for a grant",
			faults{{Operation: AnyOperation, Kind: GrantMore, Count: 2}},
			[]Operation{ListKeys, CreateKey, EditKey, CreateKey}, []FaultKind{"", GrantMore, GrantMore, ""},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, taken(&test.faults, test.asked...))
		})
	}
}

func TestFaultJSON(t *testing.T) {
	var fault Fault
	require.NoError(t, json.Unmarshal([]byte(`{"exchange":"bybit","operation":"create_key","fault":"slow","count":3,"delay":"1m30s"}`), &fault))
	want := Fault{Exchange: "bybit", Operation: CreateKey, Kind: Slow, Count: 3, Delay: 90 * time.Second}
	require.Equal(t, want, fault)

	encoded, err := json.Marshal(want)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &fault))
	require.Equal(t, want, fault)
}

func TestFaultValidate(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		want  string // part of the error; empty: valid
	}{
		{"every operation", Fault{Operation: AnyOperation, Kind: Outage}, ""},
		{"slow", Fault{Operation: UseKey, Kind: Slow, Delay: time.Second}, ""},
		{"clock behind", Fault{Operation: AnyOperation, Kind: ClockSkew, Delay: -time.Minute}, ""},
		{"unknown operation", Fault{Operation: "mint", Kind: Outage}, `"create_key"`},
		{"no operation", Fault{Kind: Outage}, `"create_key"`},
		{"unclassified routes", Fault{Operation: otherOperation, Kind: Outage}, "unknown"},
		{"unknown fault", Fault{Operation: CreateKey, Kind: "explode"}, `"drop_after_commit"`},
		{"lie about a list", Fault{Operation: ListKeys, Kind: DeleteLies}, "cannot act"},
		{"grant to a deletion", Fault{Operation: DeleteKey, Kind: GrantMore}, "cannot act"},
		{"negative count", Fault{Operation: CreateKey, Kind: Outage, Count: -1}, "count"},
		{"slow without delay", Fault{Operation: CreateKey, Kind: Slow}, "positive delay"},
		{"slow into the past", Fault{Operation: CreateKey, Kind: Slow, Delay: -1}, "positive delay"},
		{"slow start", Fault{Operation: CreateKey, Kind: SlowStart, Delay: time.Minute}, ""},
		{"slow start at once", Fault{Operation: CreateKey, Kind: SlowStart}, "positive delay"},
		{"slow start of a list", Fault{Operation: ListKeys, Kind: SlowStart, Delay: time.Minute}, "cannot act"},
		{"skew by nothing", Fault{Operation: AnyOperation, Kind: ClockSkew}, "delay"},
		{"delay without use", Fault{Operation: CreateKey, Kind: Outage, Delay: 1}, "no delay"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.fault.validate(append(faultKinds(), SlowStart))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}
