package simulator

import "strconv"

// htxUID is a user's number as answers write it.
func htxUID(user *account) int64 {
	uid, err := strconv.ParseInt(user.id, 10, 64)
	if err != nil {
		panic(err) // ids are drawn as numbers
	}
	return uid
}

// parentOnly permits keys of parent users.
func (h *htx) parentOnly(c *call) *answer {
	if c.key.account.parent != nil {
		return h.refuse(c, 403, "only the parent user may do this")
	}
	return nil
}

// mayManage permits a parent user's key that can trade.
func (h *htx) mayManage(c *call) *answer {
	if refusal := h.parentOnly(c); refusal != nil {
		return refusal
	}
	if !c.key.has(htxTrade) {
		return h.refuse(c, htxUnauthorized, "unauthorized")
	}
	return nil
}

// subUser finds the sub-user that a request names.
func (h *htx) subUser(c *call, uid int64) (*account, *answer) {
	sub := c.books.account(strconv.FormatInt(uid, 10))
	if sub == nil || sub.parent != c.key.account {
		return nil, h.badParameter(c, &complaint{"subUid", badValue})
	}
	return sub, nil
}

// uid answers GET /v2/user/uid for the calling key's user.
func (h *htx) uid(c *call) *answer {
	if why := h.params(c).strictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	return h.ok(c, htxUID(c.key.account))
}

// htxSubUserPage is how many sub-users are on a page.
const htxSubUserPage = 100

// listSubUsers answers GET /v2/sub-user/user-list. Numbers are drawn at random,
// so pages go by the order in which the sub-users were made.
func (h *htx) listSubUsers(c *call) *answer {
	p := h.params(c)
	from := p.integer("fromId", 0)
	if why := p.strictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	rows := []any{}
	for _, sub := range c.books.subAccounts(c.key.account) {
		uid := htxUID(sub)
		if from != 0 && from != uid {
			continue
		}
		from = 0
		if len(rows) == htxSubUserPage {
			return h.ok(c, rows, "nextId", uid)
		}
		rows = append(rows, map[string]any{"uid": uid, "userState": htxState(sub), "subUserName": sub.name, "note": sub.remark})
	}
	if from != 0 {
		return h.badParameter(c, &complaint{"fromId", badValue})
	}
	return h.ok(c, rows)
}

func htxState(sub *account) string {
	if sub.frozen {
		return "lock"
	}
	return "normal"
}

// lock answers POST /v2/sub-user/management.
func (h *htx) lock(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subUid", "action")
	uid, action := p.integer("subUid", 0), p.text("action")
	p.check("action", action == "lock" || action == "unlock")
	if why := p.complaint(); why != nil {
		return h.badParameter(c, why)
	}
	sub, refusal := h.subUser(c, uid)
	switch {
	case refusal != nil:
		return refusal
	case sub.frozen == (action == "lock"):
		return h.refuse(c, htxLockConflict, "the sub user is in that state already")
	}
	sub.frozen = !sub.frozen
	return h.ok(c, map[string]any{"subUid": uid, "userState": htxState(sub)})
}
