package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/validators"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// The SDK has no service for bills: its README has them fetched with core.Client, the file with a validator that verifies nothing.

// offer is where a bill can be downloaded; the last two are of encrypted ones.
type offer struct {
	HashType    string `json:"hash_type"`
	HashValue   string `json:"hash_value"`
	DownloadURL string `json:"download_url"`
	EncryptKey  string `json:"encrypt_key"`
	Nonce       string `json:"nonce"`
}

func (m *merchant) tradeBill(ctx context.Context) error {
	text, err := m.bill(ctx, "/v3/bill/tradebill?bill_date="+m.billDate)
	return m.shows(text, err)
}

func (m *merchant) tradeBillGzip(ctx context.Context) error {
	text, err := m.bill(ctx, "/v3/bill/tradebill?bill_date="+m.billDate+"&tar_type=GZIP")
	return m.shows(text, err)
}

// fundFlowBill of a sub-merchant's account is encrypted.
func (m *merchant) fundFlowBill(ctx context.Context) error {
	if !m.partner() {
		text, err := m.bill(ctx, "/v3/bill/fundflowbill?account_type=BASIC&bill_date="+m.billDate)
		return m.shows(text, err)
	}
	var list struct {
		Offers []offer `json:"download_bill_list"`
	}
	path := fmt.Sprintf("/v3/bill/sub-merchant-fundflowbill?sub_mchid=%s&bill_date=%s&account_type=BASIC&algorithm=AEAD_AES_256_GCM",
		*m.subMchid(), m.billDate)
	if err := m.get(ctx, path, &list); err != nil {
		return err
	}
	if len(list.Offers) != 1 {
		return fmt.Errorf("%d files", len(list.Offers))
	}
	part := list.Offers[0]
	file, err := m.download(ctx, part.DownloadURL)
	if err != nil {
		return err
	}
	key, err := utils.DecryptOAEP(part.EncryptKey, m.privateKey)
	if err != nil {
		return err
	}
	text, err := utils.DecryptAES256GCM(key, "", part.Nonce, base64.StdEncoding.EncodeToString(file))
	if err != nil {
		return err
	}
	return m.shows(text, part.check([]byte(text)))
}

// bill is the text of a bill whose hash is right.
func (m *merchant) bill(ctx context.Context, path string) (string, error) {
	var found offer
	if err := m.get(ctx, path, &found); err != nil {
		return "", err
	}
	file, err := m.download(ctx, found.DownloadURL)
	if err != nil {
		return "", err
	}
	if strings.Contains(path, "GZIP") {
		reader, err := gzip.NewReader(bytes.NewReader(file))
		if err != nil {
			return "", err
		}
		if file, err = io.ReadAll(reader); err != nil {
			return "", err
		}
	}
	return string(file), found.check(file)
}

func (m *merchant) get(ctx context.Context, path string, answer interface{}) error {
	result, err := m.client.Get(ctx, consts.WechatPayAPIServer+path)
	if err != nil {
		return err
	}
	return core.UnMarshalResponse(result.Response, answer)
}

func (m *merchant) download(ctx context.Context, url string) ([]byte, error) {
	files := core.NewClientWithValidator(m.client, &validators.NullValidator{})
	result, err := files.Get(ctx, url)
	if err != nil {
		return nil, err
	}
	defer result.Response.Body.Close()
	return io.ReadAll(result.Response.Body)
}

func (o offer) check(file []byte) error {
	hash := sha1.Sum(file)
	return errors.Join(equal(o.HashType, "SHA1"), equal(hex.EncodeToString(hash[:]), o.HashValue))
}

// shows the payment.
func (m *merchant) shows(bill string, err error) error {
	if err == nil && !strings.Contains(bill, m.transactionID) {
		err = fmt.Errorf("%s is not in the bill", m.transactionID)
	}
	return err
}
