package bybit

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Forecast is what Bybit's documentation leaves open, or what was seen to differ.
func (e *exchange) Forecast() venue.Forecast {
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "result.result", Page: "result", KeyName: "apiKey", KeyAddresses: "ips",
			Optional: []string{"result.note", "result.permissions", "result.readOnly"}, Permissions: "result.permissions",
		},
		Grants:    true,
		Refusable: map[string]exchanges.Operation{"limit": exchanges.OpListKeys},
	}
}

// RefuseParameter answers as Bybit does to any parameter that it does not like.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.badParameter(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}
