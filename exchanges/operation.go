package exchanges

import "strings"

// Operation is one thing that is asked of an exchange. Rate limits, errors,
// metrics and the simulator's faults all call it by the same name.
type Operation string

// The operations. Those of one exchange that are none of these, such as logging
// in, are named in its package.
const (
	OpServerTime  Operation = "server_time"
	OpInspect     Operation = "inspect"
	OpSubAccounts Operation = "list_sub_accounts"
	OpCreateKey   Operation = "create_key"
	OpEditKey     Operation = "edit_key"
	OpListKeys    Operation = "list_keys"
	OpDeleteKey   Operation = "delete_key"
	OpTryKey      Operation = "try_key"
	OpUseKey      Operation = "use_key"
	OpRotateRoot  Operation = "rotate_root"
	OpDeleteRoot  Operation = "delete_root"
	OpOneTimeCode Operation = "one_time_code"
	OpAny         Operation = "*"
)

// Words writes the operation as a sentence has it: "create key".
func (o Operation) Words() string {
	if o == OpAny {
		return "any request"
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(o), "_", " "), "sub accounts", "sub-accounts")
}
