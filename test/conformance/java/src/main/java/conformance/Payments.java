package conformance;

/** What the services of merchants and of service providers have in common. */
interface Payments {
  int TOTAL = 2590;
  String OPENID = "oA1bC2dE3fG4hI5jK6lM7nO8pQ9r";
  String ITEM = "茶具 “Tea set” <&>";

  void jsapi(String outTradeNo, String notifyUrl);

  void app(String outTradeNo, String notifyUrl);

  void h5(String outTradeNo, String notifyUrl);

  void nativePay(String outTradeNo, String notifyUrl);

  Order byOutTradeNo(String outTradeNo);

  Order byTransactionId(String transactionId);

  void close(String outTradeNo);

  /** The next notification of a payment. */
  interface Notified {
    Order next() throws Exception;
  }

  /** The address for notifications, and what comes there. */
  record Arrivals(String url, Notified notified) {}

  Arrivals listen(Listener listener);

  /** What is looked at of an order. */
  record Order(String state, String outTradeNo, String transactionId, String successTime, Integer total) {}
}
