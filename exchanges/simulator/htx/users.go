package htx

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// htxUID is a user's number as answers write it.
func htxUID(user *venue.Account) int64 {
	uid, err := strconv.ParseInt(user.ID, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	return uid
}

// parentOnly permits keys of parent users.
func (h *htx) parentOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return h.refuse(c, 403, "only the parent user may do this")
	}
	return nil
}

// mayManage permits a parent user's key that can trade.
func (h *htx) mayManage(c *venue.Call) *venue.Answer {
	if refusal := h.parentOnly(c); refusal != nil {
		return refusal
	}
	if !c.Key.Has(htxTrade) {
		return h.refuse(c, htxUnauthorized, "unauthorized")
	}
	return nil
}

// subUser finds the sub-user that a request names.
func (h *htx) subUser(c *venue.Call, uid int64) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(strconv.FormatInt(uid, 10))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, h.badParameter(c, &venue.Complaint{Param: "subUid", Reason: venue.BadValue})
	}
	return sub, nil
}

// uid answers GET /v2/user/uid for the calling key's user.
func (h *htx) uid(c *venue.Call) *venue.Answer {
	if why := h.params(c).StrictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	return h.ok(c, htxUID(c.Key.Account))
}

// htxSubUserPage is how many sub-users are on a page.
const htxSubUserPage = 100

// listSubUsers answers GET /v2/sub-user/user-list. Numbers are drawn at random,
// so pages go by the order in which the sub-users were made.
func (h *htx) listSubUsers(c *venue.Call) *venue.Answer {
	p := h.params(c)
	from := p.Integer("fromId", 0)
	if why := p.StrictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		uid := htxUID(sub)
		if from != 0 && from != uid {
			continue
		}
		from = 0
		if len(rows) == htxSubUserPage {
			return h.ok(c, rows, "nextId", uid)
		}
		rows = append(rows, map[string]any{"uid": uid, "userState": htxState(sub), "subUserName": sub.Name, "note": sub.Remark})
	}
	if from != 0 {
		return h.badParameter(c, &venue.Complaint{Param: "fromId", Reason: venue.BadValue})
	}
	return h.ok(c, rows)
}

func htxState(sub *venue.Account) string {
	if sub.Frozen {
		return "lock"
	}
	return "normal"
}

// lock answers POST /v2/sub-user/management.
func (h *htx) lock(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subUid", "action")
	uid, action := p.Integer("subUid", 0), p.Text("action")
	p.Check("action", action == "lock" || action == "unlock")
	if why := p.Complaint(); why != nil {
		return h.badParameter(c, why)
	}
	sub, refusal := h.subUser(c, uid)
	switch {
	case refusal != nil:
		return refusal
	case sub.Frozen == (action == "lock"):
		return h.refuse(c, htxLockConflict, "the sub user is in that state already")
	}
	sub.Frozen = !sub.Frozen
	return h.ok(c, map[string]any{"subUid": uid, "userState": htxState(sub)})
}
