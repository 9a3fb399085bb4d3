package backend

import (
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// Whatever is read prints as a table, and so does each list with its details: there
// is nothing nested in either.
func TestExchangesAreToldFlat(t *testing.T) {
	d := newDesk(t)
	flat := func(path string, shown map[string]any) {
		t.Helper()
		for field, value := range shown {
			switch value.(type) {
			case string, bool, int, int64, []string:
			default:
				require.Fail(t, "nested", "%s: %s is a %T", path, field, value)
			}
		}
	}
	details := func(path string) map[string]any {
		t.Helper()
		listed := d.must(logical.ListOperation, path, nil).Data
		info, _ := listed["key_info"].(map[string]any)
		require.Len(t, info, len(listed["keys"].([]string)), path)
		for name, about := range info {
			flat(path+"/"+name, about.(map[string]any))
		}
		return info
	}
	names := d.must(logical.ListOperation, "exchanges/", nil).Data["keys"].([]string)
	require.Len(t, names, len(catalog.All()))
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		path := "exchanges/" + about.Name
		shown := d.read(path)
		flat(path, shown)
		for listed, n := range map[string]int{"environments": len(about.Environments), "credentials": len(about.Credentials), "variants": len(about.Variants)} {
			require.ElementsMatch(t, shown[listed], d.must(logical.ListOperation, path+"/"+listed, nil).Data["keys"], "%s/%s", path, listed)
			require.Len(t, details(path+"/"+listed), n, "%s/%s", path, listed)
		}
		for i, variant := range about.Variants {
			path := fmt.Sprintf("%s/variants/%s", path, shown["variants"].([]string)[i])
			shown := d.read(path)
			flat(path, shown)
			require.Equal(t, variant.Name, shown["variant"], path)
			require.Equal(t, variant.Offered().Strings(), shown["scopes"], path)
			require.Len(t, details(path+"/permissions/"), len(variant.Permissions), path)
		}
	}
}

func TestExchangesTellWhatTheyCanDo(t *testing.T) {
	d := newDesk(t)
	require.Equal(t, []string{"default"}, d.read("exchanges/bybit")["variants"])
	require.Equal(t, []string{"master", "link"}, d.read("exchanges/binance")["variants"], "the default first")
	require.Equal(t, []string{"trade:spot,trade:margin,trade:futures,trade:options,transfer"}, d.read("exchanges/okx/variants/default")["inseparable"])

	info := func(path string) map[string]any {
		return d.must(logical.ListOperation, path, nil).Data["key_info"].(map[string]any)
	}
	require.Equal(t, map[string]any{
		"base_url": "https://api.bybit.com", "key_base_url": "https://api-demo.bybit.com",
		"hosts": []string{}, "streams": []string{"private wss://stream-demo.bybit.com/v5/private"},
		"note": "keys of a demo account are minted with the production master key and used at the demo host",
	}, info("exchanges/bybit/environments")["demo"])
	require.Equal(t, []string{"api_key", "private_key"}, info("exchanges/bybit/credentials")["rsa"].(map[string]any)["fields"])
	require.Equal(t, int64(300), info("exchanges/gate/variants")["default"].(map[string]any)["revocation_delay"])
	earn := info("exchanges/bybit/variants/default/permissions")["Earn.Earn"].(map[string]any)
	require.Equal(t, "critical", earn["risk"])
	require.Contains(t, earn["granted"], "native_permissions")

	require.Equal(t, []string{"link"}, d.must(logical.ListOperation, "exchanges/binance/variants", map[string]any{"limit": 1}).Data["keys"])
	for _, path := range []string{"exchanges/mtgox", "exchanges/mtgox/variants/default"} {
		d.refused(logical.ReadOperation, path, nil, "mtgox", "bybit")
	}
	d.refused(logical.ListOperation, "exchanges/mtgox/environments", nil, "mtgox", "bybit")
	d.refused(logical.ReadOperation, "exchanges/binance/variants/default", nil, "variant", "default", "master", "link")
	d.refused(logical.ListOperation, "exchanges/binance/variants/broker/permissions", nil, "variant", "broker", "master")
}
