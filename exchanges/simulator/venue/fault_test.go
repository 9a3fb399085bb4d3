package venue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestFaultsTake(t *testing.T) {
	taken := func(fs *faults, known ...exchanges.Operation) []FaultKind {
		var kinds []FaultKind
		for _, operation := range known {
			kinds = append(kinds, fs.take(operation).Kind)
		}
		return kinds
	}
	tests := []struct {
		name   string
		faults faults
		asked  []exchanges.Operation
		want   []FaultKind
	}{
		{
			"nothing injected", nil,
			[]exchanges.Operation{exchanges.OpCreateKey}, []FaultKind{""},
		},
		{
			"a count runs out",
			faults{{Operation: exchanges.OpCreateKey, Kind: Error5xx, Count: 2}},
			[]exchanges.Operation{exchanges.OpCreateKey, exchanges.OpListKeys, exchanges.OpCreateKey, exchanges.OpCreateKey}, []FaultKind{Error5xx, "", Error5xx, ""},
		},
		{
			"no count never runs out",
			faults{{Operation: exchanges.OpAny, Kind: Outage}},
			[]exchanges.Operation{exchanges.OpCreateKey, OpOther, exchanges.OpServerTime}, []FaultKind{Outage, Outage, Outage},
		},
		{
			"the last injected wins, and only it is used up",
			faults{{Operation: exchanges.OpAny, Kind: Slow, Count: 1}, {Operation: exchanges.OpCreateKey, Kind: RateLimit, Count: 1}},
			[]exchanges.Operation{exchanges.OpCreateKey, exchanges.OpCreateKey, exchanges.OpCreateKey}, []FaultKind{RateLimit, Slow, ""},
		},
		{
			"a lie about deletions waits for a deletion",
			faults{{Operation: exchanges.OpAny, Kind: DeleteLies, Count: 1}},
			[]exchanges.Operation{exchanges.OpListKeys, exchanges.OpDeleteKey, exchanges.OpDeleteKey}, []FaultKind{"", DeleteLies, ""},
		},
		{
			"a wrong grant waits for a grant",
			faults{{Operation: exchanges.OpAny, Kind: GrantMore, Count: 2}},
			[]exchanges.Operation{exchanges.OpListKeys, exchanges.OpCreateKey, exchanges.OpEditKey, exchanges.OpCreateKey}, []FaultKind{"", GrantMore, GrantMore, ""},
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
	want := Fault{Exchange: "bybit", Operation: exchanges.OpCreateKey, Kind: Slow, Count: 3, Delay: 90 * time.Second}
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
		{"every operation", Fault{Operation: exchanges.OpAny, Kind: Outage}, ""},
		{"slow", Fault{Operation: exchanges.OpUseKey, Kind: Slow, Delay: time.Second}, ""},
		{"clock behind", Fault{Operation: exchanges.OpAny, Kind: ClockSkew, Delay: -time.Minute}, ""},
		{"unknown operation", Fault{Operation: "mint", Kind: Outage}, `"create_key"`},
		{"no operation", Fault{Kind: Outage}, `"create_key"`},
		{"unclassified routes", Fault{Operation: OpOther, Kind: Outage}, "unknown"},
		{"unknown fault", Fault{Operation: exchanges.OpCreateKey, Kind: "explode"}, `"drop_after_commit"`},
		{"lie about a list", Fault{Operation: exchanges.OpListKeys, Kind: DeleteLies}, "cannot act"},
		{"grant to a deletion", Fault{Operation: exchanges.OpDeleteKey, Kind: GrantMore}, "cannot act"},
		{"negative count", Fault{Operation: exchanges.OpCreateKey, Kind: Outage, Count: -1}, "count"},
		{"slow without delay", Fault{Operation: exchanges.OpCreateKey, Kind: Slow}, "positive delay"},
		{"slow into the past", Fault{Operation: exchanges.OpCreateKey, Kind: Slow, Delay: -1}, "positive delay"},
		{"slow start", Fault{Operation: exchanges.OpCreateKey, Kind: SlowStart, Delay: time.Minute}, ""},
		{"slow start at once", Fault{Operation: exchanges.OpCreateKey, Kind: SlowStart}, "positive delay"},
		{"slow start of a list", Fault{Operation: exchanges.OpListKeys, Kind: SlowStart, Delay: time.Minute}, "cannot act"},
		{"skew by nothing", Fault{Operation: exchanges.OpAny, Kind: ClockSkew}, "delay"},
		{"delay without use", Fault{Operation: exchanges.OpCreateKey, Kind: Outage, Delay: 1}, "no delay"},
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
