package conformance;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** What people do with their phones, through the control API. */
final class Person {
  private final String controlUrl;
  private final HttpClient client = HttpClient.newHttpClient();

  Person(String controlUrl) {
    this.controlUrl = controlUrl;
  }

  void pays(String outTradeNo) throws IOException, InterruptedException {
    post("/orders/" + outTradeNo + "/pay", "{}");
  }

  /** Has money arrive. */
  void getsRefund(String outRefundNo) throws IOException, InterruptedException {
    post("/refunds/" + outRefundNo + "/finish", "{\"status\":\"SUCCESS\"}");
  }

  private void post(String path, String body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(controlUrl + path))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    Check.that(answer.statusCode() < 300, path + ": " + answer.statusCode() + " " + answer.body());
  }
}
