package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
)

const (
	totalFen  = 2590
	refundFen = 1000
	openid    = "oA1bC2dE3fG4hI5jK6lM7nO8pQ9r"
	payerIP   = "203.0.113.9"
	item      = "茶具 “Tea set” <&>"
)

// order is what is looked at of an order.
type order struct {
	state, outTradeNo, transactionID, successTime string
	total                                         int64
}

// payments is what the services of merchants and of service providers have in common.
type payments interface {
	jsapi(ctx context.Context, outTradeNo, notifyURL string) error
	app(ctx context.Context, outTradeNo, notifyURL string) error
	h5(ctx context.Context, outTradeNo, notifyURL string) error
	native(ctx context.Context, outTradeNo, notifyURL string) error
	byOutTradeNo(ctx context.Context, outTradeNo string) (*order, error)
	byTransactionID(ctx context.Context, transactionID string) (*order, error)
	closeOrder(ctx context.Context, outTradeNo string) (*core.APIResult, error)
	// newContent and read are for notifications of payments.
	newContent() interface{}
	read(content interface{}) *order
}

// merchant is the SDK set up for one of the simulator's merchants.
type merchant struct {
	*setting
	client        *core.Client
	payments      payments
	listener      *listener
	person        person
	transactionID string
	billDate      string
}

func newMerchant(ctx context.Context, setting *setting) (*merchant, error) {
	client, err := core.NewClient(ctx, clientOption(setting))
	if err != nil {
		return nil, err
	}
	result := &merchant{setting: setting, client: client, person: person{setting.ControlURL}}
	result.payments = &directPayments{setting, client}
	if setting.partner() {
		result.payments = &partnerPayments{setting, client}
	}
	handler, err := notify.NewRSANotifyHandler(setting.APIv3Key, verifier(setting))
	if err != nil {
		return nil, err
	}
	result.listener, err = listen(handler, map[string]func() interface{}{
		"payment": result.payments.newContent,
		"refund":  func() interface{} { return &refundNotice{} },
	})
	return result, err
}

// clientOption is one of the two ways in which the SDK's README sets a client up.
func clientOption(s *setting) core.ClientOption {
	if s.certificates() {
		return option.WithWechatPayAutoAuthCipher(s.Mchid, s.SerialNo, s.privateKey, s.APIv3Key)
	}
	return option.WithWechatPayPublicKeyAuthCipher(s.Mchid, s.SerialNo, s.privateKey, s.PublicKeyID, s.publicKey)
}

func verifier(s *setting) auth.Verifier {
	if s.certificates() {
		return verifiers.NewSHA256WithRSAVerifier(downloader.MgrInstance().GetCertificateVisitor(s.Mchid))
	}
	return verifiers.NewSHA256WithRSAPubkeyVerifier(s.PublicKeyID, *s.publicKey)
}

func (m *merchant) close() { _ = m.listener.server.Close() }

// number is unique for each mode and role, so that the control API can tell whose it is.
func (m *merchant) number(name string) string {
	return fmt.Sprintf("GO%c%c-%s", m.mode[0]-'a'+'A', m.role[0]-'a'+'A', name)
}

func (m *merchant) steps() []step {
	steps := []step{
		{"jsapi", m.order(m.payments.jsapi, "jsapi")},
		{"app", m.order(m.payments.app, "app")},
		{"h5", m.order(m.payments.h5, "h5")},
		{"native", m.order(m.payments.native, "native")},
		{"query-by-out-trade-no", m.queryByOutTradeNo},
		{"notify-payment", m.notifyPayment},
		{"query-by-transaction-id", m.queryByTransactionID},
		{"close", m.closes},
		{"refund", m.refund},
		{"notify-refund", m.notifyRefund},
		{"refund-query", m.refundQuery},
		{"trade-bill", m.tradeBill},
		{"trade-bill-gzip", m.tradeBillGzip},
		{"fund-flow-bill", m.fundFlowBill},
		{"sensitive-fields", m.sensitiveFields},
		{"error", m.unknownOrder},
	}
	if m.certificates() {
		steps = append(steps, step{"certificates", m.downloadCertificates})
	}
	return steps
}

func (m *merchant) order(
	place func(context.Context, string, string) error, product string,
) func(context.Context) error {
	return func(ctx context.Context) error {
		return place(ctx, m.number(product), m.listener.url+"/payment")
	}
}

func (m *merchant) queryByOutTradeNo(ctx context.Context) error {
	found, err := m.payments.byOutTradeNo(ctx, m.number("jsapi"))
	if err != nil {
		return err
	}
	return equal(found.state, "NOTPAY")
}

