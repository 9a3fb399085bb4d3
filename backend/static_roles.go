package backend

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

// existingStatic returns a static role that must exist.
func (e *engine) existingStatic(ctx context.Context, s logical.Storage, name string) (*staticRole, error) {
	r, err := e.staticRoles.Get(ctx, s, name)
	if err == nil && r == nil {
		return nil, refuse("there is no static role %q; list them with: vault list <mount>/static-roles", name)
	}
	return r, err
}

// allStaticRoles reads every static role.
func (e *engine) allStaticRoles(ctx context.Context, s logical.Storage) (map[string]staticRole, error) {
	names, err := e.staticRoles.List(ctx, s)
	if err != nil {
		return nil, err
	}
	all := make(map[string]staticRole, len(names))
	for _, name := range names {
		r, err := e.staticRoles.Get(ctx, s, name)
		switch unreadable := (*store.UnreadableError)(nil); {
		case errors.As(err, &unreadable):
			e.Logger().Error("a static role cannot be read, so its key is not looked after", "static_role", name, "error", err)
		case err != nil:
			return nil, err
		case r != nil:
			all[name] = *r
		}
	}
	return all, nil
}

// disableStatic disables a static role.
func (e *engine) disableStatic(ctx context.Context, s logical.Storage, name string) error {
	return e.staticRoles.Update(ctx, s, name, func(now *staticRole) (*staticRole, error) {
		if now == nil || now.Keys.Disabled {
			return nil, nil
		}
		now.Keys.Disabled = true
		return now, nil
	})
}

// disableStaticOf disables the static roles of a connection.
func (e *engine) disableStaticOf(ctx context.Context, s logical.Storage, connection string) error {
	all, err := e.allStaticRoles(ctx, s)
	if err != nil {
		return err
	}
	var failures []error
	for name, r := range all {
		if r.Keys.Connection == connection {
			failures = append(failures, e.disableStatic(ctx, s, name))
		}
	}
	return errors.Join(failures...)
}
