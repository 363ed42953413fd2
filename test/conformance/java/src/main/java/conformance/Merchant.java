package conformance;

import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.cipher.PrivacyEncryptor;
import com.wechat.pay.java.core.exception.ServiceException;
import com.wechat.pay.java.core.http.HttpClient;
import com.wechat.pay.java.core.http.HttpMethod;
import com.wechat.pay.java.core.http.HttpRequest;
import com.wechat.pay.java.core.http.JsonRequestBody;
import com.wechat.pay.java.core.notification.NotificationConfig;
import com.wechat.pay.java.core.notification.NotificationParser;
import com.wechat.pay.java.core.util.GsonUtil;
import com.wechat.pay.java.core.util.PemUtil;
import com.wechat.pay.java.core.util.ShaUtil;
import com.wechat.pay.java.service.billdownload.model.TarType;
import com.wechat.pay.java.service.certificate.CertificateService;
import com.wechat.pay.java.service.file.FileUploadService;
import com.wechat.pay.java.service.refund.RefundService;
import com.wechat.pay.java.service.refund.model.AmountReq;
import com.wechat.pay.java.service.refund.model.CreateRequest;
import com.wechat.pay.java.service.refund.model.QueryByOutRefundNoRequest;
import com.wechat.pay.java.service.refund.model.Refund;
import com.wechat.pay.java.service.refund.model.RefundNotification;
import com.wechat.pay.java.service.refund.model.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The SDK set up for one of the simulator's merchants. */
final class Merchant implements AutoCloseable {
  private static final long REFUND = 1000;
  private static final String SECRET = "张三 6214 0000 0000 0000";

