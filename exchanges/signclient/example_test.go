package signclient_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hashicorp/vault/api"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// A bot places an order with the key of a static role that has custody=vault, and logs in
// to the exchange's WebSocket. Here small servers take the place of Vault and exchange.
func Example() {
	exchange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the exchange gets", r.Method, r.URL.Path, "signed", r.Header.Get("X-Bapi-Sign"))
		fmt.Fprint(w, `{"retCode":0,"retMsg":"OK"}`)
	}))
	defer exchange.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/exchange/sign/gateway":
			fmt.Fprintf(w, `{"data":{"method":"POST","url":"%s/v5/order/create","headers":{"X-Bapi-Sign":"5f2d"},"body":"{}"}}`, exchange.URL)
		case "/v1/exchange/sign/gateway/login":
			fmt.Fprint(w, `{"data":{"channel":"trade","url":"wss://stream.bybit.com/v5/trade","message":"{\"op\":\"auth\"}","valid_until":""}}`)
		}
	}))
	defer server.Close()

	config := api.DefaultConfig() // reads VAULT_ADDR and its like
	config.Address = server.URL
	vault, err := api.NewClient(config)
	if err != nil {
		log.Fatal(err)
	}
	vault.SetToken("a token of the bot")
	signer, err := signclient.New(vault, "exchange/sign/gateway")
	if err != nil {
		log.Fatal(err)
	}

	order := `{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.001"}`
	answer, err := signer.Client().Post(exchange.URL+"/v5/order/create", "application/json", strings.NewReader(order))
	if err != nil {
		log.Fatal(err) // A *signclient.Refusal says what to do.
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the bot gets", string(text))

	login, err := signer.Login(context.Background(), signclient.LoginRequest{Channel: "trade"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("connect to", login.URL, "and send", login.Message)
	// Output:
	// the exchange gets POST /v5/order/create signed 5f2d
	// the bot gets {"retCode":0,"retMsg":"OK"}
	// connect to wss://stream.bybit.com/v5/trade and send {"op":"auth"}
}
