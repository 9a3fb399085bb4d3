package exchanges

import (
	"fmt"
	"strconv"
)

// SubAccountNumber reads the name of a sub-account at an exchange that names them by
// number. Anything else is an [ErrInvalid], so that it gets into no path.
func SubAccountNumber(exchange string, operation Operation, subAccount string) (int64, error) {
	number, err := strconv.ParseUint(subAccount, 10, 63)
	if err != nil {
		return 0, &Error{
			Kind: ErrInvalid, Exchange: exchange, Operation: operation,
			Message: fmt.Sprintf("%.64q is not a sub-account: they are named by number here", subAccount),
			Remedy:  "list the numbers with config/NAME/sub-accounts",
		}
	}
	return int64(number), nil
}
