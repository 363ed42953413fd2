package conformance;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.wechat.pay.java.core.notification.NotificationParser;
import com.wechat.pay.java.core.notification.RequestParam;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The merchant's address for notifications: every POST goes through the SDK's parser. */
final class Listener implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 10;

  private final HttpServer server;
  private final NotificationParser parser;

  Listener(NotificationParser parser) throws IOException {
    this.parser = parser;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
  }

  /** An address whose notifications are about one kind of thing. */
  <T> Address<T> address(String path, Class<T> kind) {
    return new Address<>(path, kind);
  }

  @Override
  public void close() {
    server.stop(0);
  }

  final class Address<T> {
    final String url;
    private final Class<T> kind;
    private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();

    private Address(String path, Class<T> kind) {
      this.kind = kind;
      url = "http://127.0.0.1:" + server.getAddress().getPort() + path;
      server.createContext(path, this::handle);
    }

    private void handle(HttpExchange exchange) throws IOException {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      RequestParam parameters =
          new RequestParam.Builder()
              .serialNumber(exchange.getRequestHeaders().getFirst("Wechatpay-Serial"))
              .nonce(exchange.getRequestHeaders().getFirst("Wechatpay-Nonce"))
              .signature(exchange.getRequestHeaders().getFirst("Wechatpay-Signature"))
              .timestamp(exchange.getRequestHeaders().getFirst("Wechatpay-Timestamp"))
              .signType(exchange.getRequestHeaders().getFirst("Wechatpay-Signature-Type"))
              .body(body)
              .build();
      int status = 204;
      try {
        arrived.add(parser.parse(parameters, kind));
      } catch (RuntimeException refused) {
        arrived.add(refused);
        status = 500;
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    }

    /** The next notification. */
    T next() throws Exception {
      Object notice = arrived.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (notice == null) throw new AssertionError("no notification came");
      if (notice instanceof RuntimeException) throw (RuntimeException) notice;
      return kind.cast(notice);
    }
  }
}
