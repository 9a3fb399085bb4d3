package whitebit

import (
	"net/http"
	"slices"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const page = 100

// window reads which part of a list the caller asks for.
func (e *exchange) window(p *venue.Params, fallback int64) (limit, offset int) {
	l, o := p.Integer("limit", fallback), p.Integer("offset", 0)
	p.Check("limit", l >= 1 && l <= page)
	p.Check("offset", o >= 0 && o <= 10000)
	return int(l), int(o)
}

// part cuts the window out of a list.
func (e *exchange) part(rows []any, limit, offset int) *venue.Answer {
	offset = min(offset, len(rows))
	return e.ok(http.StatusOK, map[string]any{
		"limit": limit, "offset": offset, "data": append([]any{}, rows[offset:min(offset+limit, len(rows))]...),
	})
}

func (e *exchange) describeSubAccount(sub *venue.Account) map[string]any {
	status := "active"
	if sub.Frozen {
		status = blocked
	}
	return map[string]any{
		"id": sub.ID, "alias": sub.Name, "userId": "u-" + sub.ID[:8], "email": "s***@example.com", "status": status, "color": "#FF5733",
		"kyc":         map[string]any{"shareKyc": true, "kycStatus": "verified"},
		"permissions": map[string]any{"spotEnabled": true, "collateralEnabled": true},
	}
}

// listSubAccounts answers /sub-account/list.
func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Text("search")
	limit, offset := e.window(p, 30)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	var rows []any
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		rows = append(rows, e.describeSubAccount(sub))
	}
	return e.part(rows, limit, offset)
}

// createSubAccount answers /sub-account/create.
func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("alias", "permissions")
	alias, shareKYC := p.Text("alias"), p.Flag("shareKyc", false)
	p.Text("email")
	if !shareKYC {
		p.Require("email")
	}
	var enabled struct {
		Spot       *bool `json:"spotEnabled"`
		Collateral *bool `json:"collateralEnabled"`
	}
	p.Value("permissions", &enabled)
	p.Check("permissions", enabled.Spot != nil && enabled.Collateral != nil)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	if slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == alias }) {
		return e.refuse(http.StatusBadRequest, 5, "Alias already exists.")
	}
	sub := e.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name = alias
	return e.ok(http.StatusCreated, e.describeSubAccount(sub))
}

// block answers /sub-account/block and /sub-account/unblock.
func (e *exchange) block(blocked bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := e.parameters(c)
		p.Require("id")
		sub := e.subAccount(c, p, "id")
		if why := p.StrictComplaint(); why != nil {
			return e.badParameter(why)
		}
		sub.Frozen = blocked
		return e.ok(http.StatusOK, map[string]any{})
	}
}

// subAccount finds the sub-account that a parameter names. How WhiteBIT refuses
// one that does not exist is not documented.
func (e *exchange) subAccount(c *venue.Call, p *venue.Params, name string) *venue.Account {
	sub := c.Books.Account(p.Text(name))
	p.Check(name, sub != nil && sub.Parent == c.Key.Account)
	return sub
}

// balances answers /trade-account/balance.
func (e *exchange) balances(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	ticker := p.Text("ticker")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	balance := map[string]string{"available": "1000", "freeze": "0"}
	if ticker != "" {
		return e.ok(http.StatusOK, balance)
	}
	return e.ok(http.StatusOK, map[string]any{"USDT": balance})
}

// done answers calls whose parameters are all that matters here.
func (e *exchange) done(required ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := e.parameters(c)
		p.Require(required...)
		if why := p.Complaint(); why != nil {
			return e.badParameter(why)
		}
		return e.ok(http.StatusCreated, []any{})
	}
}

// webSocketToken answers /profile/websocket_token.
func (e *exchange) webSocketToken(*venue.Call) *venue.Answer {
	return e.ok(http.StatusOK, map[string]string{"websocket_token": venue.RandomText(32, venue.Alphanumeric)})
}