  /** One pixel. */
  private static final byte[] PICTURE =
      Base64.getDecoder()
          .decode(
              "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

  private final Setting setting;
  private final Config config;
  private final HttpClient client;
  private final Payments payments;
  private final RefundService refunds;
  private final Person person;
  private final Listener listener;
  private final Payments.Arrivals paid;
  private final Listener.Address<RefundNotification> refunded;
  private final Bills bills;
  private String transactionId;
  private String billDate;

  Merchant(Setting setting) throws IOException {
    this.setting = setting;
    Gateway gateway = new Gateway(setting.baseUrl);
    config = gateway.config(setting);
    client = gateway.httpClient(config);
    payments =
        setting.partner()
            ? new PartnerPayments(setting, config, client)
            : new DirectPayments(setting, config, client);
    refunds = new RefundService.Builder().httpClient(client).build();
    bills = new Bills(config, client);
    person = new Person(setting.controlUrl);
    listener = new Listener(new NotificationParser((NotificationConfig) config));
    paid = payments.listen(listener);
    refunded = listener.address("/refund", RefundNotification.class);
  }

  @Override
  public void close() {
    listener.close();
  }

  Map<String, Main.Step> steps() {
    Map<String, Main.Step> steps = new LinkedHashMap<>();
    steps.put("jsapi", () -> payments.jsapi(number("jsapi"), paid.url()));
    steps.put("app", () -> payments.app(number("app"), paid.url()));
    steps.put("h5", () -> payments.h5(number("h5"), paid.url()));
    steps.put("native", () -> payments.nativePay(number("native"), paid.url()));
    steps.put(
        "query-by-out-trade-no",
        () -> Check.equal(payments.byOutTradeNo(number("jsapi")).state(), "NOTPAY"));
    steps.put("notify-payment", this::notifyPayment);
    steps.put("query-by-transaction-id", this::queryByTransactionId);
    steps.put("close", this::closeOrder);
    steps.put("refund", this::refund);
    steps.put("notify-refund", this::notifyRefund);
    steps.put("refund-query", this::refundQuery);
    steps.put("trade-bill", () -> shows(bills.trade(billDate, null)));
    steps.put("trade-bill-gzip", () -> shows(bills.trade(billDate, TarType.GZIP)));
    steps.put("fund-flow-bill", this::fundFlowBill);
    steps.put("sensitive-fields", this::sensitiveFields);
    steps.put("complaint-image", this::uploadImage);
    steps.put("error", this::unknownOrder);
    if (setting.certificates()) steps.put("certificates", this::downloadCertificates);
    return steps;
  }

  /** Unique for each mode and role, so that the control API can tell whose it is. */
  private String number(String name) {
    return "JV" + (setting.certificates() ? "C" : "P") + (setting.partner() ? "P" : "D") + "-" + name;
  }

  private void notifyPayment() throws Exception {
    person.pays(number("jsapi"));
    Payments.Order order = paid.notified().next();
    Check.equal(order.outTradeNo(), number("jsapi"));
    Check.equal(order.state(), "SUCCESS");
    Check.equal(order.total(), Payments.TOTAL);
    transactionId = order.transactionId();
    billDate = order.successTime().substring(0, "2006-01-02".length());
  }

  private void queryByTransactionId() {
    Payments.Order order = payments.byTransactionId(transactionId);
    Check.equal(order.outTradeNo(), number("jsapi"));
    Check.equal(order.state(), "SUCCESS");
  }

  private void closeOrder() {
    payments.close(number("native"));
    Check.equal(payments.byOutTradeNo(number("native")).state(), "CLOSED");
  }

  private void refund() {
    CreateRequest request = new CreateRequest();
    request.setSubMchid(setting.subMchid);
    request.setTransactionId(transactionId);
    request.setOutRefundNo(number("refund"));
    request.setReason("broken");
    request.setNotifyUrl(refunded.url);
    AmountReq amount = new AmountReq();
    amount.setRefund(REFUND);
    amount.setTotal((long) Payments.TOTAL);
    amount.setCurrency("CNY");
    request.setAmount(amount);
    Check.equal(refunds.create(request).getStatus(), Status.PROCESSING);
  }

  private void notifyRefund() throws Exception {
    person.getsRefund(number("refund"));
    RefundNotification notice = refunded.next();
    Check.equal(notice.getOutRefundNo(), number("refund"));
    Check.equal(notice.getRefundStatus(), Status.SUCCESS);
    Check.equal(notice.getAmount().getRefund(), REFUND);
  }

  private void refundQuery() {
    QueryByOutRefundNoRequest request = new QueryByOutRefundNoRequest();
    request.setOutRefundNo(number("refund"));
    request.setSubMchid(setting.subMchid);
    Refund refund = refunds.queryByOutRefundNo(request);
    Check.equal(refund.getStatus(), Status.SUCCESS);
    Check.equal(refund.getTransactionId(), transactionId);
  }

  private void fundFlowBill() throws Exception {
    shows(
        setting.partner()
            ? bills.subMerchantFundFlow(setting.subMchid, billDate)
            : bills.fundFlow(billDate));
  }

  private void shows(String bill) {
    Check.that(bill.contains(transactionId), transactionId + " is not in the bill");
  }

  /** What the SDK's services do for calls with encrypted fields. */
  private void sensitiveFields() {
    PrivacyEncryptor encryptor = config.createEncryptor();
    Map<String, String> body =
        Map.of("echo_message", "hi", "encrypted_echo_message", encryptor.encrypt(SECRET));
    HttpRequest request =
        new HttpRequest.Builder()
            .httpMethod(HttpMethod.POST)
            .url("https://api.mch.weixin.qq.com/v3/security/echo")
            .addHeader("Accept", "application/json")
            .addHeader("Content-Type", "application/json")
            .addHeader("Wechatpay-Serial", encryptor.getWechatpaySerial())
            .body(new JsonRequestBody.Builder().body(GsonUtil.toJson(body)).build())
            .build();
    Map<?, ?> answer = client.execute(request, Map.class).getServiceResponse();
    String encrypted = (String) answer.get("encrypted_echo_message");
    Check.equal(config.createDecryptor().decrypt(encrypted), SECRET);
  }

  private void uploadImage() {
    FileUploadService service = new FileUploadService.Builder().httpClient(client).build();
    String meta =
        GsonUtil.toJson(Map.of("filename", "tea.png", "sha256", ShaUtil.getSha256HexString(PICTURE)));
    String url = "https://api.mch.weixin.qq.com/v3/merchant-service/images/upload";
    Check.present("media_id", service.uploadImage(url, meta, "tea.png", PICTURE).getMediaId());
  }

  private void unknownOrder() {
    try {
      payments.byOutTradeNo(number("unknown"));
      throw new AssertionError("an order that was never placed");
    } catch (ServiceException refusal) {
      Check.equal(refusal.getErrorCode(), "ORDER_NOT_EXIST");
      Check.equal(refusal.getHttpStatusCode(), 404);
    }
  }

  private void downloadCertificates() {
    CertificateService service = new CertificateService.Builder().httpClient(client).build();
    List<X509Certificate> certificates =
        service.downloadCertificate(setting.apiV3Key.getBytes(StandardCharsets.UTF_8));
    X509Certificate newest = certificates.get(certificates.size() - 1);
    Check.equal(PemUtil.getSerialNumber(newest), setting.platformSerialNo);
  }
}
