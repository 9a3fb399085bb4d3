package bitget

// Bitget's codes, from https://www.bitget.com/api-doc/common/error-code/restapi
// and https://www.bitget.com/api-doc/uta/error-code/restapi.
const (
	success         = "00000"
	tooManyRequests = "429"

	unsupported    = "25002"
	noUser         = "25005"
	notUnified     = "25245"
	denied         = "25620"
	isUnified      = "40085"
	notBroker      = "40029"
	notMain        = "40048"
	noPermission   = "40014"
	noAddressBound = "22010"

	noKeyHeader      = "40001"
	noSignature      = "40003"
	badTimestamp     = "40005"
	badKey           = "40006"
	badContentType   = "40007"
	expiredTimestamp = "40008"
	badSignature     = "40009"
	noPassphrase     = "40011"
	wrongPassphrase  = "40012"
	badAddress       = "40018"
	unknownKey       = "40037"

	unverified   = "40017"
	empty        = "40019"
	badParameter = "40020"
	noParameter  = "40034"
	noURL        = "40404"

	noOrder        = "43001"
	noUnifiedOrder = "25204"

	notYourSub     = "40028"
	badKeysPass    = "40036"
	noUsersKey     = "40041"
	badLabel       = "40056"
	tooMany        = "40058"
	tooManyKeys    = "40063"
	noSubAccess    = "40068"
	noSubKey       = "40065"
	notVirtualSub  = "40066"
	badNewPassword = "40070"

	// undocumented stands for a code that no page has.
	undocumented = "29999"
)

// message is the text, a format, that comes with a code.
func message(code string) string {
	switch code {
	case tooManyRequests:
		return "Too Many Requests"
	case unsupported:
		return "Unsupported operation"
	case noUser:
		return "User does not exist"
	case notUnified:
		return "The account is not the unified account mode"
	case denied:
		return "permission denied"
	case isUnified:
		return "You are in Unified Account mode, and the Classic Account API is not supported at this time"
	case notBroker:
		return "This account is not a Broker, please apply to become a Broker first"
	case notMain:
		return "The user's ApiKey must be the parent account"
	case noPermission:
		return "Incorrect permissions, need %s permissions"
	case noAddressBound:
		return "Please bind ip whitelist address"
	case noKeyHeader:
		return "ACCESS_KEY cannot be empty"
	case noSignature:
		return "Signature cannot be empty"
	case badTimestamp:
		return "Invalid ACCESS_TIMESTAMP"
	case badKey:
		return "Invalid ACCESS_KEY"
	case badContentType:
		return "Invalid Content_Type"
	case expiredTimestamp:
		return "Request timestamp expired"
	case badSignature:
		return "sign signature error"
	case noPassphrase:
		return "ACCESS_PASSPHRASE cannot be empty"
	case wrongPassphrase:
		return "apikey/password is incorrect"
	case badAddress:
		return "Invalid IP"
	case unknownKey:
		return "Apikey does not exist"
	case unverified:
		return "Parameter verification failed %s"
	case empty:
		return "Parameter %s cannot be empty"
	case badParameter:
		return "Parameter %s error"
	case noParameter:
		return "Parameter %s does not exist"
	case noURL:
		return "Request URL NOT FOUND"
	case noOrder:
		return "The order does not exist"
	case noUnifiedOrder:
		return "Order does not exist"
	case notYourSub:
		return "This subUid does not belong to this account"
	case noSubAccess:
		return "Sub-accounts do not have access"
	case badKeysPass:
		return "passphrase is error"
	case noUsersKey:
		return "User's ApiKey does not exist"
	case badLabel:
		return "remark must be length of 1 ~ 20"
	case tooMany:
		return "Parameter %s Only a maximum of %d is allowed"
	case tooManyKeys, undocumented:
		return "API exceeds the maximum limit added"
	case noSubKey:
		return "This subApikey does not exist"
	case notVirtualSub:
		return "This subUid does not belong to the account or is not a virtual sub-account"
	case badNewPassword:
		return "passphrase 8-32 characters with letters and numbers"
	}
	panic("simulator: no text for Bitget code " + code)
}
