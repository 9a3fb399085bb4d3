package bingx

import (
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// BingX's own conditions.
const (
	// otherWords: the account answers in the words of BingX's other document.
	otherWords = "other_words"
	// keyMasks: keys are masked where they were whole, and whole where they were
	// masked; or masked with dots instead of asterisks.
	keyMasks = "key_masks"
	// unknownKey: the question for a key that is not there is refused.
	unknownKey = "unknown_key"
	// keyStatus: the status of a key is another number than in the sample.
	keyStatus = "key_status"
	// shortNotes: a note as long as the plugin's labels is refused.
	shortNotes = "short_notes"
	// fullAccount: a full account refuses a key with a code that is in no document.
	fullAccount = "full_account"
	// frozenAccount: keys of a frozen account can be deleted.
	frozenAccount = "frozen_account"
)

// The values of conditions that can be had in several ways.
const (
	otherwise = "otherwise"
	withDots  = "dots"
	unlisted  = "unlisted_code"
)

// noSuchCode is in no document.
const noSuchCode = 100999

// Forecast is what BingX's documents leave open, or in which they differ. The
// permissions in the answer to a creation are not among it: the account of the root
// "main" shows none, as in BingX's sample.
func (e *exchange) Forecast() venue.Forecast {
	const documents = "The API documentation (https://bingx-api.github.io/docs) and BingX's text for assistants " +
		"(https://github.com/BingX-API/api-ai-skills) differ."
	const silent = "Neither document says."
	lists := []exchanges.Operation{exchanges.OpListKeys}
	return venue.Forecast{
		Shape: venue.Shape{
			KeyList: "data.apiInfos|data.apiKeyList", Page: "data", KeyAddresses: "ipAddresses",
			Optional: []string{"data.note", "data.permissions", "data.ipAddresses"},
		},
		Grants: true,
		Sources: map[string]string{
			venue.CreateAnswer: "The sample of the API documentation shows empty permissions and addresses.",
		},
		Own: []venue.Condition{
			{
				Name: otherWords, Values: []string{venue.On}, Source: documents,
				Operations: []exchanges.Operation{exchanges.OpInspect, exchanges.OpSubAccounts, exchanges.OpCreateKey, exchanges.OpListKeys},
			},
			{
				Name: keyMasks, Values: []string{otherwise, withDots}, Operations: lists,
				Source: "Both documents show masked keys in samples; neither says that answers are masked, nor how.",
			},
			{Name: unknownKey, Values: []string{venue.On}, Operations: lists, Source: silent},
			{Name: keyStatus, Values: []string{venue.On}, Operations: lists, Source: "The API documentation shows status 0 and does not say what others mean."},
			{
				Name: shortNotes, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpCreateKey}, Hostile: true,
				Source: "The length of a note is not documented.",
			},
			{
				Name: fullAccount, Values: []string{unlisted}, Operations: []exchanges.Operation{exchanges.OpCreateKey}, Elsewhere: true,
				Source: "The section on error codes has none for an account that is full.",
			},
			{
				Name: frozenAccount, Values: []string{venue.On}, Operations: []exchanges.Operation{exchanges.OpDeleteKey}, Elsewhere: true,
				Source: "Neither document says what a frozen account refuses.",
			},
		},
	}
}

// RefuseParameter answers as BingX does to any parameter that it does not like.
func (e *exchange) RefuseParameter(c *venue.Call, name string) *venue.Answer {
	return e.malformed(c, &venue.Complaint{Param: name, Reason: venue.BadValue})
}

// shown writes a key's name as lists do.
func (e *exchange) shown(c *venue.Call, k *venue.Key) string {
	masked := e.main(c).Remark != wholeKeys
	mask := "*******"
	switch c.Weather(keyMasks) {
	case otherwise:
		masked = !masked
	case withDots:
		masked, mask = true, "..."
	}
	if !masked {
		return k.APIKey
	}
	return k.APIKey[:3] + mask + k.APIKey[len(k.APIKey)-2:]
}
