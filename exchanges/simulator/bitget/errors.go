package bitget

// Bitget's codes, from https://www.bitget.com/api-doc/common/error-code/restapi
// and https://www.bitget.com/api-doc/uta/error-code/restapi.
const (
	bitgetSuccess         = "00000"
	bitgetTooManyRequests = "429"

	bitgetUnsupported    = "25002"
	bitgetNoUser         = "25005"
	bitgetNotUnified     = "25245"
	bitgetDenied         = "25620"
	bitgetIsUnified      = "40085"
	bitgetNotBroker      = "40029"
	bitgetNotMain        = "40048"
	bitgetNoPermission   = "40014"
	bitgetNoAddressBound = "40040"

	bitgetNoKeyHeader      = "40001"
	bitgetNoSignature      = "40003"
	bitgetBadTimestamp     = "40005"
	bitgetBadKey           = "40006"
	bitgetBadContentType   = "40007"
	bitgetExpiredTimestamp = "40008"
	bitgetBadSignature     = "40009"
	bitgetNoPassphrase     = "40011"
	bitgetWrongPassphrase  = "40012"
	bitgetBadAddress       = "40018"
	bitgetUnknownKey       = "40037"

	bitgetUnverified   = "40017"
	bitgetEmpty        = "40019"
	bitgetBadParameter = "40020"
	bitgetNoParameter  = "40034"
	bitgetNoURL        = "40404"

	bitgetNotYourSub     = "40028"
	bitgetBadKeysPass    = "40036"
	bitgetNoUsersKey     = "40041"
	bitgetBadLabel       = "40056"
	bitgetTooMany        = "40058"
	bitgetTooManyKeys    = "40063"
	bitgetNoSubKey       = "40065"
	bitgetNotVirtualSub  = "40066"
	bitgetBadNewPassword = "40070"
)

// bitgetMessage is the text, a format, that comes with a code.
func bitgetMessage(code string) string {
	switch code {
	case bitgetTooManyRequests:
		return "Too Many Requests"
	case bitgetUnsupported:
		return "Unsupported operation"
	case bitgetNoUser:
		return "User does not exist"
	case bitgetNotUnified:
		return "The account is not the unified account mode"
	case bitgetDenied:
		return "permission denied"
	case bitgetIsUnified:
		return "You are in Unified Account mode, and the Classic Account API is not supported at this time"
	case bitgetNotBroker:
		return "This account is not a Broker, please apply to become a Broker first"
	case bitgetNotMain:
		return "The user's ApiKey must be the parent account"
	case bitgetNoPermission:
		return "Incorrect permissions, need %s permissions"
	case bitgetNoAddressBound:
		return "user api key permission setting error"
	case bitgetNoKeyHeader:
		return "ACCESS_KEY cannot be empty"
	case bitgetNoSignature:
		return "Signature cannot be empty"
	case bitgetBadTimestamp:
		return "Invalid ACCESS_TIMESTAMP"
	case bitgetBadKey:
		return "Invalid ACCESS_KEY"
	case bitgetBadContentType:
		return "Invalid Content_Type"
	case bitgetExpiredTimestamp:
		return "Request timestamp expired"
	case bitgetBadSignature:
		return "sign signature error"
	case bitgetNoPassphrase:
		return "ACCESS_PASSPHRASE cannot be empty"
	case bitgetWrongPassphrase:
		return "apikey/password is incorrect"
	case bitgetBadAddress:
		return "Invalid IP"
	case bitgetUnknownKey:
		return "Apikey does not exist"
	case bitgetUnverified:
		return "Parameter verification failed %s"
	case bitgetEmpty:
		return "Parameter %s cannot be empty"
	case bitgetBadParameter:
		return "Parameter %s error"
	case bitgetNoParameter:
		return "Parameter %s does not exist"
	case bitgetNoURL:
		return "Request URL NOT FOUND"
	case bitgetNotYourSub:
		return "This subUid does not belong to this account"
	case bitgetBadKeysPass:
		return "passphrase is error"
	case bitgetNoUsersKey:
		return "User's ApiKey does not exist"
	case bitgetBadLabel:
		return "remark must be length of 1 ~ 20"
	case bitgetTooMany:
		return "Parameter %s Only a maximum of %d is allowed"
	case bitgetTooManyKeys:
		return "API exceeds the maximum limit added"
	case bitgetNoSubKey:
		return "This subApikey does not exist"
	case bitgetNotVirtualSub:
		return "This subUid does not belong to the account or is not a virtual sub-account"
	case bitgetBadNewPassword:
		return "passphrase 8-32 characters with letters and numbers"
	}
	panic("simulator: no text for Bitget code " + code)
}
