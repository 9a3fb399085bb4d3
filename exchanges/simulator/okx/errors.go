package okx

import "net/http"

// OKX's codes, from https://www.okx.com/docs-v5/en/#error-code.
const (
	noBody           = "50000"
	badJSON          = "50002"
	badContentType   = "50006"
	tooManyRequests  = "50011"
	parameterMissing = "50014"
	notBound         = "50035"
	notInDemo        = "50038"

	otherEnvironment = "50101"
	expiredTimestamp = "50102"
	noKey            = "50103"
	noPassphrase     = "50104"
	wrongPassphrase  = "50105"
	noSignature      = "50106"
	noTimestamp      = "50107"
	unboundAddress   = "50110"
	badTimestamp     = "50112"
	badSignature     = "50113"
	wrongMethod      = "50115"
	unknownKey       = "50119"
	noPermission     = "50120"

	parameterWrong = "51000"
	noOrder        = "51400"

	notMaster        = "59500"
	tooManyKeys      = "59501"
	labelTaken       = "59502"
	tooManyAddresses = "59503"
	noWithdrawals    = "59504"
	badPassphrase    = "59505"
	noSuchKey        = "59506"
	noSuchSubAccount = "59510"
	subAccountFrozen = "59519"
	notInSubAccount  = "59605"
	nameTaken        = "59601"
)

// errorOf is the HTTP status and the text, a format, that come with a code. The
// status for an unknown key is the one seen in practice; the documentation says
// 200.
func errorOf(code string) (status int, message string) {
	switch code {
	case noBody:
		return http.StatusBadRequest, "Body for POST request cannot be empty."
	case badJSON:
		return http.StatusBadRequest, "JSON syntax error"
	case badContentType:
		return http.StatusBadRequest, `Invalid Content-Type. Please use "application/JSON".`
	case tooManyRequests:
		return http.StatusTooManyRequests, "Too Many Requests"
	case parameterMissing:
		return http.StatusBadRequest, "Parameter %s can not be empty."
	case notBound:
		return http.StatusForbidden, "This endpoint requires that APIKey must be bound to IP"
	case notInDemo:
		return http.StatusOK, "This feature is unavailable in demo trading"
	case otherEnvironment:
		return http.StatusUnauthorized, "APIKey does not match current environment."
	case expiredTimestamp:
		return http.StatusUnauthorized, "Timestamp request expired."
	case noKey:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-KEY" cannot be empty.`
	case noPassphrase:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-PASSPHRASE" cannot be empty.`
	case wrongPassphrase:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-PASSPHRASE" incorrect.`
	case noSignature:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-SIGN" cannot be empty.`
	case noTimestamp:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-TIMESTAMP" cannot be empty.`
	case unboundAddress:
		return http.StatusUnauthorized, "Your IP %s is not included in your API key's IP whitelist."
	case badTimestamp:
		return http.StatusUnauthorized, "Invalid OK-ACCESS-TIMESTAMP."
	case badSignature:
		return http.StatusUnauthorized, "Invalid signature."
	case wrongMethod:
		return http.StatusMethodNotAllowed, "Invalid request method."
	case unknownKey:
		return http.StatusUnauthorized, "API key doesn't exist"
	case noPermission:
		return http.StatusOK, "This API key doesn't have permission to use this function"
	case parameterWrong:
		return http.StatusBadRequest, "Parameter %s error"
	case notMaster:
		return http.StatusOK, "Only the API key of the main account has permission."
	case tooManyKeys:
		return http.StatusOK, "Each account can create up to 50 API keys"
	case labelTaken:
		return http.StatusOK, "This note name already exists. Enter a unique API key note name"
	case tooManyAddresses:
		return http.StatusOK, "Each API key can bind up to 20 IP addresses"
	case noWithdrawals:
		return http.StatusOK, "Sub-accounts don't support withdrawals. Please use your main account for withdrawals."
	case badPassphrase:
		return http.StatusOK, "The passphrase format is incorrect."
	case noSuchKey:
		return http.StatusOK, "API key doesn't exist."
	case noSuchSubAccount:
		return http.StatusOK, "Sub-account does not exist"
	case subAccountFrozen:
		return http.StatusOK, "This sub-account is frozen."
	case notInSubAccount:
		return http.StatusOK, "The API key does not exist in this sub-account."
	case nameTaken:
		return http.StatusOK, "Subaccount name already exists."
	}
	panic("simulator: no text for OKX code " + code)
}