func (m *merchant) notifyPayment(ctx context.Context) error {
	if err := m.person.pays(m.number("jsapi")); err != nil {
		return err
	}
	notice, err := m.listener.next(ctx, "payment")
	if err != nil {
		return err
	}
	paid := m.payments.read(notice.content)
	m.transactionID = paid.transactionID
	m.billDate = paid.successTime[:len("2006-01-02")]
	return errors.Join(
		equal(notice.event, "TRANSACTION.SUCCESS"),
		equal(paid.outTradeNo, m.number("jsapi")),
		equal(paid.state, "SUCCESS"),
		equal(paid.total, totalFen),
	)
}

func (m *merchant) queryByTransactionID(ctx context.Context) error {
	found, err := m.payments.byTransactionID(ctx, m.transactionID)
	if err != nil {
		return err
	}
	return errors.Join(equal(found.outTradeNo, m.number("jsapi")), equal(found.state, "SUCCESS"))
}

func (m *merchant) closes(ctx context.Context) error {
	result, err := m.payments.closeOrder(ctx, m.number("native"))
	if err != nil {
		return err
	}
	found, err := m.payments.byOutTradeNo(ctx, m.number("native"))
	if err != nil {
		return err
	}
	return errors.Join(equal(result.Response.StatusCode, http.StatusNoContent), equal(found.state, "CLOSED"))
}

func (m *merchant) refund(ctx context.Context) error {
	service := refunddomestic.RefundsApiService{Client: m.client}
	refund, _, err := service.Create(ctx, refunddomestic.CreateRequest{
		SubMchid:      m.subMchid(),
		TransactionId: core.String(m.transactionID),
		OutRefundNo:   core.String(m.number("refund")),
		Reason:        core.String("broken"),
		NotifyUrl:     core.String(m.listener.url + "/refund"),
		Amount: &refunddomestic.AmountReq{
			Refund:   core.Int64(refundFen),
			Total:    core.Int64(totalFen),
			Currency: core.String("CNY"),
		},
	})
	if err != nil {
		return err
	}
	return equal(*refund.Status, refunddomestic.STATUS_PROCESSING)
}

// refundNotice is what is looked at; the SDK has no type for it.
type refundNotice struct {
	OutRefundNo  string `json:"out_refund_no"`
	RefundStatus string `json:"refund_status"`
	Amount       struct {
		Refund int64 `json:"refund"`
	} `json:"amount"`
}

func (m *merchant) notifyRefund(ctx context.Context) error {
	if err := m.person.getsRefund(m.number("refund")); err != nil {
		return err
	}
	notice, err := m.listener.next(ctx, "refund")
	if err != nil {
		return err
	}
	refund := notice.content.(*refundNotice)
	return errors.Join(
		equal(notice.event, "REFUND.SUCCESS"),
		equal(refund.OutRefundNo, m.number("refund")),
		equal(refund.RefundStatus, "SUCCESS"),
		equal(refund.Amount.Refund, refundFen),
	)
}

func (m *merchant) refundQuery(ctx context.Context) error {
	service := refunddomestic.RefundsApiService{Client: m.client}
	refund, _, err := service.QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{
		OutRefundNo: core.String(m.number("refund")),
		SubMchid:    m.subMchid(),
	})
	if err != nil {
		return err
	}
	return errors.Join(
		equal(*refund.Status, refunddomestic.STATUS_SUCCESS),
		equal(*refund.TransactionId, m.transactionID),
	)
}

func (m *merchant) unknownOrder(ctx context.Context) error {
	_, err := m.payments.byOutTradeNo(ctx, m.number("unknown"))
	var refusal *core.APIError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("not an APIError: %v", err)
	}
	if !core.IsAPIError(err, "ORDER_NOT_EXIST") {
		return fmt.Errorf("the code is %s", refusal.Code)
	}
	return equal(refusal.StatusCode, http.StatusNotFound)
}

// downloadCertificates is what the SDK repeats every day: now it verifies the answer.
func (m *merchant) downloadCertificates(ctx context.Context) error {
	manager := downloader.MgrInstance()
	if err := manager.RemoveDownloader(ctx, m.Mchid).DownloadCertificates(ctx); err != nil {
		return err
	}
	if err := manager.RegisterDownloaderWithPrivateKey(ctx, m.privateKey, m.SerialNo, m.Mchid, m.APIv3Key); err != nil {
		return err
	}
	return equal(manager.GetNewestCertificateSerial(ctx, m.Mchid), m.PlatformNo)
}

// subMchid is named by service providers only.
func (m *merchant) subMchid() *string {
	if !m.partner() {
		return nil
	}
	return core.String(m.SubMerchants[0].Mchid)
}

func equal[T comparable](actual, expected T) error {
	if actual == expected {
		return nil
	}
	return fmt.Errorf("%v instead of %v", actual, expected)
}

// present tells whether an answer has what it is asked for.
func present(name string, value *string) error {
	if value == nil || *value == "" {
		return fmt.Errorf("no %s", name)
	}
	return nil
}
