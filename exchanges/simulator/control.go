package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// maxWish limits how much of a fault, or of a condition, is read, in bytes.
const maxWish = 1 << 20

// newControl serves the control API: it lets another process do to the
// simulator what tests and demonstrations need.
func newControl(s *Simulator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		venue.JSONAnswer(http.StatusOK, s.overview()).Write(w)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		venue.JSONAnswer(http.StatusOK, s.Keys()).Write(w)
	})
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, request *http.Request) {
		if err := s.injectFrom(request.Body); err != nil {
			venue.JSONAnswer(http.StatusBadRequest, map[string]string{"error": err.Error()}).Write(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /weather", func(w http.ResponseWriter, _ *http.Request) {
		weather := make(map[string][]ConditionView, len(s.venues))
		for _, v := range s.venues {
			weather[v.Name()] = v.Weather()
		}
		venue.JSONAnswer(http.StatusOK, map[string]any{"exchanges": weather}).Write(w)
	})
	mux.HandleFunc("POST /weather", func(w http.ResponseWriter, request *http.Request) {
		if err := s.setWeatherFrom(request.Body); err != nil {
			venue.JSONAnswer(http.StatusBadRequest, map[string]string{"error": err.Error()}).Write(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// entry is one exchange in the overview: its main root, and the other roots by
// kind.
type entry struct {
	Access
	Roots map[string]Access `json:"roots"`
}

type overview struct {
	Exchanges map[string]entry `json:"exchanges"`
}

func (s *Simulator) overview() overview {
	exchanges := make(map[string]entry, len(s.venues))
	for _, v := range s.venues {
		all := entry{Roots: make(map[string]Access)}
		for _, kind := range v.RootKinds() {
			if access, _ := v.Root(kind); kind == venue.MainRoot {
				all.Access = access
			} else {
				all.Roots[kind] = access
			}
		}
		exchanges[v.Name()] = all
	}
	return overview{exchanges}
}

func (s *Simulator) setWeatherFrom(body io.Reader) error {
	data, err := readWish(body)
	if err != nil {
		return err
	}
	var wish struct {
		Exchange  string `json:"exchange"`
		Condition string `json:"condition"`
		Value     string `json:"value"`
	}
	if err := venue.DecodeStrictly(data, &wish); err != nil {
		return fmt.Errorf("the weather is not understood: %w; it has the fields exchange, condition and value", err)
	}
	return s.SetWeather(wish.Exchange, wish.Condition, wish.Value)
}

func (s *Simulator) injectFrom(body io.Reader) error {
	data, err := readWish(body)
	if err != nil {
		return err
	}
	var fault Fault
	if err := json.Unmarshal(data, &fault); err != nil {
		return fmt.Errorf("the fault is not understood: %w", err)
	}
	return s.Inject(fault)
}

func readWish(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxWish))
	if err != nil {
		return nil, errors.New("the request body could not be read")
	}
	return data, nil
}
