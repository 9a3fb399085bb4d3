package exchanges

import "strings"

// Operation is one thing asked of an exchange. Rate limits, errors, metrics and the
// simulator's faults all use the same name for it, in snake case.
type Operation string

// The operations that several exchanges share. One that only a single exchange has,
// such as logging in, is named in that exchange's package.
const (
	OpServerTime  Operation = "server_time"
	OpInspect     Operation = "inspect"
	OpSubAccounts Operation = "list_sub_accounts"
	OpCreateKey   Operation = "create_key"
	OpEditKey     Operation = "edit_key"
	OpListKeys    Operation = "list_keys"
	OpDeleteKey   Operation = "delete_key"
	OpCheckKey    Operation = "check_key"
	OpTryKey      Operation = "try_key"
	OpUseKey      Operation = "use_key"
	OpRotateRoot  Operation = "rotate_root"
	OpFindRoots   Operation = "find_roots"
	OpDeleteRoot  Operation = "delete_root"
	OpOneTimeCode Operation = "one_time_code"
	// OpAny stands for all of them: a rate limit they share, or a fault that hits
	// each of them.
	OpAny Operation = "*"
)

// Words writes the operation as it reads in a sentence: "create key".
func (o Operation) Words() string {
	switch o {
	case OpInspect:
		return "inspect root key"
	case OpRotateRoot:
		return "rotate root key"
	case OpFindRoots:
		return "find root keys"
	case OpDeleteRoot:
		return "delete root key"
	case OpSubAccounts:
		return "list sub-accounts"
	case OpTryKey:
		return "try new key"
	case OpOneTimeCode:
		return "one-time code"
	case OpAny:
		return "any request"
	}
	return strings.ReplaceAll(string(o), "_", " ")
}
