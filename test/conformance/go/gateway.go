package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const officialHost = "api.mch.weixin.qq.com"

// gateway sends what goes to the official host to the simulator, under the official name.
type gateway struct {
	to   *url.URL
	next http.RoundTripper
}

func redirect(baseURL string) (http.RoundTripper, error) {
	to, err := url.Parse(baseURL)
	if err != nil {
		return nil, err
	}
	return &gateway{to: to, next: http.DefaultTransport}, nil
}

// RoundTrip leaves everything as it was signed; only the connection goes elsewhere.
func (g *gateway) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != officialHost {
		return g.next.RoundTrip(request)
	}
	redirected := request.Clone(request.Context())
	redirected.URL.Scheme = g.to.Scheme
	redirected.URL.Host = g.to.Host
	redirected.Host = officialHost
	return g.next.RoundTrip(redirected)
}

// person does through the control API what people do with their phones.
type person struct{ controlURL string }

func (p person) pays(outTradeNo string) error {
	return p.post("/orders/"+outTradeNo+"/pay", struct{}{})
}

// getsRefund has money arrive.
func (p person) getsRefund(outRefundNo string) error {
	return p.post("/refunds/"+outRefundNo+"/finish", map[string]string{"status": "SUCCESS"})
}

func (p person) post(path string, body interface{}) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := http.Post(p.controlURL+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode > 299 {
		return fmt.Errorf("%s: %d %s", path, answer.StatusCode, strings.TrimSpace(string(said)))
	}
	return nil
}
