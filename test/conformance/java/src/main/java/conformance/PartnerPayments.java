package conformance;

import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.http.HttpClient;
import com.wechat.pay.java.service.partnerpayments.app.AppServiceExtension;
import com.wechat.pay.java.service.partnerpayments.h5.H5Service;
import com.wechat.pay.java.service.partnerpayments.jsapi.JsapiServiceExtension;
import com.wechat.pay.java.service.partnerpayments.jsapi.model.QueryOrderByIdRequest;
import com.wechat.pay.java.service.partnerpayments.jsapi.model.QueryOrderByOutTradeNoRequest;
import com.wechat.pay.java.service.partnerpayments.jsapi.model.Transaction;
import com.wechat.pay.java.service.partnerpayments.nativepay.NativePayService;
import com.wechat.pay.java.service.partnerpayments.nativepay.model.CloseOrderRequest;

/** The SDK's services for service providers. */
final class PartnerPayments implements Payments {
  private final Setting setting;
  private final JsapiServiceExtension jsapi;
  private final AppServiceExtension app;
  private final H5Service h5;
  private final NativePayService nativePay;

  PartnerPayments(Setting setting, Config config, HttpClient client) {
    this.setting = setting;
    jsapi = new JsapiServiceExtension.Builder().config(config).httpClient(client).build();
    app = new AppServiceExtension.Builder().config(config).httpClient(client).build();
    h5 = new H5Service.Builder().httpClient(client).build();
    nativePay = new NativePayService.Builder().httpClient(client).build();
  }

  @Override
  public void jsapi(String outTradeNo, String notifyUrl) {
    var request = new com.wechat.pay.java.service.partnerpayments.jsapi.model.PrepayRequest();
    request.setSpAppid(setting.appid);
    request.setSubAppid(setting.subAppid);
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setDescription(ITEM);
    request.setOutTradeNo(outTradeNo);
    request.setAttach("c=1");
    request.setNotifyUrl(notifyUrl);
    var amount = new com.wechat.pay.java.service.partnerpayments.jsapi.model.Amount();
    amount.setTotal(TOTAL);
    request.setAmount(amount);
    var payer = new com.wechat.pay.java.service.partnerpayments.jsapi.model.Payer();
    payer.setSubOpenid(OPENID);
    request.setPayer(payer);
    Check.present("package", jsapi.prepayWithRequestPayment(request, setting.subAppid).getPackageVal());
  }

  @Override
  public void app(String outTradeNo, String notifyUrl) {
    var request = new com.wechat.pay.java.service.partnerpayments.app.model.PrepayRequest();
    request.setSpAppid(setting.appid);
    request.setSubAppid(setting.subAppid);
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setDescription(ITEM);
    request.setOutTradeNo(outTradeNo);
    request.setNotifyUrl(notifyUrl);
    var amount = new com.wechat.pay.java.service.partnerpayments.app.model.Amount();
    amount.setTotal(TOTAL);
    request.setAmount(amount);
    Check.present("prepay_id", app.prepayWithRequestPayment(request, setting.subAppid).getPrepayId());
  }

  @Override
  public void h5(String outTradeNo, String notifyUrl) {
    var request = new com.wechat.pay.java.service.partnerpayments.h5.model.PrepayRequest();
    request.setSpAppid(setting.appid);
    request.setSubAppid(setting.subAppid);
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setDescription(ITEM);
    request.setOutTradeNo(outTradeNo);
    request.setNotifyUrl(notifyUrl);
    var amount = new com.wechat.pay.java.service.partnerpayments.h5.model.Amount();
    amount.setTotal(TOTAL);
    request.setAmount(amount);
    var scene = new com.wechat.pay.java.service.partnerpayments.h5.model.SceneInfo();
    scene.setPayerClientIp("203.0.113.9");
    var info = new com.wechat.pay.java.service.partnerpayments.h5.model.H5Info();
    info.setType("Wap");
    scene.setH5Info(info);
    request.setSceneInfo(scene);
    Check.present("h5_url", h5.prepay(request).getH5Url());
  }

  @Override
  public void nativePay(String outTradeNo, String notifyUrl) {
    var request = new com.wechat.pay.java.service.partnerpayments.nativepay.model.PrepayRequest();
    request.setSpAppid(setting.appid);
    request.setSubAppid(setting.subAppid);
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setDescription(ITEM);
    request.setOutTradeNo(outTradeNo);
    request.setNotifyUrl(notifyUrl);
    var amount = new com.wechat.pay.java.service.partnerpayments.nativepay.model.Amount();
    amount.setTotal(TOTAL);
    request.setAmount(amount);
    Check.present("code_url", nativePay.prepay(request).getCodeUrl());
  }

  @Override
  public Order byOutTradeNo(String outTradeNo) {
    var request = new QueryOrderByOutTradeNoRequest();
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setOutTradeNo(outTradeNo);
    return order(jsapi.queryOrderByOutTradeNo(request));
  }

  @Override
  public Order byTransactionId(String transactionId) {
    var request = new QueryOrderByIdRequest();
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setTransactionId(transactionId);
    return order(jsapi.queryOrderById(request));
  }

  @Override
  public void close(String outTradeNo) {
    var request = new CloseOrderRequest();
    request.setSpMchid(setting.mchid);
    request.setSubMchid(setting.subMchid);
    request.setOutTradeNo(outTradeNo);
    nativePay.closeOrder(request);
  }

  @Override
  public Arrivals listen(Listener listener) {
    var address = listener.address("/payment", Transaction.class);
    return new Arrivals(address.url, () -> order(address.next()));
  }

  private static Order order(Transaction found) {
    return new Order(
        found.getTradeState().name(),
        found.getOutTradeNo(),
        found.getTransactionId(),
        found.getSuccessTime(),
        found.getAmount() == null ? null : found.getAmount().getTotal());
  }
}
