package simulator

import (
	"net/http"
	"slices"
)

const whitebitPage = 100

// window reads the part of a list that is asked for.
func (w *whitebit) window(p *params, fallback int64) (limit, offset int) {
	l, o := p.integer("limit", fallback), p.integer("offset", 0)
	p.check("limit", l >= 1 && l <= whitebitPage)
	p.check("offset", o >= 0 && o <= 10000)
	return int(l), int(o)
}

// part cuts the window out of a list.
func (w *whitebit) part(rows []any, limit, offset int) *answer {
	offset = min(offset, len(rows))
	return w.ok(http.StatusOK, map[string]any{
		"limit": limit, "offset": offset, "data": append([]any{}, rows[offset:min(offset+limit, len(rows))]...),
	})
}

func (w *whitebit) describeSubAccount(sub *account) map[string]any {
	status := "active"
	if sub.frozen {
		status = whitebitBlocked
	}
	return map[string]any{
		"id": sub.id, "alias": sub.name, "userId": "u-" + sub.id[:8], "email": "s***@example.com", "status": status, "color": "#FF5733",
		"kyc":         map[string]any{"shareKyc": true, "kycStatus": "verified"},
		"permissions": map[string]any{"spotEnabled": true, "collateralEnabled": true},
	}
}

// listSubAccounts answers /sub-account/list.
func (w *whitebit) listSubAccounts(c *call) *answer {
	p := w.parameters(c)
	p.text("search")
	limit, offset := w.window(p, 30)
	if why := p.strictComplaint(); why != nil {
		return w.badParameter(why)
	}
	var rows []any
	for _, sub := range c.books.subAccounts(c.key.account) {
		rows = append(rows, w.describeSubAccount(sub))
	}
	return w.part(rows, limit, offset)
}

// createSubAccount answers /sub-account/create.
func (w *whitebit) createSubAccount(c *call) *answer {
	p := w.parameters(c)
	p.require("alias", "permissions")
	alias, shareKYC := p.text("alias"), p.flag("shareKyc", false)
	p.text("email")
	if !shareKYC {
		p.require("email")
	}
	var enabled struct {
		Spot       *bool `json:"spotEnabled"`
		Collateral *bool `json:"collateralEnabled"`
	}
	p.value("permissions", &enabled)
	p.check("permissions", enabled.Spot != nil && enabled.Collateral != nil)
	if why := p.strictComplaint(); why != nil {
		return w.badParameter(why)
	}
	if slices.ContainsFunc(c.books.accounts, func(a *account) bool { return a.name == alias }) {
		return w.refuse(http.StatusBadRequest, 5, "Alias already exists.")
	}
	sub := w.addSubAccount(c.books, c.now, c.key.account)
	sub.name = alias
	return w.ok(http.StatusCreated, w.describeSubAccount(sub))
}

// block answers /sub-account/block and /sub-account/unblock.
func (w *whitebit) block(blocked bool) func(*call) *answer {
	return func(c *call) *answer {
		p := w.parameters(c)
		p.require("id")
		sub := w.subAccount(c, p, "id")
		if why := p.strictComplaint(); why != nil {
			return w.badParameter(why)
		}
		sub.frozen = blocked
		return w.ok(http.StatusOK, map[string]any{})
	}
}

// subAccount finds the sub-account that a parameter names; what WhiteBIT says
// of one that is not there is not documented.
func (w *whitebit) subAccount(c *call, p *params, name string) *account {
	sub := c.books.account(p.text(name))
	p.check(name, sub != nil && sub.parent == c.key.account)
	return sub
}

// balances answers /trade-account/balance.
func (w *whitebit) balances(c *call) *answer {
	p := w.parameters(c)
	ticker := p.text("ticker")
	if why := p.strictComplaint(); why != nil {
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
func (w *whitebit) order(c *call) *answer {
	p := w.parameters(c)
	p.require("market", "side", "amount", "price")
	p.text("market")
	side := p.text("side")
	p.check("side", side == "buy" || side == "sell")
	p.text("amount")
	p.text("price")
	if why := p.strictComplaint(); why != nil {
		return w.badParameter(why)
	}
	return w.ok(http.StatusOK, map[string]string{"orderId": randomNumber(10), "status": "NEW"})
}

// done answers calls of which only the parameters matter here.
func (w *whitebit) done(required ...string) func(*call) *answer {
	return func(c *call) *answer {
		p := w.parameters(c)
		p.require(required...)
		if why := p.complaint(); why != nil {
			return w.badParameter(why)
		}
		return w.ok(http.StatusCreated, []any{})
	}
}

// webSocketToken answers /profile/websocket_token.
func (w *whitebit) webSocketToken(*call) *answer {
	return w.ok(http.StatusOK, map[string]string{"websocket_token": randomText(32, alphanumeric)})
}
