package okx

import "net/http"

// OKX's codes, from https://www.okx.com/docs-v5/en/#error-code.
const (
	okxNoBody           = "50000"
	okxBadJSON          = "50002"
	okxBadContentType   = "50006"
	okxTooManyRequests  = "50011"
	okxParameterMissing = "50014"
	okxNotBound         = "50035"
	okxNotInDemo        = "50038"

	okxOtherEnvironment = "50101"
	okxExpiredTimestamp = "50102"
	okxNoKey            = "50103"
	okxNoPassphrase     = "50104"
	okxWrongPassphrase  = "50105"
	okxNoSignature      = "50106"
	okxNoTimestamp      = "50107"
	okxUnboundAddress   = "50110"
	okxBadTimestamp     = "50112"
	okxBadSignature     = "50113"
	okxWrongMethod      = "50115"
	okxUnknownKey       = "50119"
	okxNoPermission     = "50120"

	okxParameterWrong = "51000"

	okxNotMaster        = "59500"
	okxTooManyKeys      = "59501"
	okxLabelTaken       = "59502"
	okxTooManyAddresses = "59503"
	okxNoWithdrawals    = "59504"
	okxBadPassphrase    = "59505"
	okxNoSuchKey        = "59506"
	okxNoSuchSubAccount = "59510"
	okxNameTaken        = "59601"
)

// okxError is the HTTP status and the text, a format, that come with a code.
// The unknown key's status is the one seen in practice; the documentation says
// 200.
func okxError(code string) (status int, message string) {
	switch code {
	case okxNoBody:
		return http.StatusBadRequest, "Body for POST request cannot be empty."
	case okxBadJSON:
		return http.StatusBadRequest, "JSON syntax error"
	case okxBadContentType:
		return http.StatusBadRequest, `Invalid Content-Type. Please use "application/JSON".`
	case okxTooManyRequests:
		return http.StatusTooManyRequests, "Too Many Requests"
	case okxParameterMissing:
		return http.StatusBadRequest, "Parameter %s can not be empty."
	case okxNotBound:
		return http.StatusForbidden, "This endpoint requires that APIKey must be bound to IP"
	case okxNotInDemo:
		return http.StatusOK, "This feature is unavailable in demo trading"
	case okxOtherEnvironment:
		return http.StatusUnauthorized, "APIKey does not match current environment."
	case okxExpiredTimestamp:
		return http.StatusUnauthorized, "Timestamp request expired."
	case okxNoKey:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-KEY" cannot be empty.`
	case okxNoPassphrase:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-PASSPHRASE" cannot be empty.`
	case okxWrongPassphrase:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-PASSPHRASE" incorrect.`
	case okxNoSignature:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-SIGN" cannot be empty.`
	case okxNoTimestamp:
		return http.StatusUnauthorized, `Request header "OK-ACCESS-TIMESTAMP" cannot be empty.`
	case okxUnboundAddress:
		return http.StatusUnauthorized, "Your IP %s is not included in your API key's IP whitelist."
	case okxBadTimestamp:
		return http.StatusUnauthorized, "Invalid OK-ACCESS-TIMESTAMP."
	case okxBadSignature:
		return http.StatusUnauthorized, "Invalid signature."
	case okxWrongMethod:
		return http.StatusMethodNotAllowed, "Invalid request method."
	case okxUnknownKey:
		return http.StatusUnauthorized, "API key doesn't exist"
	case okxNoPermission:
		return http.StatusOK, "This API key doesn't have permission to use this function"
	case okxParameterWrong:
		return http.StatusBadRequest, "Parameter %s error"
	case okxNotMaster:
		return http.StatusOK, "Only the API key of the main account has permission."
	case okxTooManyKeys:
		return http.StatusOK, "Each account can create up to 50 API keys"
	case okxLabelTaken:
		return http.StatusOK, "This note name already exists. Enter a unique API key note name"
	case okxTooManyAddresses:
		return http.StatusOK, "Each API key can bind up to 20 IP addresses"
	case okxNoWithdrawals:
		return http.StatusOK, "Sub-accounts don't support withdrawals. Please use your main account for withdrawals."
	case okxBadPassphrase:
		return http.StatusOK, "The passphrase format is incorrect."
	case okxNoSuchKey:
		return http.StatusOK, "API key doesn't exist."
	case okxNoSuchSubAccount:
		return http.StatusOK, "Sub-account does not exist"
	case okxNameTaken:
		return http.StatusOK, "Subaccount name already exists."
	}
	panic("simulator: no text for OKX code " + code)
}
