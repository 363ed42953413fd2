package main

import (
	"context"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	transactions "github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/app"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/h5"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
)

// directPayments are the SDK's services for merchants.
type directPayments struct {
	*setting
	client *core.Client
}

func (d *directPayments) jsapi(ctx context.Context, outTradeNo, notifyURL string) error {
	service := jsapi.JsapiApiService{Client: d.client}
	answer, _, err := service.PrepayWithRequestPayment(ctx, jsapi.PrepayRequest{
		Appid:       core.String(d.Appid),
		Mchid:       core.String(d.Mchid),
		Description: core.String(item),
		OutTradeNo:  core.String(outTradeNo),
		Attach:      core.String("c=1"),
		NotifyUrl:   core.String(notifyURL),
		Amount:      &jsapi.Amount{Total: core.Int64(totalFen), Currency: core.String("CNY")},
		Payer:       &jsapi.Payer{Openid: core.String(openid)},
	})
	if err != nil {
		return err
	}
	return present("prepay_id", answer.PrepayId)
}

func (d *directPayments) app(ctx context.Context, outTradeNo, notifyURL string) error {
	service := app.AppApiService{Client: d.client}
	answer, _, err := service.PrepayWithRequestPayment(ctx, app.PrepayRequest{
		Appid:       core.String(d.Appid),
		Mchid:       core.String(d.Mchid),
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

func (d *directPayments) h5(ctx context.Context, outTradeNo, notifyURL string) error {
	service := h5.H5ApiService{Client: d.client}
	answer, _, err := service.Prepay(ctx, h5.PrepayRequest{
		Appid:       core.String(d.Appid),
		Mchid:       core.String(d.Mchid),
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

func (d *directPayments) native(ctx context.Context, outTradeNo, notifyURL string) error {
	service := native.NativeApiService{Client: d.client}
	answer, _, err := service.Prepay(ctx, native.PrepayRequest{
		Appid:       core.String(d.Appid),
		Mchid:       core.String(d.Mchid),
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

func (d *directPayments) byOutTradeNo(ctx context.Context, outTradeNo string) (*order, error) {
	service := jsapi.JsapiApiService{Client: d.client}
	found, _, err := service.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{
		OutTradeNo: core.String(outTradeNo),
		Mchid:      core.String(d.Mchid),
	})
	if err != nil {
		return nil, err
	}
	return d.read(found), nil
}

func (d *directPayments) byTransactionID(ctx context.Context, transactionID string) (*order, error) {
	service := jsapi.JsapiApiService{Client: d.client}
	found, _, err := service.QueryOrderById(ctx, jsapi.QueryOrderByIdRequest{
		TransactionId: core.String(transactionID),
		Mchid:         core.String(d.Mchid),
	})
	if err != nil {
		return nil, err
	}
	return d.read(found), nil
}

func (d *directPayments) closeOrder(ctx context.Context, outTradeNo string) (*core.APIResult, error) {
	service := native.NativeApiService{Client: d.client}
	return service.CloseOrder(ctx, native.CloseOrderRequest{
		OutTradeNo: core.String(outTradeNo),
		Mchid:      core.String(d.Mchid),
	})
}

func (d *directPayments) newContent() interface{} { return new(transactions.Transaction) }

func (d *directPayments) read(content interface{}) *order {
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
