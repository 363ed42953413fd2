package main

import (
	"crypto/rsa"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// setting is the folder that the simulator wrote for a merchant.
type setting struct {
	BaseURL      string `json:"base_url"`
	ControlURL   string `json:"control_url"`
	Mchid        string `json:"mchid"`
	Appid        string `json:"appid"`
	SerialNo     string `json:"merchant_serial_no"`
	APIv3Key     string `json:"api_v3_key"`
	PublicKeyID  string `json:"public_key_id"`
	PlatformNo   string `json:"platform_serial_no"`
	SubMerchants []struct {
		Mchid string `json:"mchid"`
		Appid string `json:"appid"`
	} `json:"sub_merchants"`

	mode, role string
	privateKey *rsa.PrivateKey
	publicKey  *rsa.PublicKey
}

func readSetting(folder, mode, role string) (*setting, error) {
	text, err := os.ReadFile(filepath.Join(folder, "merchant.json"))
	if err != nil {
		return nil, err
	}
	result := &setting{mode: mode, role: role}
	if err = json.Unmarshal(text, result); err != nil {
		return nil, err
	}
	if result.privateKey, err = utils.LoadPrivateKeyWithPath(filepath.Join(folder, "apiclient_key.pem")); err != nil {
		return nil, err
	}
	if result.publicKey, err = utils.LoadPublicKeyWithPath(filepath.Join(folder, "pub_key.pem")); err != nil {
		return nil, err
	}
	return result, nil
}

func (s *setting) partner() bool { return s.role == "partner" }

func (s *setting) certificates() bool { return s.mode == "certificate" }
