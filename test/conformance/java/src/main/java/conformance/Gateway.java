package conformance;

import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.RSAAutoCertificateConfig;
import com.wechat.pay.java.core.RSAPublicKeyConfig;
import com.wechat.pay.java.core.http.DefaultHttpClientBuilder;
import com.wechat.pay.java.core.http.HttpClient;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;

/** Sends what goes to the official host to the simulator, under the official name. */
final class Gateway {
  private static final String OFFICIAL_HOST = "api.mch.weixin.qq.com";

  private final OkHttpClient client;

  Gateway(String baseUrl) {
    HttpUrl to = HttpUrl.get(baseUrl);
    // Everything stays as it was signed; only the connection goes elsewhere.
    client =
        new OkHttpClient.Builder()
            .addInterceptor(
                chain -> {
                  Request request = chain.request();
                  if (!request.url().host().equals(OFFICIAL_HOST)) return chain.proceed(request);
                  HttpUrl redirected =
                      request.url().newBuilder().scheme(to.scheme()).host(to.host()).port(to.port()).build();
                  return chain.proceed(
                      request.newBuilder().url(redirected).header("Host", OFFICIAL_HOST).build());
                })
            .build();
  }

  /** One of the two ways in which the SDK's README sets a client up. */
  Config config(Setting setting) {
    if (setting.certificates()) {
      return new RSAAutoCertificateConfig.Builder()
          .merchantId(setting.mchid)
          .privateKeyFromPath(setting.privateKey.toString())
          .merchantSerialNumber(setting.serialNo)
          .apiV3Key(setting.apiV3Key)
          .httpClientBuilder(new DefaultHttpClientBuilder().okHttpClient(client))
          .build();
    }
    return new RSAPublicKeyConfig.Builder()
        .merchantId(setting.mchid)
        .privateKeyFromPath(setting.privateKey.toString())
        .merchantSerialNumber(setting.serialNo)
        .apiV3Key(setting.apiV3Key)
        .publicKeyFromPath(setting.publicKey.toString())
        .publicKeyId(setting.publicKeyId)
        .build();
  }

  HttpClient httpClient(Config config) {
    return new DefaultHttpClientBuilder().config(config).okHttpClient(client).build();
  }
}
