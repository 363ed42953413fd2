package conformance;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folder that the simulator wrote for a merchant. */
final class Setting {
  final String mode;
  final String role;
  final String baseUrl;
  final String controlUrl;
  final String mchid;
  final String appid;
  final String subMchid;
  final String subAppid;
  final String serialNo;
  final String apiV3Key;
  final String publicKeyId;
  final String platformSerialNo;
  final Path privateKey;
  final Path publicKey;

  private Setting(Path folder, String mode, String role, JsonObject merchant) {
    this.mode = mode;
    this.role = role;
    baseUrl = merchant.get("base_url").getAsString();
    controlUrl = merchant.get("control_url").getAsString();
    mchid = merchant.get("mchid").getAsString();
    appid = merchant.get("appid").getAsString();
    serialNo = merchant.get("merchant_serial_no").getAsString();
    apiV3Key = merchant.get("api_v3_key").getAsString();
    publicKeyId = merchant.get("public_key_id").getAsString();
    platformSerialNo = merchant.get("platform_serial_no").getAsString();
    privateKey = folder.resolve("apiclient_key.pem");
    publicKey = folder.resolve("pub_key.pem");
    if (role.equals("partner")) {
      JsonObject sub = merchant.getAsJsonArray("sub_merchants").get(0).getAsJsonObject();
      subMchid = sub.get("mchid").getAsString();
      subAppid = sub.get("appid").getAsString();
    } else {
      subMchid = null;
      subAppid = null;
    }
  }

  static Setting read(Path folder, String mode, String role) throws IOException {
    String text = Files.readString(folder.resolve("merchant.json"));
    return new Setting(folder, mode, role, JsonParser.parseString(text).getAsJsonObject());
  }

  boolean partner() {
    return role.equals("partner");
  }

  boolean certificates() {
    return mode.equals("certificate");
  }
}
