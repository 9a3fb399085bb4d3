package htx

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// uidOf is a user's number as answers write it.
func uidOf(user *venue.Account) int64 {
	uid, err := strconv.ParseInt(user.ID, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	return uid
}

// parentOnly permits keys of parent users.
func (e *exchange) parentOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return e.refuse(c, 403, "only the parent user may do this")
	}
	return nil
}

// mayManage permits a parent user's key that can trade.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if refusal := e.parentOnly(c); refusal != nil {
		return refusal
	}
	if !c.Key.Has(trade) {
		return e.refuse(c, unauthorized, "unauthorized")
	}
	return nil
}

// subUser finds the sub-user that a request names.
func (e *exchange) subUser(c *venue.Call, uid int64) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(strconv.FormatInt(uid, 10))
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.badParameter(c, &venue.Complaint{Param: "subUid", Reason: venue.BadValue})
	}
	return sub, nil
}

// uid answers GET /v2/user/uid for the calling key's user.
func (e *exchange) uid(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, number(c, uidOf(c.Key.Account)))
}

// subUserPage is the number of sub-users on a page.
const subUserPage = 100

// listSubUsers answers GET /v2/sub-user/user-list. Numbers are drawn at random,
// so pages go by the order in which the sub-users were created.
func (e *exchange) listSubUsers(c *venue.Call) *venue.Answer {
	p := e.params(c)
	from := p.Integer("fromId", 0)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		uid := uidOf(sub)
		if from != 0 && from != uid {
			continue
		}
		from = 0
		if len(rows) == subUserPage {
			return e.ok(c, rows, "nextId", number(c, uid))
		}
		row := map[string]any{"uid": number(c, uid), "userState": state(sub), "subUserName": sub.Name, "note": sub.Remark}
		if c.Weather(answerForm) == older {
			delete(row, "subUserName")
			delete(row, "note")
		}
		rows = append(rows, row)
	}
	if from != 0 {
		return e.badParameter(c, &venue.Complaint{Param: "fromId", Reason: venue.BadValue})
	}
	return e.ok(c, rows)
}

func state(sub *venue.Account) string {
	if sub.Frozen {
		return "lock"
	}
	return "normal"
}

// lock answers POST /v2/sub-user/management.
func (e *exchange) lock(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subUid", "action")
	uid, action := p.Integer("subUid", 0), p.Text("action")
	p.Check("action", action == "lock" || action == "unlock")
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subUser(c, uid)
	switch {
	case refusal != nil:
		return refusal
	case sub.Frozen == (action == "lock"):
		return e.refuse(c, lockConflict, "the sub user is in that state already")
	}
	sub.Frozen = !sub.Frozen
	return e.ok(c, map[string]any{"subUid": uid, "userState": state(sub)})
}
