package whitebit

import (
	"net/http"
	"slices"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const whitebitPage = 100

// window reads the part of a list that is asked for.
func (w *whitebit) window(p *venue.Params, fallback int64) (limit, offset int) {
	l, o := p.Integer("limit", fallback), p.Integer("offset", 0)
	p.Check("limit", l >= 1 && l <= whitebitPage)
	p.Check("offset", o >= 0 && o <= 10000)
	return int(l), int(o)
}

// part cuts the window out of a list.
func (w *whitebit) part(rows []any, limit, offset int) *venue.Answer {
	offset = min(offset, len(rows))
	return w.ok(http.StatusOK, map[string]any{
		"limit": limit, "offset": offset, "data": append([]any{}, rows[offset:min(offset+limit, len(rows))]...),
	})
}

func (w *whitebit) describeSubAccount(sub *venue.Account) map[string]any {
	status := "active"
	if sub.Frozen {
		status = whitebitBlocked
	}
	return map[string]any{
		"id": sub.ID, "alias": sub.Name, "userId": "u-" + sub.ID[:8], "email": "s***@example.com", "status": status, "color": "#FF5733",
		"kyc":         map[string]any{"shareKyc": true, "kycStatus": "verified"},
		"permissions": map[string]any{"spotEnabled": true, "collateralEnabled": true},
	}
}

// listSubAccounts answers /sub-account/list.
func (w *whitebit) listSubAccounts(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Text("search")
	limit, offset := w.window(p, 30)
	if why := p.StrictComplaint(); why != nil {
		return w.badParameter(why)
	}
	var rows []any
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		rows = append(rows, w.describeSubAccount(sub))
	}
	return w.part(rows, limit, offset)
}

// createSubAccount answers /sub-account/create.
func (w *whitebit) createSubAccount(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
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
		return w.badParameter(why)
	}
	if slices.ContainsFunc(c.Books.Accounts, func(a *venue.Account) bool { return a.Name == alias }) {
		return w.refuse(http.StatusBadRequest, 5, "Alias already exists.")
	}
	sub := w.AddSubAccount(c.Books, c.Now, c.Key.Account)
	sub.Name = alias
	return w.ok(http.StatusCreated, w.describeSubAccount(sub))
}

// block answers /sub-account/block and /sub-account/unblock.
func (w *whitebit) block(blocked bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := w.parameters(c)
		p.Require("id")
		sub := w.subAccount(c, p, "id")
		if why := p.StrictComplaint(); why != nil {
			return w.badParameter(why)
		}
		sub.Frozen = blocked
		return w.ok(http.StatusOK, map[string]any{})
	}
}

// subAccount finds the sub-account that a parameter names; what WhiteBIT says
// of one that is not there is not documented.
func (w *whitebit) subAccount(c *venue.Call, p *venue.Params, name string) *venue.Account {
	sub := c.Books.Account(p.Text(name))
	p.Check(name, sub != nil && sub.Parent == c.Key.Account)
	return sub
}

// balances answers /trade-account/balance.
func (w *whitebit) balances(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	ticker := p.Text("ticker")
	if why := p.StrictComplaint(); why != nil {
		return w.badParameter(why)
	}
	balance := map[string]string{"available": "1000", "freeze": "0"}
	if ticker != "" {
		return w.ok(http.StatusOK, balance)
	}
	return w.ok(http.StatusOK, map[string]any{"USDT": balance})
}

// order answers the calls that place a limit order. It accepts the order, and
// nothing ever fills it.
func (w *whitebit) order(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Require("market", "side", "amount", "price")
	p.Text("market")
	side := p.Text("side")
	p.Check("side", side == "buy" || side == "sell")
	p.Text("amount")
	p.Text("price")
	if why := p.StrictComplaint(); why != nil {
		return w.badParameter(why)
	}
	return w.ok(http.StatusOK, map[string]string{"orderId": venue.RandomNumber(10), "status": "NEW"})
}

// done answers calls of which only the parameters matter here.
func (w *whitebit) done(required ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := w.parameters(c)
		p.Require(required...)
		if why := p.Complaint(); why != nil {
			return w.badParameter(why)
		}
		return w.ok(http.StatusCreated, []any{})
	}
}

// webSocketToken answers /profile/websocket_token.
func (w *whitebit) webSocketToken(*venue.Call) *venue.Answer {
	return w.ok(http.StatusOK, map[string]string{"websocket_token": venue.RandomText(32, venue.Alphanumeric)})
}
