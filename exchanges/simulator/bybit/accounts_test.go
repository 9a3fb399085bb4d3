package bybit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestSubAccounts(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	type page struct {
		SubMembers []struct {
			UID, Username, Remark string
			Status                int
		}
		NextCursor string
	}
	uids := func(p page) []string {
		var found []string
		for _, member := range p.SubMembers {
			found = append(found, member.UID)
		}
		return found
	}

	var first, second, all page
	c.get("/v5/user/submembers", "pageSize=2").into(&first)
	require.Equal(t, c.SubAccounts[:2], uids(first))
	require.NotEqual(t, "0", first.NextCursor)
	c.get("/v5/user/submembers", "pageSize=2&nextCursor="+first.NextCursor).into(&second)
	require.Equal(t, c.SubAccounts[2:], uids(second))
	require.Equal(t, "0", second.NextCursor)
	c.get("/v5/user/query-sub-members", "").into(&all)
	require.Equal(t, c.SubAccounts, uids(all))
	for _, query := range []string{"pageSize=0", "pageSize=101", "pageSize=many", "nextCursor=-1", "page=2"} {
		require.Equal(t, 10001, c.get("/v5/user/submembers", query).RetCode, query)
	}
	require.Equal(t, 10001, c.get("/v5/user/query-sub-members", "limit=1").RetCode)

	var created struct{ UID, Username string }
	c.post("/v5/user/create-sub-member", `{"username":"vaultsub01","memberType":1,"note":"desk","isUta":true}`).into(&created)
	c.get("/v5/user/query-sub-members", "").into(&all)
	require.Equal(t, created.UID, all.SubMembers[3].UID)
	require.Equal(t, "desk", all.SubMembers[3].Remark)
	for _, body := range []string{
		`{"username":"vaultsub01","memberType":1}`, // taken
		`{"username":"vault","memberType":1}`,
		`{"username":"vaultsubs","memberType":1}`,
		`{"username":"vaultsub02"}`,
		`{"username":"vaultsub02","memberType":2}`,
		`{"username":"vaultsub02","memberType":1,"switch":2}`,
		`{"username":"vaultsub02","memberType":1,"password":"Short1"}`,
		`{"username":"vaultsub02","memberType":1,"password":"alllowercase1"}`,
	} {
		require.Equal(t, 10001, c.post("/v5/user/create-sub-member", body).RetCode, body)
	}

	minted := c.mint(created.UID, `"permissions":{"Spot":["SpotTrade"]}`)
	require.Equal(t, 0, c.post("/v5/user/frozen-sub-member", `{"subuid":`+created.UID+`,"frozen":1}`).RetCode)
	c.get("/v5/user/query-sub-members", "").into(&all)
	require.Equal(t, 4, all.SubMembers[3].Status)
	require.Equal(t, 141004, c.post("/v5/user/create-sub-api",
		`{"subuid":`+created.UID+`,"readOnly":0,"permissions":{"Spot":["SpotTrade"]}}`).RetCode)
	require.Equal(t, 10001, c.post("/v5/user/frozen-sub-member", `{"subuid":`+created.UID+`,"frozen":2}`).RetCode)
	require.Equal(t, 500010, c.post("/v5/user/frozen-sub-member", `{"subuid":1,"frozen":1}`).RetCode)

	require.Equal(t, 0, c.post("/v5/user/del-submember", `{"subMemberId":"`+created.UID+`"}`).RetCode)
	require.Equal(t, 500010, c.post("/v5/user/del-submember", `{"subMemberId":"`+created.UID+`"}`).RetCode)
	require.Equal(t, 10001, c.post("/v5/user/del-submember", `{}`).RetCode)
	require.Equal(t, 10003, venuetest.With(c, minted).get("/v5/user/query-api", "").RetCode, "its keys are deleted with it")
	require.Equal(t, 10001, c.post("/v5/user/create-sub-member", `{"username":"vaultsub01","memberType":1}`).RetCode,
		"a deleted name stays taken")
}
