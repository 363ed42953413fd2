package main

import (
	"context"
	"net/http"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

const secret = "张三 6214 0000 0000 0000"

// echo is tagged as the SDK's own requests and answers are.
type echo struct {
	Message *string `json:"echo_message"`
	Secret  *string `json:"encrypted_echo_message" encryption:"EM_APIV3"`
}

// sensitiveFields does what the SDK's services do for calls with encrypted fields.
func (m *merchant) sensitiveFields(ctx context.Context) error {
	request := &echo{Message: core.String("hi"), Secret: core.String(secret)}
	serial, err := m.client.EncryptRequest(ctx, request)
	if err != nil {
		return err
	}
	header := http.Header{}
	header.Set(consts.WechatPaySerial, serial)
	result, err := m.client.Request(ctx, http.MethodPost, consts.WechatPayAPIServer+"/v3/security/echo",
		header, nil, request, consts.ApplicationJSON)
	if err != nil {
		return err
	}
	answer := new(echo)
	if err = core.UnMarshalResponse(result.Response, answer); err != nil {
		return err
	}
	if err = m.client.DecryptResponse(ctx, answer); err != nil {
		return err
	}
	return equal(*answer.Secret, secret)
}
