package main

import (
	"context"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	transactions "github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments/app"
	"github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments/h5"
	"github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments/native"
)

// partnerPayments are the SDK's services for service providers.
type partnerPayments struct {
	*setting
	client *core.Client
}

func (p *partnerPayments) jsapi(ctx context.Context, outTradeNo, notifyURL string) error {
	service := jsapi.JsapiApiService{Client: p.client}
	answer, _, err := service.PrepayWithRequestPayment(ctx, jsapi.PrepayRequest{
		SpAppid:     core.String(p.Appid),
		SubAppid:    core.String(p.SubMerchants[0].Appid),
		SpMchid:     core.String(p.Mchid),
		SubMchid:    core.String(p.SubMerchants[0].Mchid),
		Description: core.String(item),
		OutTradeNo:  core.String(outTradeNo),
		Attach:      core.String("c=1"),
		NotifyUrl:   core.String(notifyURL),
		Amount:      &jsapi.Amount{Total: core.Int64(totalFen), Currency: core.String("CNY")},
		Payer:       &jsapi.Payer{SubOpenid: core.String(openid)},
	}, p.SubMerchants[0].Appid)
	if err != nil {
		return err
	}
	return present("prepay_id", answer.PrepayId)
}

func (p *partnerPayments) app(ctx context.Context, outTradeNo, notifyURL string) error {
	service := app.AppApiService{Client: p.client}
	answer, _, err := service.Prepay(ctx, app.PrepayRequest{
		SpAppid:     core.String(p.Appid),
		SubAppid:    core.String(p.SubMerchants[0].Appid),
		SpMchid:     core.String(p.Mchid),
		SubMchid:    core.String(p.SubMerchants[0].Mchid),
		Description: core.String(item),
		OutTradeNo:  core.String(outTradeNo),
		NotifyUrl:   core.String(notifyURL),
		Amount:      &app.Amount{Total: core.Int64(totalFen), Currency: core.String("CNY")},
	})
	if err != nil {
		return err
	}
	return present("prepay_id", answer.PrepayId)
}

func (p *partnerPayments) h5(ctx context.Context, outTradeNo, notifyURL string) error {
	service := h5.H5ApiService{Client: p.client}
	answer, _, err := service.Prepay(ctx, h5.PrepayRequest{
		SpAppid:     core.String(p.Appid),
		SubAppid:    core.String(p.SubMerchants[0].Appid),
		SpMchid:     core.String(p.Mchid),
		SubMchid:    core.String(p.SubMerchants[0].Mchid),
		Description: core.String(item),
		OutTradeNo:  core.String(outTradeNo),
		NotifyUrl:   core.String(notifyURL),
		Amount:      &h5.Amount{Total: core.Int64(totalFen), Currency: core.String("CNY")},
		SceneInfo: &h5.SceneInfo{
			PayerClientIp: core.String(payerIP),
			H5Info:        &h5.H5Info{Type: core.String("Wap")},
		},
	})
	if err != nil {
		return err
	}
	return present("h5_url", answer.H5Url)
}

func (p *partnerPayments) native(ctx context.Context, outTradeNo, notifyURL string) error {
	service := native.NativeApiService{Client: p.client}
	answer, _, err := service.Prepay(ctx, native.PrepayRequest{
		SpAppid:     core.String(p.Appid),
		SubAppid:    core.String(p.SubMerchants[0].Appid),
		SpMchid:     core.String(p.Mchid),
		SubMchid:    core.String(p.SubMerchants[0].Mchid),
		Description: core.String(item),
		OutTradeNo:  core.String(outTradeNo),
		NotifyUrl:   core.String(notifyURL),
		Amount:      &native.Amount{Total: core.Int64(totalFen), Currency: core.String("CNY")},
	})
	if err != nil {
		return err
	}
	return present("code_url", answer.CodeUrl)
}

func (p *partnerPayments) byOutTradeNo(ctx context.Context, outTradeNo string) (*order, error) {
	service := jsapi.JsapiApiService{Client: p.client}
	found, _, err := service.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{
		OutTradeNo: core.String(outTradeNo),
		SpMchid:    core.String(p.Mchid),
		SubMchid:   core.String(p.SubMerchants[0].Mchid),
	})
	if err != nil {
		return nil, err
	}
	return p.read(found), nil
}

func (p *partnerPayments) byTransactionID(ctx context.Context, transactionID string) (*order, error) {
	service := jsapi.JsapiApiService{Client: p.client}
	found, _, err := service.QueryOrderById(ctx, jsapi.QueryOrderByIdRequest{
		TransactionId: core.String(transactionID),
		SpMchid:       core.String(p.Mchid),
		SubMchid:      core.String(p.SubMerchants[0].Mchid),
	})
	if err != nil {
		return nil, err
	}
	return p.read(found), nil
}

func (p *partnerPayments) closeOrder(ctx context.Context, outTradeNo string) (*core.APIResult, error) {
	service := native.NativeApiService{Client: p.client}
	return service.CloseOrder(ctx, native.CloseOrderRequest{
		OutTradeNo: core.String(outTradeNo),
		SpMchid:    core.String(p.Mchid),
		SubMchid:   core.String(p.SubMerchants[0].Mchid),
	})
}

func (p *partnerPayments) newContent() interface{} { return new(transactions.Transaction) }

func (p *partnerPayments) read(content interface{}) *order {
	found := content.(*transactions.Transaction)
	result := &order{state: *found.TradeState, outTradeNo: *found.OutTradeNo}
	if found.TransactionId != nil {
		result.transactionID = *found.TransactionId
	}
	if found.SuccessTime != nil {
		result.successTime = *found.SuccessTime
	}
	if found.Amount != nil && found.Amount.Total != nil {
		result.total = *found.Amount.Total
	}
	return result
}
